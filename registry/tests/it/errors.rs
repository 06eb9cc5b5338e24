//! Every error has one form.

use axum::{body::Bytes, http::Method};
use serde_json::json;

use crate::support::TestRegistry;

#[tokio::test]
async fn what_no_route_knows_is_not_found() {
    let registry = TestRegistry::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/applications/x/y/z",
        "/v1/applications/",
        "/%ff",
    ] {
        registry
            .stranger()
            .get(path)
            .await
            .is_problem(404, "not-found", None);
    }
}

#[tokio::test]
async fn a_path_that_names_nothing_is_not_found() {
    let registry = TestRegistry::start().await;
    for path in [
        "/v1/applications/x",
        "/v1/applications/%ff",
        "/v1/applications/cred_00000000000000000000000000",
        "/v1/credentials/app_00000000000000000000000000",
        "/v1/credentials/cred_00000000000000000000000000",
        "/v1/gateway-groups/nowhere",
    ] {
        registry
            .admin()
            .get(path)
            .await
            .is_problem(404, "not-found", None);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_named() {
    let registry = TestRegistry::start().await;
    let reply = registry
        .admin()
        .send(Method::PUT, "/v1/applications", &[], Bytes::new())
        .await;
    reply.is_problem(405, "method-not-allowed", None);
    for method in ["GET", "POST"] {
        assert!(
            reply
                .header("allow")
                .split(',')
                .any(|allowed| allowed == method),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let send = async |content_type: &str, body: &'static [u8]| {
        let headers = [("content-type", content_type)];
        admin
            .send(
                Method::POST,
                "/v1/applications",
                &headers,
                Bytes::from_static(body),
            )
            .await
    };
    let reply = send("text/plain", b"{}").await;
    reply.is_problem(415, "unsupported-media-type", Some("Content-Type"));
    let reply = admin
        .send(
            Method::POST,
            "/v1/applications",
            &[],
            Bytes::from_static(b"{}"),
        )
        .await;
    reply.is_problem(415, "unsupported-media-type", Some("Content-Type"));
    for body in [
        &b""[..],
        b"{",
        b"{\"name\": \"a\"} x",
        b"\xff",
        b"{\"name\": \"a\",}",
        b"nul",
    ] {
        send("application/json", body)
            .await
            .is_problem(400, "malformed-request", None);
    }
    let reply = send("application/json; charset=utf-8", b"{\"name\": \"a\"}").await;
    reply.has(201);
}

#[tokio::test]
async fn a_wrong_value_is_named_by_its_path_and_not_repeated() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for (body, field) in [
        (json!({"name": 7}), "name"),
        (
            json!({"name": "a", "labels": {"team": ["hush"]}}),
            "labels.team",
        ),
        (json!({"name": "a", "scopes": ["ok", 3]}), "scopes[1]"),
        (json!({"name": "a", "nmae": "hush"}), "nmae"),
        (json!({"name": "a", "enabled": "hush"}), "enabled"),
    ] {
        let reply = admin.post("/v1/applications", body).await;
        let problem = reply.is_problem(400, "invalid-value", Some(field));
        assert!(!problem.to_string().contains("hush"), "{problem}");
    }
    let app = registry.application("billing").await;
    let body = json!({"type": "hush", "name": "a"});
    let path = format!("/v1/applications/{app}/credentials");
    let problem = (admin.post(&path, body).await).is_problem(400, "invalid-value", Some("type"));
    assert!(!problem.to_string().contains("hush"), "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("`api_key`"),
        "{problem}"
    );
    let missing = admin.post("/v1/applications", json!({})).await;
    let problem = missing.is_problem(400, "invalid-value", None);
    assert!(
        problem["detail"].as_str().unwrap().contains("name"),
        "{problem}"
    );
    let list = admin.post("/v1/applications", json!([])).await;
    list.is_problem(400, "invalid-value", None);
}

#[tokio::test]
async fn a_label_that_is_named_twice_is_refused() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let headers = [("content-type", "application/json")];
    let made = registry.application("a").await;
    let application = format!("/v1/applications/{made}");
    let credentials = format!("{application}/credentials");
    for (method, path, rest) in [
        (Method::POST, "/v1/applications", r#""name": "b", "#),
        (Method::PATCH, &application, ""),
        (
            Method::POST,
            &credentials,
            r#""type": "api_key", "name": "b", "#,
        ),
    ] {
        let body = format!(r#"{{{rest}"labels": {{"team": "blue", "team": "red"}}}}"#);
        let reply = admin.send(method, path, &headers, body.into()).await;
        let problem = reply.is_problem(400, "invalid-value", Some("labels.team"));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("twice"), "{problem}");
    }
}

#[tokio::test]
async fn parameters_are_checked() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("cursor=x", "cursor"),
        ("unknown=x", "unknown"),
    ] {
        let reply = registry
            .admin()
            .get(&format!("/v1/applications?{query}"))
            .await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
    for (query, field) in [
        ("wait=61", "wait"),
        ("wait=x", "wait"),
        ("instance=x", "instance"),
        (
            "gateway=%0a&instance=000102030405060708090a0b0c0d0e0f",
            "gateway",
        ),
        ("unknown=x", "unknown"),
    ] {
        let reply = gateway.get(&format!("/v1/feed?{query}")).await;
        reply.is_problem(400, "invalid-value", Some(field));
    }
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let registry = TestRegistry::start().await;
    let body = json!({"name": "a", "description": "x".repeat(70_000)});
    let reply = registry.admin().post("/v1/applications", body).await;
    reply.is_problem(413, "too-large", None);
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let registry = TestRegistry::start().await;
    let one = registry
        .admin()
        .get("/v1/applications")
        .await
        .header("x-request-id");
    let two = registry
        .admin()
        .get("/v1/applications")
        .await
        .header("x-request-id");
    assert!(one.starts_with("req_"));
    assert_ne!(one, two);
}
