//! `/v1/export`.

use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

#[tokio::test]
async fn every_credential_is_written_out_without_its_secret() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let mut secrets = vec!["correct horse battery".to_owned()];
    for body in [
        json!({"type": "api_key", "name": "ci", "labels": {"team": "a"}, "scopes": ["orders:read"]}),
        json!({"type": "basic", "name": "ann", "username": "ann", "password": secrets[0]}),
        json!({"type": "bearer_token", "name": "t", "expires_at": "2099-12-31T00:00:00Z"}),
    ] {
        let made = registry.credential(&app, body).await;
        secrets.extend(made["secret"]["value"].as_str().map(ToOwned::to_owned));
    }
    let reply = admin.get("/v1/export").await.has(200);
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    let text_of_all = reply.text();
    let lines: Vec<Value> = text_of_all
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    let of = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap();
    assert_eq!(of("ci")["application"], "billing");
    assert_eq!(of("ci")["labels"], json!({"team": "a"}));
    assert_eq!(of("ann")["username"], "ann");
    assert_eq!(of("t")["expires_at"], "2099-12-31T00:00:00.000Z");
    let csv = admin.get("/v1/export?format=csv").await.has(200);
    assert_eq!(csv.header("content-type"), "text/csv");
    for secret in &secrets {
        assert!(!text_of_all.contains(secret) && !csv.text().contains(secret));
    }
    for kept in ["argon2", "fingerprint", "digest", "sealed"] {
        assert!(!text_of_all.contains(kept) && !csv.text().contains(kept));
    }
    let entries = admin.get("/v1/audit?action=credentials.exported").await;
    let entries = entries.has(200).json();
    assert_eq!(entries["items"].as_array().unwrap().len(), 2);
    assert_eq!(entries["items"][0]["detail"], json!({"format": "csv"}));
    assert_eq!(text(&entries["items"][1]["subject"]), "credentials");
}

#[tokio::test]
async fn a_cell_is_never_a_formula() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "=cmd()", "description": "@a, \"b\""});
    registry.credential(&app, body).await;
    let csv = registry.admin().get("/v1/export?format=csv").await.has(200);
    let text = csv.text();
    let mut lines = text.split("\r\n");
    assert!(lines.next().unwrap().starts_with("application,name,type,"));
    let line = lines.next().unwrap();
    assert!(line.starts_with("billing,'=cmd(),api_key,,"), "{line}");
    assert!(line.contains("\"'@a, \"\"b\"\"\""), "{line}");
    assert_eq!(lines.next(), Some(""));
}

#[tokio::test]
async fn an_export_of_several_parts_is_whole_and_in_order() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let file: Vec<String> = (0..450)
        .map(|number| {
            let line = json!({
                "application": "billing", "create_application": true, "type": "api_key",
                "name": format!("key-{number}"), "value": format!("own-key-of-some-length-{number}"),
            });
            line.to_string()
        })
        .collect();
    let headers = [("content-type", "application/x-ndjson")];
    admin
        .send(
            axum::http::Method::POST,
            "/v1/import",
            &headers,
            file.join("\n").into(),
        )
        .await
        .has(200);
    let all = admin.get("/v1/export").await.has(200).text();
    let ids: Vec<String> = all
        .lines()
        .map(|line| text(&serde_json::from_str::<Value>(line).unwrap()["id"]))
        .collect();
    assert_eq!(ids.len(), 450);
    assert!(ids.is_sorted());
    let csv = admin.get("/v1/export?format=csv").await.has(200).text();
    assert_eq!(csv.matches("application,name").count(), 1);
    assert_eq!(csv.lines().count(), 451);
    admin
        .get("/v1/export?format=xml")
        .await
        .is_problem(400, "invalid-value", Some("format"));
}
