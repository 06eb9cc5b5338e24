//! `max_lifetime_..._seconds`, by every way in which a credential or a token is made or changed.

use std::time::Duration;

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

const SETTINGS: [(&str, &str); 4] = [
    ("KEYSMITH_MAX_LIFETIME_API_KEY_SECONDS", "7776000"),
    ("KEYSMITH_MAX_LIFETIME_BASIC_SECONDS", "86400"),
    ("KEYSMITH_MAX_LIFETIME_BEARER_TOKEN_SECONDS", "3600"),
    ("KEYSMITH_MAX_LIFETIME_TOKEN_SECONDS", "2592000"),
];
/// 90 days after the beginning of a test.
const LAST: &str = "2027-04-15T08:00:00.000Z";
const TOO_LATE: &str = "2027-04-15T08:00:00.001Z";
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn each_type_has_its_own() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let application = registry.application("billing").await;
    for (body, end) in [
        (json!({"type": "api_key", "name": "key"}), LAST),
        (
            json!({"type": "basic", "name": "basic", "username": "ann"}),
            "2027-01-16T08:00:00.000Z",
        ),
        (
            json!({"type": "bearer_token", "name": "bearer"}),
            "2027-01-15T09:00:00.000Z",
        ),
    ] {
        let made = registry.credential(&application, body).await;
        assert_eq!(made["expires_at"], end);
    }
    let admin = registry.admin();
    let path = format!("/v1/applications/{application}/credentials");
    let late = json!({"type": "api_key", "name": "late", "expires_at": TOO_LATE});
    let refused = admin.post(&path, late).await;
    refused.is_problem(400, "invalid-value", Some("expires_at"));
    let detail = text(&refused.json()["detail"]);
    assert!(detail.contains("at most 7776000 seconds"), "{detail}");
}

#[tokio::test]
async fn a_change_and_a_rotation_keep_to_it() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let application = registry.application("billing").await;
    let key = json!({"type": "api_key", "name": "key", "expires_at": "2027-02-01T00:00:00Z"});
    let made = registry.credential(&application, key).await;
    let (admin, path) = (
        registry.admin(),
        format!("/v1/credentials/{}", text(&made["id"])),
    );
    let rotate = format!("{path}/rotate");
    let late = admin.patch(&path, json!({"expires_at": TOO_LATE})).await;
    late.is_problem(400, "invalid-value", Some("expires_at"));
    let longest = admin.patch(&path, json!({"expires_at": null})).await;
    assert_eq!(longest.has(200).json()["expires_at"], LAST);
    registry.clock.advance(DAY);
    let body = json!({"expires_at": "2027-04-16T08:00:00.001Z"});
    let late = admin.post(&rotate, body).await;
    late.is_problem(400, "invalid-value", Some("expires_at"));
    let renewed = admin.post(&rotate, json!({"grace_period": 60})).await;
    assert_eq!(
        renewed.has(200).json()["expires_at"],
        "2027-04-16T08:00:00.000Z"
    );
    let body = json!({"expires_at": "2027-02-01T00:00:00Z"});
    let chosen = admin.post(&rotate, body).await.has(200).json();
    assert_eq!(chosen["expires_at"], "2027-02-01T00:00:00.000Z");
}

#[tokio::test]
async fn an_import_keeps_to_it_and_can_be_repeated() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let admin = registry.admin();
    let line = |name: &str, end: Value| {
        json!({
            "application": "billing", "create_application": true, "type": "api_key", "name": name,
            "value": format!("own-key-of-some-length-{name}"), "expires_at": end,
        })
    };
    let lines = [
        line("a", Value::Null),
        line("b", json!(LAST)),
        line("c", json!(TOO_LATE)),
    ];
    let body: Vec<String> = lines.iter().map(Value::to_string).collect();
    let send = async || {
        let headers = [("content-type", "application/x-ndjson")];
        let body = Bytes::from(body.join("\n"));
        let reply = admin.send(Method::POST, "/v1/import", &headers, body).await;
        let told = reply.has(200).text();
        let told = told
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.collect::<Vec<Value>>()
    };
    let told = send().await;
    assert_eq!(told[2]["problem"]["field"], "expires_at");
    for made in &told[..2] {
        let path = format!("/v1/credentials/{}", text(&made["credential"]));
        assert_eq!(admin.get(&path).await.json()["expires_at"], LAST);
    }
    registry.clock.advance(DAY);
    let again = send().await;
    assert_eq!(again[0]["status"], "unchanged");
    assert_eq!(again[1]["status"], "unchanged");
}

