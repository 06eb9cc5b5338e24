//! One case: what is sent for it, and what is expected.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use e2e::{
    echo::{Echoed, HELLO},
    http::{Call, Client, answer::Answer},
};
use serde_json::{Value, json};

use super::accounts;

/// One case of the file.
///
/// All cases share one registry, in which names, keys and user names are unique. So those of a case get its id as a
/// suffix, wherever they occur in it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) id: String,
    pub(super) source: String,
    kind: String,
    pub(super) setup: Value,
    pub(super) request: Value,
    pub(super) expect: Value,
}

impl Case {
    pub(super) fn all(path: &Path) -> Vec<Self> {
        let text = fs::read_to_string(path).expect("the cases");
        let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
        cases.into_iter().map(Self::new).collect()
    }

    fn new(mut json: Value) -> Self {
        let id = text(&json["id"]);
        amend(&id, &mut json);
        Self {
            source: text(&json["source"]),
            kind: text(&json["kind"]),
            setup: json["setup"].take(),
            request: json["request"].take(),
            expect: json["expect"].take(),
            id,
        }
    }

    pub(super) fn not_applicable(&self) -> Option<&'static str> {
        accounts::not_applicable(&self.id)
    }

    /// Whether it is about the admin API.
    pub(super) fn is_admin(&self) -> bool {
        self.kind == "admin"
    }

    pub(super) fn host(&self) -> String {
        format!("{}.example.com", self.id)
    }

    /// A name, key or user name of this case, as it is in the registry.
    pub(super) fn own(&self, name: &str) -> String {
        format!("{name}-{}", self.id)
    }

    /// The consumers: name, and the whole object.
    pub(super) fn consumers(&self) -> Vec<(String, Value)> {
        let Some(consumers) = self.setup["consumers"].as_array() else {
            return Vec::new();
        };
        consumers
            .iter()
            .map(|consumer| (text(&consumer["username"]), consumer.clone()))
            .collect()
    }

    /// The credentials: consumer, identifier, and the plugins object.
    pub(super) fn credentials(&self) -> Vec<(String, Option<String>, Value)> {
        let mut found: Vec<_> = self
            .consumers()
            .into_iter()
            .map(|(name, consumer)| (name, None, consumer["plugins"].clone()))
            .collect();
        if let Some(credentials) = self.setup["credentials"].as_object() {
            for (path, credential) in credentials {
                let (consumer, identifier) = path
                    .split_once("/credentials/")
                    .expect("a credential's path");
                found.push((
                    consumer.to_owned(),
                    Some(identifier.to_owned()),
                    credential["plugins"].clone(),
                ));
            }
        }
        found
    }

    /// The statuses of the case's requests, in order.
    pub(super) fn expected_statuses(&self) -> Vec<u16> {
        let status =
            |value: &Value| u16::try_from(value.as_u64().expect("a status")).expect("a status");
        match self.expect["statuses"].as_array() {
            Some(statuses) => statuses.iter().map(status).collect(),
            None => vec![status(&self.expect["status"])],
        }
    }

    /// The case's request.
    pub(super) fn call(&self, client: &Client) -> Call {
        let line = self.request["sequence"][0].as_str().unwrap_or("");
        let (method, path) = match line.split_once(' ') {
            Some((method, path)) => (method.to_owned(), path.to_owned()),
            None => (text(&self.request["method"]), text(&self.request["path"])),
        };
        let mut call = client.call(&method, &self.adapted(&path));
        if let Some(headers) = self.request["headers"].as_object() {
            for (name, value) in headers {
                call = call.header(name, self.adapted(&text(value)));
            }
        }
        if let Some(headers) = self.request["headers_repeated"].as_array() {
            for pair in headers {
                call = call.header(&text(&pair[0]), self.adapted(&text(&pair[1])));
            }
        }
        call
    }

    /// Whatever differs between the answer and what is expected.
    pub(super) fn differences(&self, status: u16, answer: &Answer) -> Vec<String> {
        let mut found = Vec::new();
        let mut check = |same: bool, what: String| {
            if !same {
                found.push(what);
            }
        };
        check(
            answer.status == status,
            format!("status {} for {status}", answer.status),
        );
        if self.expect["body"] == HELLO {
            check(
                answer.text().trim_end() == HELLO,
                "not the upstream's answer".to_owned(),
            );
        }
        let body = &self.expect["body_json"];
        if !body.is_null() {
            let own = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            check(own == *body, format!("body {own} for {body}"));
        }
        if let Some(headers) = self.expect["response_headers"].as_object() {
            for (name, value) in headers {
                let own = answer.all(name);
                check(own == [text(value)], format!("{name} {own:?} for {value}"));
            }
        }
        if answer.status == 200 && answer.text().trim_end() != HELLO {
            found.extend(self.differences_upstream(&answer.echoed()));
        }
        found
    }

    fn differences_upstream(&self, seen: &Echoed) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(headers) = self.expect["upstream_request_headers"].as_object() {
            for (name, value) in headers {
                let expected = match name.to_ascii_lowercase().as_str() {
                    "x-consumer-username" => self.own(&text(value)),
                    _ => self.adapted(&text(value)),
                };
                let own = seen.all(&name.to_ascii_lowercase());
                if own != [expected.as_str()] {
                    found.push(format!("upstream got {name} {own:?} for {expected}"));
                }
            }
        }
        for name in list(&self.expect["upstream_request_headers_absent"]) {
            if seen.has(&name.to_ascii_lowercase()) {
                found.push(format!("upstream got {name}"));
            }
        }
        for absent in list(&self.expect["upstream_query_stated_but_not_asserted_by_harness"]) {
            let name = absent.strip_prefix('!').expect("an absent parameter");
            if seen.path.contains(&format!("{name}=")) {
                found.push(format!("upstream got the parameter {name}"));
            }
        }
        if let Some(pattern) = self.expect["body_regex"].as_str() {
            let (absent, present) = lookahead(pattern);
            let present = present.replace("anonymous", &self.own("anonymous"));
            let headers = seen
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}"));
            if seen.mentions(absent) {
                found.push(format!("upstream got {absent}"));
            }
            if !headers.into_iter().any(|line| line == present) {
                found.push(format!("upstream did not get {present}"));
            }
        }
        found
    }

    /// A text of the request, or of what the upstream gets, with this case's own keys and user names.
    fn adapted(&self, text: &str) -> String {
        if let Some((scheme, encoded)) = text.split_once(' ')
            && scheme.eq_ignore_ascii_case("basic")
            && let Ok(decoded) = STANDARD.decode(encoded)
        {
            return format!("{scheme} {}", STANDARD.encode(self.adapted_user(&decoded)));
        }
        let keys = self
            .credentials()
            .into_iter()
            .filter_map(|(_, _, plugins)| Some(plugins["key-auth"]["key"].as_str()?.to_owned()));
        let is_key = |word: &str| keys.clone().any(|key| key == word);
        match text.rsplit_once('=') {
            Some((before, value)) if is_key(value) => format!("{before}={}", self.own(value)),
            _ if is_key(text) => self.own(text),
            _ => text.to_owned(),
        }
    }

    fn adapted_user(&self, pair: &[u8]) -> Vec<u8> {
        for (_, _, plugins) in self.credentials() {
            let Some(username) = plugins["basic-auth"]["username"].as_str() else {
                continue;
            };
            if let Some(rest) = pair.strip_prefix(username.as_bytes())
                && rest.starts_with(b":")
            {
                return [self.own(username).as_bytes(), rest].concat();
            }
        }
        pair.to_vec()
    }
}

