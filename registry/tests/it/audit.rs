//! `/v1/audit`.

use axum::{body::Bytes, http::Method};
use filter_core::key::SecretType;
use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry, text, token};

mod walk;

async fn newest(admin: &Actor) -> Value {
    let page = admin.get("/v1/audit?limit=1").await.has(200).json();
    page["items"][0].clone()
}

#[tokio::test]
async fn a_list_names_what_it_cannot_be_asked() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for (query, field) in [
        ("application=x", "application"),
        ("credential=app_1", "credential"),
        ("token=app_1", "token"),
        ("action=invented", "action"),
        ("since=yesterday", "since"),
        ("until=1", "until"),
        ("cursor=1", "cursor"),
        ("cursor=1-99999999999999999999", "cursor"),
        ("limit=501", "limit"),
    ] {
        let reply = admin.get(&format!("/v1/audit?{query}")).await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
    let gateway = registry.gateway("default").await;
    gateway
        .get("/v1/audit")
        .await
        .is_problem(403, "forbidden", None);
}

#[tokio::test]
async fn entries_hold_no_secret_and_are_found_by_what_they_are_about() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let own = "an-own-key-of-some-length";
    let mut secrets = vec![own.to_owned(), "correct horse battery".to_owned()];
    let mut ids = Vec::new();
    for body in [
        json!({"type": "api_key", "name": "generated"}),
        json!({"type": "api_key", "name": "own", "value": own}),
        json!({"type": "basic", "name": "b", "username": "bob", "password": secrets[1]}),
    ] {
        let made = registry.credential(&app, body).await;
        secrets.extend(made["secret"]["value"].as_str().map(ToOwned::to_owned));
        ids.push(text(&made["id"]));
    }
    let token = admin.post("/v1/tokens", json!({})).await.has(201).json();
    secrets.push(text(&token["token"]));
    let all = admin.get("/v1/audit?limit=500").await.has(200).text();
    for secret in &secrets {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
    let of = async |query: &str| {
        let page = admin
            .get(&format!("/v1/audit?{query}"))
            .await
            .has(200)
            .json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(of(&format!("application={app}")).await, 4);
    assert_eq!(of(&format!("credential={}", ids[0])).await, 1);
    assert_eq!(of("action=credential.created").await, 3);
    assert_eq!(
        of("since=2027-01-15T08:00:00Z&action=token.created").await,
        2
    );
    assert_eq!(of("until=2027-01-15T08:00:00Z").await, 0);
    let first = admin.get("/v1/audit?limit=2").await.has(200).json();
    let cursor = text(&first["next_cursor"]);
    let path = format!("/v1/audit?limit=500&cursor={cursor}");
    let rest = admin.get(&path).await.has(200).json();
    let (first, rest) = (&first["items"], &rest["items"]);
    let sequence = |item: &Value| item["sequence"].as_u64().unwrap();
    assert_eq!(sequence(&first[1]), sequence(&rest[0]) + 1);
    assert_eq!(sequence(&rest[rest.as_array().unwrap().len() - 1]), 1);
}

/// What the log says of refusals, the first one first.
async fn refusals(registry: &TestRegistry) -> Vec<Value> {
    let mut found = Vec::new();
    for action in ["login.refused", "access.forbidden"] {
        let path = format!("/v1/audit?limit=500&action={action}");
        let page = registry.admin().get(&path).await.has(200).json();
        found.extend(page["items"].as_array().unwrap().iter().rev().cloned());
    }
    found
}

#[tokio::test]
async fn the_log_names_the_token_that_was_read_and_none_that_was_sent_beside_it() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let key = [("x-api-key", gateway.token())];
    let consumers = "/apisix/admin/consumers";
    let admin = registry.admin();
    let reply = admin.send(Method::GET, consumers, &key, Bytes::new()).await;
    assert_eq!(reply.status, 403);
    let path = "/v1/gateway-groups/default/tokens";
    let tokens = admin.get(path).await.has(200).json();
    let registry = registry.stop().await.start(&[]).await;
    let found = refusals(&registry).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["token"], tokens["items"][0]["id"]);
}

