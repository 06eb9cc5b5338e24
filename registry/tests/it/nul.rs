//! Text with a NUL in it, which PostgreSQL cannot hold: nothing has it, and nobody gets to keep it.

use axum::{
    body::Bytes,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};

use crate::support::{Actor, Data, Reply, TestRegistry};

const NUL: &str = "a\u{0}b";

/// What is sent, by whom.
struct Callers {
    admin: Actor,
    gateway: Actor,
}

impl Callers {
    async fn of(registry: &TestRegistry) -> Self {
        Self {
            admin: registry.admin(),
            gateway: registry.gateway("default").await,
        }
    }

    async fn send(&self, method: &Method, path: &str, body: &Value) -> Reply {
        let caller = if path.starts_with("/v1/gateway/") || path.starts_with("/v1/feed") {
            &self.gateway
        } else {
            &self.admin
        };
        let key = caller.token();
        let headers = [("content-type", "application/json"), ("x-api-key", key)];
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        caller.send(method.clone(), path, &headers, body).await
    }
}

#[track_caller]
fn is_not_the_servers_fault(reply: &Reply, place: &str) {
    assert!(
        reply.status < StatusCode::INTERNAL_SERVER_ERROR,
        "{place}: {} {}",
        reply.status,
        reply.text()
    );
}

/// Every operation, with its path and its query parameters.
fn operations() -> Vec<(Method, String, Vec<String>)> {
    let document: Value = serde_json::from_str(&registry::api::openapi().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            let parameters = about["parameters"].as_array().cloned().unwrap_or_default();
            let of_query = parameters.iter().filter(|one| one["in"] == "query");
            let names = of_query.map(|one| one["name"].as_str().unwrap().to_owned());
            let method = method.to_uppercase().parse().unwrap();
            operations.push((method, path.clone(), names.collect()));
        }
    }
    operations
}

/// The path with each variable part as this.
fn filled(path: &str, with: &str) -> String {
    let parts = path.split('/').skip(1);
    parts.fold(String::new(), |filled, part| {
        let part = if part.starts_with('{') { with } else { part };
        format!("{filled}/{part}")
    })
}

#[tokio::test]
async fn in_a_path_or_a_query_it_finds_nothing() {
    let registry = Data::postgres().await.start(&[]).await;
    let callers = Callers::of(&registry).await;
    for (method, path, query) in operations() {
        let name = format!("{method} {path}");
        let of_path = filled(&path, "a%00b");
        let reply = callers.send(&method, &of_path, &json!({})).await;
        is_not_the_servers_fault(&reply, &name);
        for parameter in query {
            let path = format!("{}?{parameter}=a%00b", filled(&path, "default"));
            let reply = callers.send(&method, &path, &Value::Null).await;
            is_not_the_servers_fault(&reply, &format!("{name}?{parameter}"));
        }
    }
    registry.stop().await;
}

/// The body with a NUL in each of its texts in turn, and in each of its names.
fn with_nul(body: &Value) -> Vec<Value> {
    match body {
        Value::String(_) => vec![json!(NUL)],
        Value::Array(items) => {
            let places = items.iter().enumerate();
            let all = places.flat_map(|(nth, item)| {
                with_nul(item).into_iter().map(move |item| {
                    let mut items = items.clone();
                    items[nth] = item;
                    Value::Array(items)
                })
            });
            all.collect()
        }
        Value::Object(fields) => {
            let all = fields.iter().flat_map(|(name, value)| {
                let renamed = {
                    let mut fields = fields.clone();
                    let value = fields.remove(name).unwrap();
                    fields.insert(NUL.to_owned(), value);
                    Value::Object(fields)
                };
                let changed = with_nul(value).into_iter().map(move |value| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), value);
                    Value::Object(fields)
                });
                changed.chain([renamed])
            });
            all.collect()
        }
        _ => Vec::new(),
    }
}

/// What is made of bodies that would do.
fn bodies(application: &str, credential: &str) -> Vec<(Method, String, Value)> {
    let labels = json!({"team": "a"});
    let of_credential = |kind: Value| {
        let mut body = json!({
            "name": "n", "identifier": "i", "description": "d", "labels": labels,
            "scopes": ["read"], "gateway_groups": ["default"],
        });
        let fields = kind.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        body
    };
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), body);
    let patch = |path: String, body: Value| (Method::PATCH, path, body);
    let of_application = format!("/v1/applications/{application}/credentials");
    vec![
        post(
            "/v1/applications",
            json!({"name": "n", "owner": "o", "custom_id": "c", "description": "d", "labels": labels,
                "scopes": ["read"], "gateway_groups": ["default"]}),
        ),
        patch(
            format!("/v1/applications/{application}"),
            json!({"name": "m", "owner": "o", "custom_id": "c", "description": "d", "labels": labels, "scopes": ["read"]}),
        ),
        post(&of_application, of_credential(json!({"type": "api_key"}))),
        post(
            &of_application,
            of_credential(json!({"type": "api_key", "value": "an-own-key-of-20-char"})),
        ),
        post(
            &of_application,
            of_credential(
                json!({"type": "basic", "username": "u", "password": "correct horse battery"}),
            ),
        ),
        patch(
            format!("/v1/credentials/{credential}"),
            json!({"name": "m", "description": "d", "labels": labels, "scopes": ["read"]}),
        ),
        post(
            "/v1/organizations",
            json!({"name": "n", "description": "d"}),
        ),
        post(
            "/v1/tokens",
            json!({"role": "developer", "owner": "o", "description": "d"}),
        ),
        post(
            "/v1/gateway-groups",
            json!({"name": "n", "mode": "automatic"}),
        ),
        post(
            "/v1/leaks",
            json!({"secret": "s", "source": "x", "url": "y"}),
        ),
        (
            Method::PUT,
            "/apisix/admin/consumers".to_owned(),
            json!({"username": "u", "desc": "d", "labels": labels}),
        ),
        (
            Method::PUT,
            "/apisix/admin/consumers/app/credentials/c1".to_owned(),
            json!({"desc": "d", "labels": labels, "plugins": {"key-auth": {"key": "an-own-key-of-20-char"}}}),
        ),
    ]
}

