//! What the walk does: the steps, by what they are about.

use axum::http::Method;
use serde_json::{Value, json};

use super::Walk;
use crate::support::{Actor, text};

pub(super) async fn applications(walk: &mut Walk) -> String {
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

pub(super) async fn credentials(walk: &mut Walk, application: &str) {
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

pub(super) async fn gateways(walk: &mut Walk, gateway: &Actor) {
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

pub(super) async fn leaks(walk: &mut Walk, application: &str) {
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

pub(super) async fn consumers(walk: &mut Walk) {
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

pub(super) async fn gateway_groups(walk: &mut Walk) {
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

pub(super) async fn tokens(walk: &mut Walk, path: &str, kind: &str) {
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

pub(super) async fn registration_tokens(walk: &mut Walk, application: &str) {
    let collection = "/v1/registration-tokens";
    let id = application.rsplit('/').next().unwrap();
    let made = walk
        .does(
            "create_registration_token",
            (Method::POST, collection),
            json!({"application": id}),
            "registration_token.created",
        )
        .await;
    walk.does(
        "delete_registration_token",
        (
            Method::DELETE,
            &format!("{collection}/{}", text(&made["id"])),
        ),
        Value::Null,
        "registration_token.deleted",
    )
    .await;
}

pub(super) async fn organizations(walk: &mut Walk) {
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

pub(super) async fn identity_providers(walk: &mut Walk) {
    let body = json!({"name": "id", "kind": "oidc", "issuer": "https://id.example"});
    let made = walk
        .does(
            "create_identity_provider",
            (Method::POST, "/v1/identity-providers"),
            body,
            "identity_provider.created",
        )
        .await;
    let one = format!("/v1/identity-providers/{}", text(&made["id"]));
    for (way, method, body) in [
        ("update", Method::PATCH, json!({"description": "new"})),
        ("delete", Method::DELETE, Value::Null),
    ] {
        let operation = format!("{way}_identity_provider");
        let action = format!("identity_provider.{way}d");
        walk.does(&operation, (method, &one), body, &action).await;
    }
}
