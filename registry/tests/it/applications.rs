//! `/v1/applications`.

use serde_json::json;

use crate::support::{TestRegistry, text};

#[tokio::test]
async fn an_application_is_created_shown_changed_and_deleted() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = json!({
        "name": "billing", "custom_id": "crm-7", "description": "Sends invoices", "labels": {"team": "money"},
        "scopes": ["orders:write", "orders:read"], "gateway_groups": ["default"],
    });
    let created = admin.post("/v1/applications", body).await.has(201);
    let shown = created.json();
    let path = created.header("location");
    assert_eq!(path, format!("/v1/applications/{}", text(&shown["id"])));
    assert_eq!(
        shown,
        json!({
            "id": shown["id"], "name": "billing", "custom_id": "crm-7", "description": "Sends invoices",
            "labels": {"team": "money"}, "scopes": ["orders:read", "orders:write"], "gateway_groups": ["default"],
            "enabled": true, "owner": null, "default_key": "none", "default_credential": null,
            "created_at": "2027-01-15T08:00:00.000Z", "updated_at": "2027-01-15T08:00:00.000Z",
        })
    );
    let got = admin.get(&path).await.has(200);
    let mut alone = got.json();
    let propagation = alone.as_object_mut().unwrap().remove("propagation");
    assert_eq!(propagation.unwrap()["revision"], 1);
    assert_eq!(alone, shown);
    assert_eq!(got.header("etag"), created.header("etag"));

    let change = json!({"custom_id": null, "gateway_groups": null, "enabled": false});
    let changed = admin.patch(&path, change).await.has(200);
    assert_eq!(changed.json()["custom_id"], json!(null));
    assert_eq!(changed.json()["gateway_groups"], json!(null));
    assert_eq!(changed.json()["enabled"], false);
    assert_eq!(changed.json()["description"], "Sends invoices");
    assert_ne!(changed.header("etag"), created.header("etag"));

    admin.delete(&path).await.has(204);
    admin.get(&path).await.is_problem(404, "not-found", None);
    admin.delete(&path).await.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn a_change_that_is_based_on_an_old_version_is_refused() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let path = format!("/v1/applications/{}", registry.application("billing").await);
    let first = admin.get(&path).await.header("etag");
    let change = json!({"description": "a"});
    admin
        .patch_with(&path, &[("if-match", &first)], change.clone())
        .await
        .has(200);
    for stale in [first.as_str(), "\"99\"", "W/\"2\"", "nonsense"] {
        let reply = admin
            .patch_with(&path, &[("if-match", stale)], change.clone())
            .await;
        reply.is_problem(412, "precondition-failed", Some("If-Match"));
    }
    admin
        .patch_with(&path, &[("if-match", "*")], change.clone())
        .await
        .has(200);
    admin.patch(&path, change).await.has(200);
}

#[tokio::test]
async fn a_taken_name_is_a_conflict() {
    let registry = TestRegistry::start().await;
    registry.application("billing").await;
    let reply = registry
        .admin()
        .post("/v1/applications", json!({"name": "billing"}))
        .await;
    reply.is_problem(409, "conflict", Some("name"));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_its_field() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for (body, field) in [
        (json!({"name": "no spaces"}), "name"),
        (json!({"name": ""}), "name"),
        (
            json!({"name": "a", "custom_id": "line\nbreak"}),
            "custom_id",
        ),
        (json!({"name": "a", "scopes": ["two words"]}), "scopes"),
        (json!({"name": "a", "labels": {"": "x"}}), "labels"),
        (
            json!({"name": "a", "gateway_groups": ["nowhere"]}),
            "gateway_groups",
        ),
        (json!({"name": "a", "description": "\u{7}"}), "description"),
    ] {
        let reply = admin.post("/v1/applications", body).await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
}

#[tokio::test]
async fn an_application_is_found_by_its_name() {
    let registry = TestRegistry::start().await;
    let id = registry.application("billing").await;
    registry.application("shipping").await;
    let found = registry
        .admin()
        .get("/v1/applications?name=billing")
        .await
        .has(200)
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["id"], id);
}