/// Those of gateways.
fn bodies_of_gateways() -> Vec<(Method, String, Value)> {
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), body);
    let zeros = "0".repeat(32);
    vec![
        post(
            "/v1/gateway/report",
            json!({"gateway": "g", "instance": zeros, "sequence": 1, "epoch": zeros, "revision": 0,
                "complete": true, "workers": 1}),
        ),
        post(
            "/v1/gateway/verify",
            json!({"username": "u", "password": "p", "source": "203.0.113.9"}),
        ),
        post(
            "/v1/gateway/issuer-keys",
            json!({"issuer": "https://id.example", "key_id": "k"}),
        ),
        post(
            "/v1/gateway/introspect",
            json!({"token": "t", "issuers": ["https://id.example"]}),
        ),
    ]
}

/// Those about OAuth clients.
fn bodies_of_clients(application: &str) -> Vec<(Method, String, Value)> {
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), body);
    let of_application = format!("/v1/applications/{application}/credentials");
    vec![
        post(
            "/v1/identity-providers",
            json!({"name": "n", "kind": "http_bridge", "issuer": "https://id.example", "description": "d",
                "configuration": {"base_url": "https://id.example", "dialect": "api7"},
                "secrets": {"headers": {"x-api-key": "k"}}}),
        ),
        post(
            &of_application,
            json!({"type": "oauth_client", "name": "n", "provider": "builtin", "client": {
                "client_name": "n", "scope": "read", "grant_types": ["client_credentials"], "contacts": ["c"],
                "resources": ["https://api.example"]}}),
        ),
        post(
            &of_application,
            json!({"type": "oauth_client", "name": "n", "provider": "builtin", "registration": "external",
                "client_id": "c", "client_secret": "s"}),
        ),
        post(
            "/v1/registration-tokens",
            json!({"application": application, "scopes": ["read"], "description": "d", "clients": 1}),
        ),
    ]
}

#[tokio::test]
async fn in_a_body_it_is_refused_or_nobodys() {
    let registry = Data::postgres().await.start(&[]).await;
    let callers = Callers::of(&registry).await;
    let made = callers
        .admin
        .post(
            "/v1/applications",
            json!({"name": "app", "scopes": ["read"]}),
        )
        .await
        .has(201);
    let application = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/applications/{application}/credentials");
    let body = json!({"name": "k", "type": "api_key"});
    let made = callers.admin.post(&path, body).await.has(201);
    let credential = made.json()["id"].as_str().unwrap().to_owned();
    let mut refused = 0;
    let mut bodies = bodies(&application, &credential);
    bodies.extend(bodies_of_gateways());
    bodies.extend(bodies_of_clients(&application));
    for (method, path, body) in bodies {
        for changed in with_nul(&body) {
            let reply = callers.send(&method, &path, &changed).await;
            is_not_the_servers_fault(&reply, &format!("{method} {path} {changed}"));
            if reply.status.is_client_error() {
                refused += 1;
            } else {
                assert_eq!(path, "/v1/gateway/verify", "{changed} is kept");
                assert_eq!(reply.json()["verified"], false);
            }
        }
    }
    assert!(refused > 80, "{refused}");
    registry.stop().await;
}

#[tokio::test]
async fn in_a_form_it_is_refused() {
    let registry = Data::postgres().await.start(&[]).await;
    let stranger = registry.stranger();
    let form = ("content-type", "application/x-www-form-urlencoded");
    // User name and password, each with a NUL in it.
    let basic = ("authorization", "Basic YQBiOmEAYg==");
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        for body in [
            &b"grant_type=client_credentials&client_id=a%00b&client_secret=a%00b&token=a%00b"[..],
            b"grant_type=a%00b&scope=a%00b&resource=a%00b&token=a%00b&token_type_hint=a%00b",
            b"grant_type=client_credentials&token=t&client_assertion=a%00b.a%00b.a%00b&client_assertion_type=a%00b",
            b"a%00b=a%00b",
            b"grant_type=a\0b&client_id=a\0b&token=a\0b",
            b"token=%ff%fe&client_id=%ff&client_secret=%",
        ] {
            for headers in [&[form][..], &[form, basic][..]] {
                let body = Bytes::from_static(body);
                let reply = stranger.send(Method::POST, path, headers, body).await;
                is_not_the_servers_fault(&reply, path);
                assert!(reply.status.is_client_error(), "{path} {}", reply.status);
            }
        }
    }
    registry.stop().await;
}
