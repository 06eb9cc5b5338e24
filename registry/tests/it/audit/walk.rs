//! The walk through every operation that changes something.

use std::collections::BTreeSet;

use axum::{body::Bytes, http::Method};
use serde_json::Value;

use super::newest;
use crate::support::{Actor, TestRegistry, admin_token, text};

mod steps;

use steps::{
    applications, consumers, credentials, gateway_groups, gateways, identity_providers, leaks,
    organizations, registration_tokens, tokens,
};

/// Operations that change something, or look as if they did, and leave no entry; with the reason.
const EXEMPT: [(&str, &str); 9] = [
    (
        "revoke_tokens",
        "needs an identity provider: noted in the registry's own tests, oauth_client/tests/audit.rs",
    ),
    (
        "reconcile_clients",
        "needs an identity provider: noted in the registry's own tests, oauth_client/tests/audit.rs",
    ),
    (
        "rotate_master_key",
        "is noted when it begins and when it ends, which is after the answer: keys.rs",
    ),
    ("credential_impact", "asks what a change would break"),
    (
        "report",
        "gateways report all the time, and change nothing that anybody decides",
    ),
    (
        "verify_identity_provider",
        "asks whether a provider answers as it should",
    ),
    ("verify_password", "asks whether a password is right"),
    ("issuer_keys", "asks for what an issuer publishes"),
    ("introspect_access_token", "asks whose a token is"),
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

fn mutating_operations() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&registry::api::openapi().unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            // No token of the registry does these: their own tests say what they leave.
            let is_oauth = operation["tags"][0] == "oauth";
            if !is_oauth && ["post", "put", "patch", "delete"].contains(&method.as_str()) {
                found.insert(text(&operation["operationId"]));
            }
        }
    }
    found
}

/// One that is new has to be done in `steps` as well, or to be exempt for a reason.
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
    registration_tokens(&mut walk, &application).await;
    walk.does(
        "delete_application",
        (Method::DELETE, &application),
        Value::Null,
        "application.deleted",
    )
    .await;
    walk.does(
        "rotate_signing_key",
        (Method::POST, "/v1/keys/rotate-signing"),
        Value::Null,
        "keys.signing_key_rotated",
    )
    .await;
    gateway_groups(&mut walk).await;
    consumers(&mut walk).await;
    organizations(&mut walk).await;
    identity_providers(&mut walk).await;
    let gateway = registry.gateway("default").await;
    gateways(&mut walk, &gateway).await;
    tokens(&mut walk, "/v1/tokens", "admin").await;

    let mut done = walk.done;
    for (exempt, _) in EXEMPT {
        assert!(done.insert(exempt.to_owned()), "{exempt} leaves an entry");
    }
    assert_eq!(done, mutating_operations());
}
