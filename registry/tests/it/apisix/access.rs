//! Who may come in.

use axum::{
    body::Bytes,
    http::{Method, StatusCode},
};
use filter_core::key::SecretType;
use serde_json::json;

use super::{KEY, key_auth, with_jack};
use crate::support::{Apisix, TestRegistry, admin_token, token};

const PATHS: [(Method, &str); 11] = [
    (Method::GET, "/consumers"),
    (Method::PUT, "/consumers"),
    (Method::GET, "/consumers/jack"),
    (Method::PUT, "/consumers/jack"),
    (Method::DELETE, "/consumers/jack"),
    (Method::GET, "/consumers/jack/credentials"),
    (Method::PUT, "/consumers/jack/credentials"),
    (Method::GET, "/consumers/jack/credentials/a"),
    (Method::PUT, "/consumers/jack/credentials/a"),
    (Method::DELETE, "/consumers/jack/credentials/a"),
    (Method::GET, "/routes"),
];

#[tokio::test]
async fn nothing_answers_without_a_token_in_its_header() {
    let (registry, _) = with_jack().await;
    let (good, wrong) = (admin_token(), token(SecretType::AdminToken, 9));
    for (method, path) in PATHS {
        let bare = format!("/apisix/admin{path}");
        let in_query = format!("{bare}?api_key={good}");
        let cookie = format!("x_api_key={good}");
        for (path, header, why) in [
            (&bare, None, "missing apikey"),
            (&bare, Some(("x-api-key", "")), "missing apikey"),
            (&bare, Some(("x-api-key", wrong.as_str())), "wrong apikey"),
            // Neither is what its clients may send elsewhere.
            (&in_query, None, "missing apikey"),
            (&bare, Some(("cookie", cookie.as_str())), "missing apikey"),
        ] {
            let headers: Vec<_> = header.into_iter().collect();
            let stranger = registry.stranger();
            let reply = stranger
                .send(method.clone(), path, &headers, Bytes::new())
                .await;
            reply.is_refusal(401, "failed to check token");
            let description = reply.json()["description"].clone();
            assert!(
                description.as_str().unwrap().starts_with(why),
                "{description}"
            );
            assert!(reply.header("www-authenticate").starts_with("apikey"));
        }
        let bearer = registry.admin();
        let reply = bearer.send(method.clone(), &bare, &[], Bytes::new()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn the_header_counts_once_and_here_alone() {
    let registry = TestRegistry::start().await;
    let key = admin_token();
    let twice = [("x-api-key", key.as_str()), ("x-api-key", key.as_str())];
    let stranger = registry.stranger();
    let path = "/apisix/admin/consumers";
    let reply = stranger.send(Method::GET, path, &twice, Bytes::new()).await;
    reply.is_refusal(400, "X-API-KEY");
    let path = "/v1/applications";
    let reply = stranger
        .send(Method::GET, path, &twice[..1], Bytes::new())
        .await;
    reply.is_problem(401, "unauthorized", None);
}

#[tokio::test]
async fn a_token_of_another_role_is_told_so() {
    let (registry, _) = with_jack().await;
    let path = "/v1/gateway-groups/default/tokens";
    let made = registry.admin().post(path, json!({})).await.has(201);
    let key = made.json()["token"].as_str().unwrap().to_owned();
    let gateway = Apisix::new(registry.stranger(), &key);
    for (method, path) in PATHS.into_iter().take(10) {
        let reply = gateway.send(method, path, "{}").await;
        reply.is_refusal(403, "failed to check token");
    }
}

#[tokio::test]
async fn a_consumer_of_another_organization_does_not_exist() {
    let (registry, apisix) = with_jack().await;
    let path = "/consumers/jack/credentials/a";
    apisix.put(path, key_auth(KEY)).await.has(201);
    let other = json!({"name": "other"});
    registry
        .admin()
        .post("/v1/organizations", other)
        .await
        .has(201);
    let elsewhere = Apisix::new(registry.stranger().acting_in("other"), &admin_token());
    let body = key_auth("another-own-key-of-20-characters").to_string();
    for (method, path) in [
        (Method::GET, "/consumers/jack"),
        (Method::DELETE, "/consumers/jack"),
        (Method::GET, "/consumers/jack/credentials"),
        (Method::GET, "/consumers/jack/credentials/a"),
        (Method::PUT, "/consumers/jack/credentials/a"),
        (Method::PUT, "/consumers/jack/credentials/b"),
        (Method::DELETE, "/consumers/jack/credentials/a"),
    ] {
        let reply = elsewhere.send(method.clone(), path, body.clone()).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    let taken = elsewhere.put("/consumers", json!({"username": "jack"}));
    taken.await.is_refusal(400, "the name is taken");
    let list = elsewhere.get("/consumers").await.has(200).json();
    assert_eq!(list["total"], 0);
    apisix.get(path).await.has(200);
}
