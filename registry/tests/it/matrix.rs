//! Every operation of the document, tried with every role: a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use axum::{body::Bytes, http::Method};
use registry::token::RoleName;
use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry, text};

/// An operation, and what the document says of who may call it.
struct Operation {
    name: String,
    method: Method,
    path: String,
    roles: BTreeSet<String>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&registry::api::openapi().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, about) in methods.as_object().unwrap() {
            if about["tags"][0] == "oauth" {
                // For clients, which have no role: see oauth.rs and registration.rs.
                continue;
            }
            let named = &about["security"][0];
            let roles = named["token"]
                .as_array()
                .or(named["apisix_token"].as_array());
            let roles = roles.unwrap_or_else(|| panic!("{method} {path} says nothing of roles"));
            operations.push(Operation {
                name: text(&about["operationId"]),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                roles: roles.iter().map(text).collect(),
            });
        }
    }
    assert!(operations.len() >= 40, "{}", operations.len());
    operations
}

/// The path with its variable parts filled in by nothing that exists.
fn filled(path: &str) -> String {
    let mut filled = String::new();
    for part in path.split('/').skip(1) {
        let part = if part.starts_with('{') { "x" } else { part };
        filled.push('/');
        filled.push_str(part);
    }
    filled
}

/// Somebody of every role.
async fn actors(registry: &TestRegistry) -> BTreeMap<String, Actor> {
    let mut actors = BTreeMap::new();
    for role in RoleName::ALL {
        let actor = match role {
            RoleName::Gateway => registry.gateway("default").await,
            RoleName::Developer => {
                let body = json!({"role": "developer", "owner": "team-a"});
                registry.minted(body).await
            }
            role => registry.minted(json!({"role": role.word()})).await,
        };
        actors.insert(role.word().to_owned(), actor);
    }
    actors
}

#[tokio::test]
async fn every_operation_names_roles_that_there_are() {
    let words: BTreeSet<&str> = RoleName::ALL.into_iter().map(RoleName::word).collect();
    for operation in operations() {
        let name = &operation.name;
        assert!(!operation.roles.is_empty(), "{name} is for nobody");
        for role in &operation.roles {
            assert!(words.contains(role.as_str()), "{name}: {role}");
        }
    }
}

#[tokio::test]
async fn every_operation_is_for_exactly_the_roles_that_the_document_names() {
    let registry = TestRegistry::start().await;
    let actors = actors(&registry).await;
    for operation in operations() {
        for (role, actor) in &actors {
            let place = format!("{} as {role}", operation.name);
            let method = operation.method.clone();
            let path = filled(&operation.path);
            let is_apisix = path.starts_with("/apisix/");
            let key = actor.token().to_owned();
            let headers = [("x-api-key", key.as_str())];
            let headers = if is_apisix { &headers[..] } else { &[] };
            let reply = actor.send(method, &path, headers, Bytes::new()).await;
            if operation.roles.contains(role) {
                let status = reply.status.as_u16();
                assert!(![401, 403].contains(&status), "{place}: {}", reply.text());
            } else if is_apisix {
                reply.is_refusal(403, "failed to check token");
            } else {
                let problem = reply.is_problem(403, "forbidden", None);
                let detail = text(&problem["detail"]);
                for allowed in &operation.roles {
                    assert!(detail.contains(allowed.as_str()), "{place}: {detail}");
                }
            }
        }
    }
}

/// Something of everything that has an id, which the strangers do not see.
struct Resources {
    application: String,
    credential: String,
    token: String,
    registration_token: String,
}

async fn resources(registry: &TestRegistry) -> Resources {
    let admin = registry.admin();
    let body = json!({"name": "billing", "owner": "team-b", "default_key": "required"});
    let made = admin.post("/v1/applications", body).await.has(201).json();
    let token = json!({"role": "developer", "owner": "team-b"});
    let token = admin.post("/v1/tokens", token).await.has(201).json();
    let body = json!({"application": made["id"]});
    let registration = admin.post("/v1/registration-tokens", body).await;
    let registration = registration.has(201).json();
    Resources {
        application: text(&made["id"]),
        credential: text(&made["default_credential"]["id"]),
        token: text(&token["id"]),
        registration_token: text(&registration["id"]),
    }
}

impl Resources {
    /// The operation's path with what is there, if it asks for something by its id.
    fn path(&self, operation: &Operation) -> Option<String> {
        let path = operation.path.strip_prefix("/v1/")?;
        let (collection, _) = path.split_once("/{id}")?;
        let id = match collection {
            "applications" => &self.application,
            "credentials" => &self.credential,
            "tokens" => &self.token,
            "registration-tokens" => &self.registration_token,
            // They are the installation's.
            "gateway-groups/{name}/tokens" | "identity-providers" => return None,
            other => panic!("{}: say whose {other} there are", operation.name),
        };
        let path = operation.path.replace("{id}", id);
        Some(path.replace("{group}", "default"))
    }

    /// A body that is fine.
    fn body(&self, operation: &Operation) -> Value {
        match operation.name.as_str() {
            "create_credential" => json!({"type": "api_key", "name": "mine"}),
            "set_default_credential" => json!({"credential": self.credential}),
            "credential_impact" => json!({"action": "disable"}),
            "rotate_credential" => json!({"grace_period": 0}),
            _ => json!({}),
        }
    }
}

#[tokio::test]
async fn what_somebody_does_not_see_does_not_exist_for_any_operation() {
    let registry = TestRegistry::start().await;
    let resources = resources(&registry).await;
    let everything = |reply: &Value| reply["items"].as_array().unwrap().len();
    let strangers = strangers(&registry).await;
    let mut tried = 0;
    for operation in operations() {
        let Some(path) = resources.path(&operation) else {
            continue;
        };
        for (role, stranger) in &strangers {
            if !operation.roles.contains(*role) {
                continue;
            }
            let place = format!("{} as {role}", operation.name);
            let json = [("content-type", "application/json")];
            let body = resources.body(&operation).to_string();
            let method = operation.method.clone();
            let reply = stranger.send(method, &path, &json, body.into()).await;
            assert_eq!(reply.status, 404, "{place}: {}", reply.text());
            tried += 1;
        }
    }
    assert!(tried >= 75, "{tried}");
    for (role, stranger) in &strangers {
        for list in [
            "/v1/applications",
            "/v1/applications?name=billing",
            "/v1/credentials",
        ] {
            let found = stranger.get(list).await.has(200).json();
            assert_eq!(everything(&found), 0, "{list} as {role}: {found}");
        }
        let exported = stranger.get("/v1/export?format=ndjson").await.has(200);
        assert_eq!(exported.text(), "", "{role}");
    }
}

/// Those who see nothing of the resources: another owner's developer, and everybody of another organization.
async fn strangers(registry: &TestRegistry) -> Vec<(&'static str, Actor)> {
    let other = json!({"name": "other"});
    registry
        .admin()
        .post("/v1/organizations", other)
        .await
        .has(201);
    let colleague = json!({"role": "developer", "owner": "team-a"});
    let namesake = json!({"role": "developer", "owner": "team-b"});
    let org_admin = json!({"role": "org_admin"});
    let mut strangers = vec![("developer", registry.minted(colleague).await)];
    for (role, body) in [("developer", namesake), ("org_admin", org_admin)] {
        strangers.push((role, registry.minted_in("other", body).await));
    }
    for role in ["portal_admin", "api_owner", "auditor"] {
        let elsewhere = registry.minted(json!({"role": role})).await;
        strangers.push((role, elsewhere.acting_in("other")));
    }
    strangers
}