#[tokio::test]
async fn a_default_key_has_the_longest_and_no_end_of_its_own() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let admin = registry.admin();
    let body = json!({"name": "billing", "default_key": "required"});
    let made = admin.post("/v1/applications", body).await.has(201).json();
    let key = &made["default_credential"];
    assert_eq!(key["expires_at"], LAST);
    let path = format!("/v1/credentials/{}", text(&key["id"]));
    let rotate = format!("{path}/rotate");
    let sooner = json!({"expires_at": "2027-02-01T00:00:00Z"});
    let change = admin.patch(&path, sooner.clone()).await;
    change.is_problem(409, "conflict", None);
    let rotation = admin.post(&rotate, sooner).await;
    rotation.is_problem(409, "conflict", None);
    for same in [json!({"expires_at": null}), json!({"expires_at": LAST})] {
        admin.patch(&path, same).await.has(200);
    }
    registry.clock.advance(100 * DAY);
    let notes = admin.patch(&path, json!({"description": "late"})).await;
    notes.has(200);
    let renewed = admin.post(&rotate, json!({})).await.has(200).json();
    assert_eq!(renewed["expires_at"], "2027-07-24T08:00:00.000Z");

    let application = text(&made["id"]);
    let choose = format!("/v1/applications/{application}/default-credential");
    let chosen = async |body: Value| {
        let other = registry.credential(&application, body).await;
        let body = Bytes::from(json!({"credential": other["id"]}).to_string());
        let headers = [("content-type", "application/json")];
        admin.send(Method::PUT, &choose, &headers, body).await
    };
    let ends = json!({"type": "api_key", "name": "ends", "expires_at": "2027-05-01T00:00:00Z"});
    chosen(ends).await.is_problem(409, "conflict", None);
    let longest = json!({"type": "api_key", "name": "longest"});
    chosen(longest).await.has(200);
}

#[tokio::test]
async fn a_consumers_key_has_it_from_each_key_on() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let apisix = registry.apisix();
    let consumer = |key: &str| json!({"username": "jack", "plugins": {"key-auth": {"key": key}}});
    let credential = |key: &str| json!({"plugins": {"key-auth": {"key": key}}});
    apisix
        .put("/consumers", consumer("an-own-key-of-some-length-1"))
        .await
        .has(201);
    let path = "/consumers/jack/credentials/a";
    apisix
        .put(path, credential("an-own-key-of-some-length-2"))
        .await
        .has(201);
    let ends = async || {
        let found = registry.admin().get("/v1/credentials").await.has(200);
        let items = found.json()["items"].as_array().unwrap().clone();
        let ends = items.iter().map(|one| text(&one["expires_at"]));
        ends.collect::<Vec<String>>()
    };
    assert_eq!(ends().await, [LAST, LAST]);
    registry.clock.advance(DAY);
    apisix
        .put("/consumers", consumer("an-own-key-of-some-length-3"))
        .await
        .has(200);
    apisix
        .put(path, credential("an-own-key-of-some-length-4"))
        .await
        .has(200);
    let next = "2027-04-16T08:00:00.000Z";
    assert_eq!(ends().await, [next, next]);
    // Also when nobody sent another one in time.
    registry.clock.advance(100 * DAY);
    apisix
        .put(path, credential("an-own-key-of-some-length-5"))
        .await
        .has(200);
}

#[tokio::test]
async fn a_token_of_the_registry_has_one_as_well() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let admin = registry.admin();
    let gateways = "/v1/gateway-groups/default/tokens";
    let (last, late) = ("2027-02-14T08:00:00.000Z", "2027-02-14T08:00:00.001Z");
    for (path, body) in [
        ("/v1/tokens", json!({"role": "auditor"})),
        (gateways, json!({})),
    ] {
        let made = admin.post(path, body.clone()).await.has(201).json();
        assert_eq!(made["expires_at"], last);
        let with = |end: &str| {
            let mut body = body.clone();
            body["expires_at"] = json!(end);
            body
        };
        let refused = admin.post(path, with(late)).await;
        refused.is_problem(400, "invalid-value", Some("expires_at"));
        let detail = text(&refused.json()["detail"]);
        assert!(detail.contains("max_lifetime_token_seconds"), "{detail}");
        admin.post(path, with(last)).await.has(201);
    }
}

#[tokio::test]
async fn one_token_makes_none_that_outlives_it() {
    let registry = TestRegistry::with(&SETTINGS).await;
    let role = json!({"role": "portal_admin", "expires_at": "2027-01-20T00:00:00Z"});
    let short = registry.minted(role).await;
    let made = short.post("/v1/tokens", json!({"role": "auditor"})).await;
    assert_eq!(
        made.has(201).json()["expires_at"],
        "2027-01-20T00:00:00.000Z"
    );
}
