//! `/v1/import`.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestRegistry, text};

const NDJSON: &str = "application/x-ndjson";
/// Of `test`.
const SHA_256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

async fn send(admin: &Actor, kind: &str, body: String) -> Reply {
    let headers = [("content-type", kind)];
    admin
        .send(Method::POST, "/v1/import", &headers, Bytes::from(body))
        .await
}

async fn import(admin: &Actor, kind: &str, body: String) -> Vec<Value> {
    let reply = send(admin, kind, body).await.has(200);
    assert_eq!(reply.header("content-type"), NDJSON);
    reply
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn lines(admin: &Actor, lines: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    import(admin, NDJSON, lines.join("\n")).await
}

fn key(name: &str) -> Value {
    json!({
        "application": "billing", "create_application": true, "type": "api_key", "name": name,
        "value": format!("own-key-of-some-length-{name}"),
    })
}

#[tokio::test]
async fn each_line_is_answered_in_order() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = format!("{}\n\n{{\n{}\n", key("a"), key("b"));
    let answers = import(&admin, NDJSON, body).await;
    let told: Vec<(u64, String)> = answers
        .iter()
        .map(|answer| (answer["line"].as_u64().unwrap(), text(&answer["status"])))
        .collect();
    assert_eq!(
        told,
        [
            (1, "created".to_owned()),
            (3, "failed".to_owned()),
            (4, "created".to_owned())
        ]
    );
    assert_eq!(
        answers[1]["problem"]["type"],
        "urn:keysmith:problem:malformed-request"
    );
    assert_eq!(answers[1]["problem"]["status"], 400);
    let shown = admin
        .get(&format!(
            "/v1/credentials/{}",
            text(&answers[0]["credential"])
        ))
        .await
        .has(200)
        .json();
    assert_eq!(shown["secrets"][0]["origin"], "own");
    assert_eq!(shown["secrets"][0]["last_four"], "th-a");
}

#[tokio::test]
async fn a_file_is_imported_again_from_anywhere_in_its_middle() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let file: Vec<Value> = (0..250).map(|number| key(&number.to_string())).collect();
    let all = lines(&admin, &file).await;
    assert!(all.iter().all(|answer| answer["status"] == "created"));
    let again = lines(&admin, &file[120..]).await;
    assert_eq!(again.len(), 130);
    for (again, first) in again.iter().zip(&all[120..]) {
        assert_eq!(again["status"], "unchanged");
        assert_eq!(again["credential"], first["credential"]);
    }
    let created = admin
        .get("/v1/audit?action=credential.imported&limit=500")
        .await;
    assert_eq!(created.json()["items"].as_array().unwrap().len(), 250);
}

#[tokio::test]
async fn what_is_wrong_with_a_line_names_the_field() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    lines(&admin, &[key("known")]).await;
    let with = |changes: Value| {
        let mut line = key("x");
        for (name, value) in changes.as_object().unwrap() {
            line[name] = value.clone();
        }
        if !changes["value"].is_null() || changes.get("value").is_none() {
            return line;
        }
        line.as_object_mut().unwrap().remove("value");
        line
    };
    let cases = [
        (with(json!({"colour": "red"})), "colour"),
        (with(json!({"sha256": SHA_256})), "sha256"),
        (with(json!({"value": null, "sha256": "9f86"})), "sha256"),
        (with(json!({"value": null})), "value"),
        (with(json!({"value": "short"})), "value"),
        (
            with(json!({"value": "ks_ak_0123456789012345678901234567"})),
            "value",
        ),
        (
            with(json!({"value": "own-key-of-some-length-known"})),
            "value",
        ),
        (with(json!({"username": "ann"})), "username"),
        (with(json!({"password_hash": "{SHA}x"})), "password_hash"),
        (with(json!({"type": "basic"})), "value"),
        (with(json!({"type": "basic", "value": null})), "username"),
        (
            with(json!({"type": "basic", "value": null, "username": "ann"})),
            "password",
        ),
        (
            with(
                json!({"type": "basic", "value": null, "username": "ann", "password_hash": "$2y$15$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."}),
            ),
            "password_hash",
        ),
        (with(json!({"type": "bearer_token"})), "expires_at"),
        (with(json!({"type": "magic"})), "type"),
        (with(json!({"scopes": ["orders:read"]})), "scopes"),
        (with(json!({"labels": {"a b": "c"}})), "labels"),
        (
            with(json!({"expires_at": "2020-01-01T00:00:00Z"})),
            "expires_at",
        ),
        (
            with(json!({"application": "nobody", "create_application": false})),
            "application",
        ),
        (with(json!({"name": ""})), "name"),
    ];
    let file: Vec<Value> = cases.iter().map(|(line, _)| line.clone()).collect();
    let answers = lines(&admin, &file).await;
    assert_eq!(answers.len(), cases.len());
    for ((line, field), answer) in cases.iter().zip(answers) {
        assert_eq!(answer["status"], "failed", "{line}: {answer}");
        let named = answer["problem"]["field"].as_str().unwrap_or_default();
        assert!(
            named == *field || named.starts_with(field),
            "{line}: {answer}"
        );
        for secret in [&line["value"], &line["sha256"], &line["password_hash"]] {
            let secret = secret.as_str().unwrap_or("absent");
            assert!(!answer.to_string().contains(secret), "{answer}");
        }
    }
}

