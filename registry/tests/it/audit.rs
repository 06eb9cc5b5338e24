//! `/v1/audit`.

use std::collections::BTreeSet;

use axum::{body::Bytes, http::Method};
use filter_core::key::SecretType;
use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry, admin_token, text, token};

/// Operations that change something, or look as if they did, and leave no entry; with the reason.
const EXEMPT: [(&str, &str); 4] = [
    (
        "rotate_master_key",
        "is noted when it begins and when it ends, which is after the answer: keys.rs",
    ),
    ("credential_impact", "asks what a change would break"),
    (
        "report",
        "gateways report all the time, and change nothing that anybody decides",
    ),
    ("verify_password", "asks whether a password is right"),
];

/// Somebody who does everything that can be done, and counts what is written down of it.
struct Walk {
    admin: Actor,
    done: BTreeSet<String>,
}

impl Walk {
    /// Does it, and insists that it left exactly one entry, with this action.
    async fn does(
        &mut self,
        operation: &str,
        (method, path): (Method, &str),
        body: Value,
        action: &str,
    ) -> Value {
        let before = newest(&self.admin).await["sequence"].as_u64();
        let kind = if operation == "import_credentials" {
            "application/x-ndjson"
        } else {
            "application/json"
        };
        let mut headers = vec![("content-type", kind)];
        let key = admin_token();
        if path.starts_with("/apisix/") {
            headers.push(("x-api-key", &key));
        }
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        let reply = self.admin.send(method, path, &headers, body).await;
        assert!(reply.status.is_success(), "{operation}: {}", reply.text());
        let newest = newest(&self.admin).await;
        assert_eq!(newest["action"], action, "{operation}: {newest}");
        let after = newest["sequence"].as_u64();
        assert_eq!(after, before.map(|before| before + 1), "{operation}");
        assert!(
            newest["token"].is_string() && newest["address"] == "127.0.0.1",
            "{newest}"
        );
        self.done.insert(operation.to_owned());
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }
}

async fn newest(admin: &Actor) -> Value {
    let page = admin.get("/v1/audit?limit=1").await.has(200).json();
    page["items"][0].clone()
}

async fn applications(walk: &mut Walk) -> String {
    let made = walk
        .does(
            "create_application",
            (Method::POST, "/v1/applications"),
            json!({"name": "billing"}),
            "application.created",
        )
        .await;
    let path = format!("/v1/applications/{}", text(&made["id"]));
    walk.does(
        "update_application",
        (Method::PATCH, &path),
        json!({"description": "bills"}),
        "application.updated",
    )
    .await;
    path
}

async fn credentials(walk: &mut Walk, application: &str) {
    let made = walk
        .does(
            "create_credential",
            (Method::POST, &format!("{application}/credentials")),
            json!({"type": "api_key", "name": "key"}),
            "credential.created",
        )
        .await;
    let path = format!("/v1/credentials/{}", text(&made["id"]));
    walk.does(
        "update_credential",
        (Method::PATCH, &path),
        json!({"enabled": false}),
        "credential.updated",
    )
    .await;
    walk.does(
        "rotate_credential",
        (Method::POST, &format!("{path}/rotate")),
        json!({"grace_period": 60}),
        "credential.rotated",
    )
    .await;
    for (way, action) in [
        ("finish", "credential.rotation_finished"),
        ("cancel", "credential.rotation_cancelled"),
    ] {
        let body = json!({"grace_period": 60});
        let rotate = format!("{path}/rotate");
        walk.admin.post(&rotate, body).await.has(200);
        walk.does(
            &format!("{way}_rotation"),
            (Method::POST, &format!("{rotate}/{way}")),
            Value::Null,
            action,
        )
        .await;
    }
    deployments(walk, &format!("{path}/deployments/default")).await;
    defaults(walk, application).await;
    // An entry for each credential that is created, and one for each application.
    walk.does(
        "import_credentials",
        (Method::POST, "/v1/import"),
        json!({"application": "billing", "type": "api_key", "name": "old", "value": "own-key-of-some-length"}),
        "credential.imported",
    )
    .await;
    walk.does(
        "delete_credential",
        (Method::DELETE, &path),
        Value::Null,
        "credential.deleted",
    )
    .await;
}

async fn deployments(walk: &mut Walk, path: &str) {
    for (way, method, action) in [
        ("undeploy", Method::DELETE, "credential.undeployed"),
        ("deploy", Method::PUT, "credential.deployed"),
    ] {
        let operation = format!("{way}_credential");
        walk.does(&operation, (method, path), Value::Null, action)
            .await;
    }
}

async fn gateways(walk: &mut Walk, gateway: &Actor) {
    let instance = "0123456789abcdef0123456789abcdef";
    let poll = format!("/v1/feed?gateway=edge-1&instance={instance}");
    gateway.get(&poll).await.has(200);
    // It does not end meanwhile: the gateway that was seen has not gone over.
    walk.does(
        "rotate_digest_key",
        (Method::POST, "/v1/gateway-groups/default/rotate-digest-key"),
        Value::Null,
        "gateway_group.digest_key_replacement_begun",
    )
    .await;
    walk.does(
        "forget_gateway",
        (Method::DELETE, &format!("/v1/gateways/{instance}")),
        Value::Null,
        "gateway.forgotten",
    )
    .await;
}

