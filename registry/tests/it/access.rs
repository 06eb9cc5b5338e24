//! Who may come in.

use axum::{body::Bytes, http::Method};
use filter_core::key::SecretType;
use serde_json::{Value, json};

use crate::support::{TestRegistry, text, token};

/// Every operation of the document, with its path filled in.
fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&registry::api::openapi().unwrap()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["tags"][0] == "oauth" {
                // Clients prove themselves there, without a token of the registry: see oauth.rs and registration.rs.
                continue;
            }
            let method = method.to_uppercase().parse().unwrap();
            operations.push((
                method,
                path.replace("{id}", "x")
                    .replace("{name}", "default")
                    .replace("{username}", "jack"),
            ));
        }
    }
    assert!(operations.len() >= 25, "{operations:?}");
    operations
}

#[tokio::test]
async fn nothing_in_the_document_answers_without_a_token() {
    let registry = TestRegistry::start().await;
    let wrong = registry.bearer(&token(SecretType::AdminToken, 9));
    for (method, path) in operations() {
        if path.starts_with("/apisix/") {
            // Its tokens come in another header, and its errors have another form: see apisix.rs.
            continue;
        }
        for actor in [registry.stranger(), wrong.clone()] {
            let reply = actor.send(method.clone(), &path, &[], Bytes::new()).await;
            reply.is_problem(401, "unauthorized", None);
            assert!(
                reply.header("www-authenticate").starts_with("Bearer"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_public() {
    let registry = TestRegistry::start().await;
    let reply = registry.stranger().get("/openapi.json").await.has(200);
    assert_eq!(reply.text(), registry::api::openapi().unwrap());
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let registry = TestRegistry::start().await;
    let reply = registry
        .admin()
        .send(
            Method::GET,
            "/v1/applications",
            &[("authorization", "Bearer x")],
            Bytes::new(),
        )
        .await;
    reply.is_problem(400, "malformed-request", Some("Authorization"));
}

#[tokio::test]
async fn only_the_bearer_scheme_counts() {
    let registry = TestRegistry::start().await;
    let admin = crate::support::admin_token();
    let stranger = registry.stranger();
    for (value, status) in [
        (format!("bearer {admin}"), 200),
        (format!("Bearer  {admin} "), 200),
        (format!("Basic {admin}"), 401),
        (admin.clone(), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
    ] {
        let reply = stranger
            .send(
                Method::GET,
                "/v1/applications",
                &[("authorization", &value)],
                Bytes::new(),
            )
            .await;
        assert_eq!(reply.status, status, "{value}");
    }
}

#[tokio::test]
async fn a_revoked_token_comes_in_no_more() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let made = admin
        .post("/v1/tokens", json!({"description": "ci"}))
        .await
        .has(201)
        .json();
    let other = registry.bearer(&text(&made["token"]));
    other.get("/v1/applications").await.has(200);
    admin
        .delete(&format!("/v1/tokens/{}", text(&made["id"])))
        .await
        .has(204);
    other
        .get("/v1/applications")
        .await
        .is_problem(401, "unauthorized", None);
}

#[tokio::test]
async fn http_2_without_tls_is_answered_as_http_1_is() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin().over_http_2();
    admin.get("/v1/applications").await.has(200);
    let stranger = registry.stranger().over_http_2();
    stranger.get("/v1/applications").await.has(401);
}

#[tokio::test]
async fn a_token_of_an_organization_acts_in_no_other_and_one_of_the_installation_where_it_says() {
    let registry = TestRegistry::start().await;
    let developer = json!({"role": "developer", "owner": "team-a"});
    let org_admin = registry.minted(json!({"role": "org_admin"})).await;
    let developer = registry.minted(developer).await;
    for actor in [&org_admin, &developer, &registry.admin()] {
        for (name, status) in [("default", 200), ("elsewhere", 404), ("", 404)] {
            let headers = [("keysmith-organization", name)];
            let path = "/v1/applications";
            let reply = actor.send(Method::GET, path, &headers, Bytes::new()).await;
            assert_eq!(reply.status, status, "{name}: {}", reply.text());
        }
    }
    let twice = [
        ("keysmith-organization", "default"),
        ("keysmith-organization", "default"),
    ];
    let path = "/v1/applications";
    let reply = org_admin
        .send(Method::GET, path, &twice, Bytes::new())
        .await;
    reply.is_problem(400, "malformed-request", Some("Keysmith-Organization"));
}