#[tokio::test]
async fn csv_is_imported_by_its_columns() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    registry.application("billing").await;
    let file = format!(
        "\u{feff}application,name,type,sha256,username,password_hash,labels,scopes,enabled\r\n\
         billing,ci,api_key,{SHA_256},,,team=a;env=b,orders:read orders:write,false\r\n\
         \r\n\
         billing,ann,basic,,ann,$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a.,,,\r\n\
         billing,\"x\r\ny\",api_key,{SHA_256},,,,,\r\n\
         billing,z,api_key\r\n"
    );
    let answers = import(&admin, "text/csv; charset=utf-8", file.clone()).await;
    let told: Vec<String> = answers
        .iter()
        .map(|answer| format!("{} {}", answer["line"], text(&answer["status"])))
        .collect();
    assert_eq!(told, ["2 created", "4 created", "5 failed", "7 failed"]);
    let path = format!("/v1/credentials/{}", text(&answers[0]["credential"]));
    let shown = admin.get(&path).await.has(200).json();
    assert_eq!(shown["labels"], json!({"team": "a", "env": "b"}));
    assert_eq!(shown["scopes"], json!(["orders:read", "orders:write"]));
    assert_eq!(shown["enabled"], false);
    let again = import(&admin, "text/csv", file).await;
    assert_eq!(again[0]["status"], "unchanged");
    assert_eq!(again[1]["status"], "unchanged");
}

#[tokio::test]
async fn what_is_no_import_is_refused_as_a_whole() {
    let registry = TestRegistry::with(&[("KEYSMITH_MAX_IMPORT_BYTES", "65536")]).await;
    let admin = registry.admin();
    send(&admin, "application/json", key("a").to_string())
        .await
        .is_problem(415, "unsupported-media-type", Some("Content-Type"));
    send(&admin, NDJSON, "x".repeat(65_537))
        .await
        .is_problem(413, "too-large", None);
    for header in ["", "application,colour\n", "name,name\n", "\"name\n"] {
        let reply = send(&admin, "text/csv", header.to_owned()).await;
        assert_eq!(reply.status, 400, "{header}: {}", reply.text());
    }
    let gateway = registry.gateway("default").await;
    send(&gateway, NDJSON, key("a").to_string())
        .await
        .is_problem(403, "forbidden", None);
}

#[tokio::test]
async fn more_than_one_batch_and_lines_that_are_too_long_are_answered() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let mut long = key("long");
    long["description"] = json!("x".repeat(70_000));
    let mut file = vec![key("first"), long];
    file.extend((0..120).map(|_| json!({})));
    file.push(key("last"));
    let answers = lines(&admin, &file).await;
    assert_eq!(answers.len(), file.len());
    assert_eq!(answers[0]["status"], "created");
    assert_eq!(
        answers[1]["problem"]["type"],
        "urn:keysmith:problem:too-large"
    );
    assert_eq!(answers[122]["status"], "created");
    assert_eq!(answers[122]["line"], 123);
}

#[tokio::test]
async fn a_password_that_was_hashed_elsewhere_is_verified() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let gateway = registry.gateway("default").await;
    let hash = "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
    let line = json!({
        "application": "office", "create_application": true, "type": "basic", "name": "ann",
        "username": "ann", "password_hash": hash,
    });
    assert_eq!(lines(&admin, &[line]).await[0]["status"], "created");
    for (password, verified) in [("correct horse battery", true), ("correct horse", false)] {
        let body = json!({"username": "ann", "password": password, "source": "192.0.2.1"});
        let reply = gateway.post("/v1/gateway/verify", body).await.has(200);
        assert_eq!(reply.json()["verified"], verified, "{password}");
    }
}