async fn defaults(walk: &mut Walk, application: &str) {
    let body = json!({"type": "api_key", "name": "default", "secret_type": "retrievable"});
    let path = format!("{application}/credentials");
    let made = walk.admin.post(&path, body).await.has(201).json();
    walk.does(
        "reveal_credential",
        (
            Method::POST,
            &format!("/v1/credentials/{}/reveal", text(&made["id"])),
        ),
        Value::Null,
        "credential.revealed",
    )
    .await;
    let required = json!({"default_key": "required", "default_credential": made["id"]});
    walk.admin.patch(application, required).await.has(200);
    walk.does(
        "set_default_credential",
        (Method::PUT, &format!("{application}/default-credential")),
        json!({"credential": made["id"]}),
        "application.updated",
    )
    .await;
}

async fn leaks(walk: &mut Walk, application: &str) {
    let path = format!("{application}/credentials");
    let body = json!({"type": "api_key", "name": "leaky"});
    let made = walk.admin.post(&path, body).await.has(201).json();
    walk.does(
        "report_leaks",
        (Method::POST, "/v1/leaks"),
        json!({"leaks": [{"value": made["secret"]["value"]}]}),
        "secret.leaked",
    )
    .await;
}

async fn consumers(walk: &mut Walk) {
    let all = "/apisix/admin/consumers";
    let (one, of_one) = (format!("{all}/jack"), format!("{all}/jack/credentials"));
    let key = |key: &str| json!({"id": "a", "plugins": {"key-auth": {"key": key}}});
    for (operation, place, body, action) in [
        (
            "put_consumer",
            (Method::PUT, all),
            json!({"username": "jack"}),
            "application.created",
        ),
        (
            "put_consumer_named",
            (Method::PUT, one.as_str()),
            json!({"username": "jack", "desc": "new"}),
            "application.updated",
        ),
        (
            "put_credential",
            (Method::PUT, of_one.as_str()),
            key("an-own-key-of-some-length-1"),
            "credential.created",
        ),
        (
            "put_credential_named",
            (Method::PUT, &format!("{of_one}/a")),
            key("an-own-key-of-some-length-2"),
            "credential.rotated",
        ),
        (
            "delete_credential",
            (Method::DELETE, &format!("{of_one}/a")),
            Value::Null,
            "credential.deleted",
        ),
        (
            "delete_consumer",
            (Method::DELETE, one.as_str()),
            Value::Null,
            "application.deleted",
        ),
    ] {
        walk.does(&format!("apisix_{operation}"), place, body, action)
            .await;
    }
}

async fn gateway_groups(walk: &mut Walk) {
    let group = "/v1/gateway-groups/edge";
    walk.does(
        "create_gateway_group",
        (Method::POST, "/v1/gateway-groups"),
        json!({"name": "edge"}),
        "gateway_group.created",
    )
    .await;
    tokens(walk, &format!("{group}/tokens"), "gateway").await;
    walk.does(
        "delete_gateway_group",
        (Method::DELETE, group),
        Value::Null,
        "gateway_group.deleted",
    )
    .await;
}

async fn tokens(walk: &mut Walk, path: &str, kind: &str) {
    let made = walk
        .does(
            &format!("create_{kind}_token"),
            (Method::POST, path),
            json!({}),
            "token.created",
        )
        .await;
    walk.does(
        &format!("revoke_{kind}_token"),
        (Method::DELETE, &format!("{path}/{}", text(&made["id"]))),
        Value::Null,
        "token.revoked",
    )
    .await;
}

async fn organizations(walk: &mut Walk) {
    let one = "/v1/organizations/tenant";
    for (way, method, path, body) in [
        (
            "create",
            Method::POST,
            "/v1/organizations",
            json!({"name": "tenant"}),
        ),
        ("update", Method::PATCH, one, json!({"description": "new"})),
        ("delete", Method::DELETE, one, Value::Null),
    ] {
        let operation = format!("{way}_organization");
        let action = format!("organization.{way}d");
        walk.does(&operation, (method, path), body, &action).await;
    }
}

fn mutating_operations() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&registry::api::openapi().unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            if ["post", "put", "patch", "delete"].contains(&method.as_str()) {
                found.insert(text(&operation["operationId"]));
            }
        }
    }
    found
}

/// One that is new has to be done above as well, or to be exempt for a reason.
#[tokio::test]
async fn every_operation_that_changes_something_leaves_exactly_one_entry() {
    let registry = TestRegistry::with(&[("KEYSMITH_ALLOW_RETRIEVABLE_SECRETS", "true")]).await;
    let mut walk = Walk {
        admin: registry.admin(),
        done: BTreeSet::new(),
    };
    let application = applications(&mut walk).await;
    credentials(&mut walk, &application).await;
    leaks(&mut walk, &application).await;
    walk.does(
        "delete_application",
        (Method::DELETE, &application),
        Value::Null,
        "application.deleted",
    )
    .await;
    gateway_groups(&mut walk).await;
    consumers(&mut walk).await;
    organizations(&mut walk).await;
    let gateway = registry.gateway("default").await;
    gateways(&mut walk, &gateway).await;
    tokens(&mut walk, "/v1/tokens", "admin").await;

    let mut done = walk.done;
    for (exempt, _) in EXEMPT {
        assert!(done.insert(exempt.to_owned()), "{exempt} leaves an entry");
    }
    assert_eq!(done, mutating_operations());
}

#[tokio::test]
async fn a_list_names_what_it_cannot_be_asked() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for (query, field) in [
        ("application=x", "application"),
        ("credential=app_1", "credential"),
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