#[tokio::test]
async fn refused_logins_and_what_is_forbidden_are_in_the_log() {
    let registry = TestRegistry::start().await;
    let made = registry.admin().post("/v1/tokens", json!({})).await;
    let revoked = made.has(201).json();
    let path = format!("/v1/tokens/{}", text(&revoked["id"]));
    registry.admin().delete(&path).await.has(204);
    let unknown = token(SecretType::AdminToken, 9);
    for actor in [
        registry.stranger(),
        registry.bearer(&unknown),
        registry.bearer(&text(&revoked["token"])),
    ] {
        actor.get("/v1/applications").await.has(401);
        actor.get("/v1/applications").await.has(401);
    }
    let gateway = registry.gateway("default").await;
    gateway.get("/v1/audit").await.has(403);
    // Somebody else's, and nobody's: not forbidden, but not there.
    registry.admin().get("/v1/credentials/x").await.has(404);
    registry.stranger().get("/openapi.json").await.has(200);
    let registry = registry.stop().await.start(&[]).await;

    let found = refusals(&registry).await;
    let mut by_reason = std::collections::BTreeMap::new();
    for entry in &found {
        assert_eq!(entry["address"], "127.0.0.1");
        let count = entry["detail"]["count"].as_u64().unwrap();
        *by_reason
            .entry(text(&entry["detail"]["reason"]))
            .or_insert(0) += count;
    }
    let counts: Vec<_> = by_reason
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(
        counts,
        [
            ("no_token", 2),
            ("revoked_token", 2),
            ("role", 1),
            ("unknown_token", 2)
        ]
    );
    let of = |reason: &str| {
        let found = found
            .iter()
            .find(|entry| entry["detail"]["reason"] == reason);
        found.unwrap().clone()
    };
    assert_eq!(of("revoked_token")["token"], revoked["id"]);
    assert_eq!(of("unknown_token")["token"], Value::Null);
    assert_eq!(of("unknown_token")["subject"], "GET /v1/applications");
    let forbidden = of("role");
    assert_eq!(forbidden["action"], "access.forbidden");
    assert_eq!(forbidden["subject"], "GET /v1/audit");
    assert!(text(&forbidden["token"]).starts_with("tok_"));
    let all = registry.admin().get("/v1/audit?limit=500").await.text();
    assert!(!all.contains(&unknown));
}

#[tokio::test]
async fn entries_are_found_by_the_token_that_did_it_or_tried() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let made = admin.post("/v1/tokens", json!({"role": "api_owner"})).await;
    let made = made.has(201).json();
    let owner = registry.bearer(&text(&made["token"]));
    owner
        .post("/v1/applications", json!({"name": "billing"}))
        .await
        .has(201);
    registry.application("shop").await;
    owner.get("/v1/tokens").await.has(403);
    let registry = registry.stop().await.start(&[]).await;
    let admin = registry.admin();
    let of = async |query: String| {
        let page = admin.get(&format!("/v1/audit?{query}")).await;
        let items = page.has(200).json()["items"].clone();
        let items = items.as_array().unwrap();
        let named = |item: &Value| format!("{} {}", text(&item["action"]), text(&item["subject"]));
        items.iter().map(named).collect::<Vec<_>>()
    };
    let token = format!("token={}", text(&made["id"]));
    assert_eq!(
        of(token.clone()).await,
        [
            "access.forbidden GET /v1/tokens",
            "application.created billing"
        ]
    );
    let action = "action=application.created";
    assert_eq!(
        of(format!("{token}&{action}")).await,
        ["application.created billing"]
    );
    assert_eq!(of(action.to_owned()).await.len(), 2);
    let tenant = registry.minted(json!({"role": "org_admin"})).await;
    let page = tenant.get("/v1/audit").await.has(200).json();
    assert_eq!(page["head"], Value::Null, "of what it cannot see");
}

#[tokio::test]
async fn the_log_has_a_head_and_is_exported_with_heads() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    registry.application("billing").await;
    let head = admin.get("/v1/audit/head").await.has(200).json();
    assert!(
        text(&head["head"]).starts_with("keysmith-audit-head-1:"),
        "{head}"
    );
    let newest = newest(&admin).await["sequence"].clone();
    assert_eq!(head["sequence"], newest);
    let page = admin.get("/v1/audit?limit=1").await.has(200).json();
    assert_eq!(page["head"], head["head"], "each page has one as well");
    let export = admin.get("/v1/audit/export").await.has(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let export = export.text();
    let lines: Vec<Value> = export
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines[0]["head"].is_string() && lines[lines.len() - 1]["head"].is_string());
    let records = lines.iter().filter(|line| line["sequence"].is_u64());
    let expected = newest.as_u64().unwrap() + 1;
    assert_eq!(
        records.count() as u64,
        expected,
        "the export itself is the last one"
    );
    let last = &lines[lines.len() - 2];
    assert_eq!(last["action"], "audit.exported");
}