/// Some cases are written for people, not for programs.
fn amend(id: &str, json: &mut Value) {
    match id {
        "apisix-281" => {
            // What the test before it has put there.
            json["setup"]["existing_resources"]["consumers/jack"]["desc"] = json!("new consumer");
        }
        "apisix-305" => {
            let consumers: Vec<Value> = (1..=20)
                .map(|number| {
                    let key = format!("auth-{number}");
                    json!({"username": format!("user_{number}"), "plugins": {"key-auth": {"key": key}}})
                })
                .collect();
            json["setup"]["consumers"] = json!(consumers);
        }
        "apisix-405" => {
            json["setup"]["route"] = json!({"plugins": {"basic-auth": {}}, "uri": "/hello"});
            let spaced = STANDARD.encode("foo: b a r\n");
            json["request"]["headers"]["Authorization"] = json!(format!("Basic {spaced}"));
        }
        "apisix-411" => {
            json["setup"]["consumers"] =
                json!([{"username": "jack", "plugins": {"key-auth": {"key": "auth-one"}}}]);
        }
        _ => {}
    }
}

/// The one form of pattern in the cases: `(?s)^(?!.*absent).*present`.
fn lookahead(pattern: &str) -> (&str, &str) {
    let rest = pattern
        .strip_prefix("(?s)^(?!.*")
        .expect("the known form of pattern");
    rest.split_once(").*").expect("the known form of pattern")
}

fn list(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|items| items.iter().map(text).collect())
        .unwrap_or_default()
}

pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}
