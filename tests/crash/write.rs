//! One write: how it is asked for.

use e2e::{
    admin::Admin,
    http::{Call, answer::Answer},
};
use serde_json::{Value, json};

use crate::{model::Model, random::Random};

/// Credentials that a writer has at most.
const KEYS: usize = 6;
const TOKENS: usize = 2;

/// What is asked of the registry.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create { name: String },
    Rotate { id: String, grace: bool },
    Finish { id: String },
    Cancel { id: String },
    Enable { id: String, enabled: bool },
    Delete { id: String },
    Deploy { id: String, deployed: bool },
    EnableApplication { enabled: bool },
    MakeToken { name: String },
    RevokeToken { id: String },
    Import { lines: Vec<(String, String)> },
}

/// A write, and the key under which it may be repeated.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) write: Write,
    pub(crate) repeatable: Option<String>,
}

impl Request {
    /// One that makes sense now.
    pub(crate) fn choose(model: &Model, random: &mut Random, writer: usize) -> Self {
        let write = choose(model, random, writer);
        let may_repeat = matches!(
            write,
            Write::Create { .. } | Write::Rotate { .. } | Write::MakeToken { .. }
        );
        let repeatable = (may_repeat && random.percent(50)).then(|| random.text(2));
        Self { write, repeatable }
    }

    /// As it is sent.
    pub(crate) fn call(&self, admin: &Admin, model: &Model) -> Call {
        let application = format!("/v1/applications/{}", model.application);
        let credential = |id: &str, more: &str| format!("/v1/credentials/{id}{more}");
        let call = match &self.write {
            Write::Create { name } => admin
                .call("POST", &format!("{application}/credentials"))
                .json(&json!({"type": "api_key", "name": name})),
            Write::Rotate { id, grace } => admin
                .call("POST", &credential(id, "/rotate"))
                .json(&json!({"grace_period": if *grace { 3600 } else { 0 }})),
            Write::Finish { id } => admin.call("POST", &credential(id, "/rotate/finish")),
            Write::Cancel { id } => admin.call("POST", &credential(id, "/rotate/cancel")),
            Write::Enable { id, enabled } => admin
                .call("PATCH", &credential(id, ""))
                .json(&json!({"enabled": enabled})),
            Write::Delete { id } => admin.call("DELETE", &credential(id, "?force=true")),
            Write::Deploy { id, deployed } => {
                let method = if *deployed { "PUT" } else { "DELETE" };
                admin.call(method, &credential(id, "/deployments/edge"))
            }
            Write::EnableApplication { enabled } => admin
                .call("PATCH", &application)
                .json(&json!({"enabled": enabled})),
            Write::MakeToken { name } => admin
                .call("POST", "/v1/tokens")
                .json(&json!({"role": "leak_reporter", "description": name})),
            Write::RevokeToken { id } => admin.call("DELETE", &format!("/v1/tokens/{id}")),
            Write::Import { lines } => {
                let application = &model.application_name;
                let lines = lines.iter().map(|(name, value)| {
                    let line = json!({"application": application, "type": "api_key", "name": name, "value": value});
                    format!("{line}\n")
                });
                let lines: String = lines.collect();
                admin
                    .call("POST", "/v1/import")
                    .body("application/x-ndjson", lines)
            }
        };
        match &self.repeatable {
            Some(key) => call.header("idempotency-key", key),
            None => call,
        }
    }

    /// What a good answer says.
    ///
    /// # Errors
    /// The whole answer, when it is not a good one.
    pub(crate) fn read(&self, answer: &Answer) -> Result<Value, String> {
        let refused = || format!("{:?} was answered {answer:?}", self.write);
        if !(200..300).contains(&answer.status) {
            return Err(refused());
        }
        let Write::Import { lines } = &self.write else {
            return Ok(serde_json::from_slice(&answer.body).unwrap_or(Value::Null));
        };
        let text = answer.text();
        let outcomes: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        let outcomes = outcomes.map_err(|_| refused())?;
        let all = outcomes.len() == lines.len();
        if all && outcomes.iter().all(|line| line["status"] == "created") {
            return Ok(Value::Array(outcomes));
        }
        Err(refused())
    }
}

fn choose(model: &Model, random: &mut Random, writer: usize) -> Write {
    let name = format!("w{writer}-{}", random.text(1));
    if model.keys.len() < 2 {
        return Write::Create { name };
    }
    let key = random.choose(&model.keys);
    let (id, key) = key.expect("a writer with keys");
    let id = id.clone();
    match random.below(100) {
        0..15 if model.keys.len() < KEYS => Write::Create { name },
        0..25 => Write::Delete { id },
        25..50 if key.is_rotating() => match random.below(3) {
            0 => Write::Finish { id },
            1 => Write::Cancel { id },
            _ => Write::Rotate { id, grace: true },
        },
        25..50 => {
            let grace = random.percent(60);
            Write::Rotate { id, grace }
        }
        50..62 => {
            let enabled = !key.enabled;
            Write::Enable { id, enabled }
        }
        62..74 => {
            let deployed = !key.on_edge;
            Write::Deploy { id, deployed }
        }
        74..80 => Write::EnableApplication {
            enabled: model.disabled,
        },
        80..90 => match random.choose(model.tokens.keys()) {
            Some(id) if model.tokens.len() >= TOKENS => Write::RevokeToken { id: id.clone() },
            _ => Write::MakeToken { name },
        },
        _ if model.keys.len() < KEYS => {
            let line = |part| (format!("{name}-{part}"), random.text(3));
            Write::Import {
                lines: (0..2).map(line).collect(),
            }
        }
        _ => Write::Delete { id },
    }
}
