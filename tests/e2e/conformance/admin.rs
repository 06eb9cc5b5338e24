//! Cases of APISIX's admin API, replayed against the registry's.

use e2e::{admin::Admin, http::answer::Answer};
use serde_json::{Map, Value, json};

use super::case::{Case, text};

/// Makes what the case says that exists, sends its request, and answers whatever differs from what is expected.
pub(super) async fn differences(case: &Case, admin: &Admin) -> Vec<String> {
    let existing = existing(case);
    for (path, body) in &existing {
        let path = case.path(&format!("/{path}"));
        let body = case.object(body);
        let made = admin.apisix("PUT", &path).json(&body).send().await;
        assert!(made.status < 300, "{}: {path}: {}", case.id, made.text());
    }
    let request = &case.request;
    let asked = text(&request["path"]);
    let asked = asked.strip_prefix("/apisix/admin").expect("its prefix");
    let call = admin.apisix(&text(&request["method"]), &case.path(asked));
    let answer = match &request["body"] {
        Value::Null => call.send().await,
        body => call.json(&case.object(body)).send().await,
    };
    let body_name = request["body"]["username"].as_str();
    let target = match body_name {
        Some(name) if asked == "/consumers" => format!("consumers/{name}"),
        _ => asked.trim_start_matches('/').to_owned(),
    };
    let exists = existing.iter().any(|(path, _)| *path == target);
    compare(case, &answer, exists)
}

/// What exists before the case, consumers first: paths and bodies.
fn existing(case: &Case) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = match &case.setup["existing_resources"] {
        Value::Object(resources) => resources.clone().into_iter().collect(),
        // Some are only named.
        Value::Array(paths) => paths.iter().map(|path| bare(&text(path))).collect(),
        _ => Vec::new(),
    };
    for (path, _) in found.clone() {
        let consumer: Vec<&str> = path.split('/').take(2).collect();
        let consumer = consumer.join("/");
        if !found.iter().any(|(known, _)| *known == consumer) {
            found.push(bare(&consumer));
        }
    }
    found.sort_by_key(|(path, _)| path.split('/').count());
    found
}

fn bare(path: &str) -> (String, Value) {
    let last = path.rsplit('/').next().unwrap_or_default();
    let body = if path.contains("/credentials/") {
        json!({"plugins": {"key-auth": {"key": format!("the-key-of-{last}")}}})
    } else {
        json!({"username": last})
    };
    (path.to_owned(), body)
}

impl Case {
    /// A path with this case's own consumer in it.
    fn path(&self, path: &str) -> String {
        let mut parts: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        let at = parts.iter().position(|part| part == "consumers");
        if let Some(name) = at.and_then(|at| parts.get_mut(at + 1)) {
            *name = self.own(name);
        }
        parts.join("/")
    }

    /// A consumer or credential with this case's own names and keys.
    fn object(&self, object: &Value) -> Value {
        let mut object = object.clone();
        for name in [
            "/username",
            "/plugins/key-auth/key",
            "/plugins/basic-auth/username",
        ] {
            if let Some(name) = object.pointer_mut(name) {
                self.rename(name);
            }
        }
        without_nulls(object)
    }

    fn rename(&self, name: &mut Value) {
        if let Some(text) = name.as_str() {
            *name = json!(self.own(text));
        }
    }

    /// What is expected, with this case's own names.
    fn expected(&self, body: &Value) -> Value {
        let mut body = body.clone();
        if let Some(key) = body["key"].as_str() {
            body["key"] = json!(self.path(key));
        }
        if body["value"].is_object() {
            body["value"] = self.object(&body["value"]);
        }
        let list = body.pointer_mut("/list").and_then(Value::as_array_mut);
        for entry in list.into_iter().flatten() {
            *entry = self.expected(entry);
        }
        without_nulls(body)
    }
}

/// Looking something up in an object leaves a null there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().map(|(name, value)| {
                let inner = without_nulls(value);
                (name, inner)
            });
            let kept: Map<String, Value> = kept.filter(|(_, value)| is_something(value)).collect();
            Value::Object(kept)
        }
        other => other,
    }
}

fn is_something(value: &Value) -> bool {
    !value.is_null() && value.as_object().is_none_or(|object| !object.is_empty())
}

fn compare(case: &Case, answer: &Answer, exists: bool) -> Vec<String> {
    let mut found = Vec::new();
    let expect = &case.expect;
    let status = match expect["status"].as_u64() {
        Some(status) => status,
        // Either, by that rule.
        None if exists => 200,
        None => 201,
    };
    if u64::from(answer.status) != status {
        found.push(format!("status {} for {status}", answer.status));
    }
    let mut body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    found.extend(compare_keys(case, &body));
    for time in ["create_time", "update_time"] {
        if let Some(value) = body["value"].as_object_mut() {
            value.remove(time);
        }
    }
    let body = without_nulls(body);
    let whole = &expect["body_json"];
    if !whole.is_null() && body != case.expected(whole) {
        found.push(format!("body {body} for {whole}"));
    }
    let part = &expect["body_json_subset"];
    // What APISIX's harness compares only where the request succeeds.
    if status < 300 && !part.is_null() && !holds(&body, &case.expected(part)) {
        found.push(format!("body {body} without {part}"));
    }
    if let Some(pattern) = expect["body_regex"].as_str() {
        let pattern = pattern.replace('\\', "");
        let (start, end) = pattern.split_once(".*").expect("the known form of pattern");
        let text = answer.text();
        if !(text.starts_with(start) && text.trim_end().ends_with(end)) {
            found.push(format!("body {text} for {pattern}"));
        }
    }
    found
}

fn compare_keys(case: &Case, body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (expected, object) in [("body_keys", body), ("value_keys", &body["value"])] {
        let Some(expected) = case.expect[expected].as_array() else {
            continue;
        };
        let mut expected: Vec<String> = expected.iter().map(text).collect();
        expected.sort();
        let mut own: Vec<String> = object
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        own.sort();
        if own != expected {
            found.push(format!("fields {own:?} for {expected:?}"));
        }
    }
    found
}

/// Whether the value has everything that the part has.
fn holds(value: &Value, part: &Value) -> bool {
    match part {
        Value::Object(part) => part.iter().all(|(name, part)| holds(&value[name], part)),
        Value::Array(part) => {
            let own = value.as_array().map(Vec::as_slice).unwrap_or_default();
            own.len() == part.len() && own.iter().zip(part).all(|(own, part)| holds(own, part))
        }
        part => value == part,
    }
}
