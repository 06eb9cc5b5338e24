//! Whose applications there are, and what only those decide who say what applications are allowed.

use axum::{body::Bytes, http::Method};
use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry, text};

async fn developer(registry: &TestRegistry, owner: &str) -> Actor {
    let body = json!({"role": "developer", "owner": owner});
    registry.minted(body).await
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_developer_makes_and_sees_the_applications_of_its_owner() {
    let registry = TestRegistry::start().await;
    let (ann, bob) = (
        developer(&registry, "ann").await,
        developer(&registry, "bob").await,
    );
    let made = ann
        .post("/v1/applications", json!({"name": "a"}))
        .await
        .has(201)
        .json();
    assert_eq!(made["owner"], "ann");
    bob.post("/v1/applications", json!({"name": "b"}))
        .await
        .has(201);
    registry.application("nobodys").await;
    assert_eq!(
        names(&ann.get("/v1/applications").await.has(200).json()),
        ["a"]
    );
    assert_eq!(
        names(&bob.get("/v1/applications").await.has(200).json()),
        ["b"]
    );
    let all = registry.admin().get("/v1/applications").await.json();
    assert_eq!(names(&all).len(), 3);

    let path = format!("/v1/applications/{}", text(&made["id"]));
    let credentials = format!("{path}/credentials");
    let key = json!({"type": "api_key", "name": "key"});
    ann.post(&credentials, key.clone()).await.has(201);
    bob.post(&credentials, key)
        .await
        .is_problem(404, "not-found", None);
    assert_eq!(names(&ann.get("/v1/credentials").await.json()), ["key"]);
    assert_eq!(names(&bob.get("/v1/credentials").await.json()), [""; 0]);
    let exported = ann.get("/v1/export?format=ndjson").await.has(200).text();
    assert_eq!(exported.lines().count(), 1, "{exported}");
    let other = bob.get("/v1/credentials?application=a").await;
    other.is_problem(400, "invalid-value", Some("application"));
    ann.delete(&path).await.has(204);
}

#[tokio::test]
async fn an_owner_is_changed_by_whoever_sees_every_owners_applications() {
    let registry = TestRegistry::start().await;
    let ann = developer(&registry, "ann").await;
    let org_admin = registry.minted(json!({"role": "org_admin"})).await;
    let body = json!({"name": "a", "owner": "bob"});
    let refused = ann.post("/v1/applications", body).await;
    refused.is_problem(403, "forbidden", Some("owner"));
    let made = ann
        .post("/v1/applications", json!({"name": "a"}))
        .await
        .has(201)
        .json();
    let path = format!("/v1/applications/{}", text(&made["id"]));
    for owner in [json!("bob"), json!(null)] {
        let refused = ann.patch(&path, json!({"owner": owner})).await;
        refused.is_problem(403, "forbidden", Some("owner"));
    }
    let bad = org_admin.patch(&path, json!({"owner": "two words"})).await;
    bad.is_problem(400, "invalid-value", Some("owner"));
    org_admin
        .patch(&path, json!({"owner": "bob"}))
        .await
        .has(200);
    ann.get(&path).await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn scopes_groups_and_custom_ids_are_set_by_administrators_and_api_owners_alone() {
    let registry = TestRegistry::start().await;
    let api_owner = registry.minted(json!({"role": "api_owner"})).await;
    let granted = [
        ("scopes", json!(["orders:read"])),
        ("gateway_groups", json!(["default"])),
        ("custom_id", json!("4711")),
    ];
    let org_admin = registry.minted(json!({"role": "org_admin"})).await;
    for (role, actor) in [
        ("ann", developer(&registry, "ann").await),
        ("org", org_admin),
    ] {
        let made = actor
            .post("/v1/applications", json!({"name": role}))
            .await
            .has(201)
            .json();
        let path = format!("/v1/applications/{}", text(&made["id"]));
        for (field, value) in &granted {
            let refused = actor
                .post("/v1/applications", json!({"name": "x", *field: value}))
                .await;
            refused.is_problem(403, "forbidden", Some(field));
            let change = json!({*field: value});
            let refused = actor.patch(&path, change.clone()).await;
            refused.is_problem(403, "forbidden", Some(field));
            api_owner.patch(&path, change.clone()).await.has(200);
            // What it has already is no change.
            actor.patch(&path, change).await.has(200);
        }
        let credentials = format!("{path}/credentials");
        let beyond = json!({"type": "api_key", "name": "k", "scopes": ["orders:write"]});
        let refused = actor.post(&credentials, beyond).await;
        refused.is_problem(400, "invalid-value", Some("scopes"));
        let within = json!({"type": "api_key", "name": "k", "scopes": ["orders:read"]});
        actor.post(&credentials, within).await.has(201);
    }
}

#[tokio::test]
async fn own_values_imports_and_force_are_for_administrators_and_api_owners() {
    let registry = TestRegistry::start().await;
    let api_owner = registry.minted(json!({"role": "api_owner"})).await;
    let org_admin = registry.minted(json!({"role": "org_admin"})).await;
    let application = registry.application("billing").await;
    let credentials = format!("/v1/applications/{application}/credentials");
    let own = json!({"type": "api_key", "name": "own", "value": "an-own-key-of-20-char"});
    let refused = org_admin.post(&credentials, own.clone()).await;
    refused.is_problem(403, "forbidden", Some("value"));
    let made = api_owner.post(&credentials, own).await.has(201).json();
    let path = format!("/v1/credentials/{}", text(&made["id"]));
    let rotate = json!({"grace_period": 0, "value": "another-own-key-of-20"});
    let refused = org_admin
        .post(&format!("{path}/rotate"), rotate.clone())
        .await;
    refused.is_problem(403, "forbidden", Some("value"));
    api_owner
        .post(&format!("{path}/rotate"), rotate)
        .await
        .has(200);
    let chosen = json!({"type": "basic", "name": "bob", "username": "bob", "password": "correct horse battery"});
    org_admin.post(&credentials, chosen).await.has(201);
    let refused = org_admin.delete(&format!("{path}?force=true")).await;
    refused.is_problem(403, "forbidden", Some("force"));
    api_owner
        .delete(&format!("{path}?force=true"))
        .await
        .has(204);
    let refused = org_admin
        .send(Method::POST, "/v1/import", &[], Bytes::new())
        .await;
    refused.is_problem(403, "forbidden", None);
}
