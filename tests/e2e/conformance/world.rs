//! A case's setup in Keysmith's terms: applications and credentials in the registry, rules in the filter.

use e2e::admin::Admin;
use serde_json::{Map, Value, json};

use super::case::{Case, text};

/// What APISIX's plugins are called, and the rule's field that does the same.
const METHODS: [(&str, &str); 2] = [("key-auth", "key_auth"), ("basic-auth", "basic_auth")];

/// Makes the case's consumers and their credentials.
pub(super) async fn register(case: &Case, admin: &Admin) {
    for (name, consumer) in case.consumers() {
        let application =
            json!({"name": case.own(&name), "custom_id": consumer["labels"]["custom_id"]});
        let id = admin.application(application).await;
        let own = case
            .credentials()
            .into_iter()
            .filter(|(owner, ..)| *owner == name);
        for (number, (_, identifier, plugins)) in own.enumerate() {
            for body in credentials(case, &plugins) {
                let mut body = body;
                body["name"] = json!(format!("{}-{number}", text(&body["type"])));
                body["identifier"] = json!(identifier);
                admin.credential(&id, body).await;
            }
        }
    }
}

fn credentials(case: &Case, plugins: &Value) -> Vec<Value> {
    let mut bodies = Vec::new();
    if let Some(key) = plugins["key-auth"]["key"].as_str() {
        bodies.push(json!({"type": "api_key", "value": case.own(key)}));
    }
    if let Some(username) = plugins["basic-auth"]["username"].as_str() {
        let password = text(&plugins["basic-auth"]["password"]);
        bodies.push(json!({"type": "basic", "username": case.own(username), "password": password}));
    }
    bodies
}

/// The rules for the case's route.
pub(super) fn rules(case: &Case) -> Vec<Value> {
    let plugins = &case.setup["route"]["plugins"];
    let mut rule = Map::new();
    rule.insert("hosts".to_owned(), json!([case.host()]));
    let members = plugins["multi-auth"]["auth_plugins"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for plugin in members.iter().chain([plugins]) {
        accept(case, plugin, &mut rule);
    }
    if rule.len() == 1 {
        rule.insert("public".to_owned(), json!(true));
    }
    restrict(case, &plugins["consumer-restriction"], rule)
}

/// Adds what a plugin accepts. Members of multi-auth that do not exist here (jwt-auth, hmac-auth) accept nothing, and
/// the cases that would use them are not applicable.
fn accept(case: &Case, plugin: &Value, rule: &mut Map<String, Value>) {
    for (theirs, ours) in METHODS {
        let Some(settings) = plugin[theirs].as_object() else {
            continue;
        };
        let mut accepted = Map::new();
        for field in ["header", "query", "hide_credentials"] {
            if let Some(value) = settings.get(field) {
                accepted.insert(field.to_owned(), value.clone());
            }
        }
        if theirs == "key-auth"
            && (accepted.contains_key("header") || accepted.contains_key("query"))
        {
            // There, each place has its default on its own.
            accepted.entry("header").or_insert(json!("apikey"));
            accepted.entry("query").or_insert(json!("apikey"));
        }
        rule.insert(ours.to_owned(), Value::Object(accepted));
        if let Some(realm) = settings.get("realm") {
            rule.insert("realm".to_owned(), realm.clone());
        }
        if let Some(anonymous) = settings.get("anonymous_consumer") {
            rule.insert("anonymous".to_owned(), json!(case.own(&text(anonymous))));
        }
    }
}

/// Adds whom the rule admits; a restriction by method becomes a rule of its own before it.
fn restrict(case: &Case, restriction: &Value, mut rule: Map<String, Value>) -> Vec<Value> {
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|name| case.own(&text(name))).collect()
    };
    let (allowed, mut denied) = (
        names(&restriction["whitelist"]),
        names(&restriction["blacklist"]),
    );
    let mut rules = Vec::new();
    if !denied.is_empty() {
        rule.insert("deny_applications".to_owned(), json!(denied));
    }
    if !allowed.is_empty() {
        rule.insert("allow_applications".to_owned(), json!(allowed));
    } else if let Some(by_method) = restriction["allowed_by_methods"].as_array() {
        for entry in by_method {
            let mut own = rule.clone();
            own.insert("methods".to_owned(), entry["methods"].clone());
            rules.push(Value::Object(own));
            denied.push(case.own(&text(&entry["user"])));
        }
        rule.insert("deny_applications".to_owned(), json!(denied));
    }
    rules.push(Value::Object(rule));
    rules
}
