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
            let roles = about["security"][0]["token"].as_array();
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
            let reply = actor.send(method, &path, &[], Bytes::new()).await;
            if operation.roles.contains(role) {
                let status = reply.status.as_u16();
                assert!(![401, 403].contains(&status), "{place}: {}", reply.text());
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
