//! The fence: bodies on their way in.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde_json::{Map, Value};

use super::{
    body::{BasicAuth, ConsumerRequest, CredentialRequest, KeyAuth, Plugins},
    check::{self, property},
    refusal::Refusal,
};
use crate::{
    api::extract,
    consumer::{NewConsumer, NewHeld, Plugin},
    secrets::SecretText,
};

/// Plugins of type `auth` that APISIX has and this does not.
const OTHER_METHODS: [&str; 7] = [
    "hmac-auth",
    "jwe-decrypt",
    "jwt-auth",
    "ldap-auth",
    "ldap-auth-advanced",
    "multi-auth",
    "wolf-rbac",
];
/// Bytes at most of a plugin's configuration that an error shows.
const SHOWN: usize = 8;

/// A JSON object, of whatever type the body is said to be.
#[derive(Debug)]
pub(super) struct Sent(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes: Bytes = extract::read(request, state).await?;
        if bytes.is_empty() {
            return Err(Refusal::invalid("missing configurations"));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(other) => Err(configuration(check::wrong_type("object", &other))),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(Refusal::invalid(format!(
                    "invalid request body: not JSON at line {line} column {column}"
                )))
            }
        }
    }
}

fn configuration(error: impl AsRef<str>) -> Refusal {
    Refusal::invalid(format!("invalid configuration: {}", error.as_ref()))
}

impl Sent {
    /// A consumer, which must have the name in the path, if there is one.
    pub(super) fn consumer(
        self,
        username: Option<&str>,
        gateway_group: Option<String>,
    ) -> Result<NewConsumer, Refusal> {
        let object = self.0;
        forbid_times(&object)?;
        check_consumer(&object).map_err(configuration)?;
        if username.is_some_and(|username| object.get("username") != Some(&username.into())) {
            return Err(Refusal::invalid("wrong username"));
        }
        if let Some(Value::Object(plugins)) = object.get("plugins") {
            check_plugins(plugins)?;
            check_of_consumer(plugins)?;
        }
        let mut request: ConsumerRequest = read(object)?;
        let custom_id = request.labels.remove("custom_id");
        Ok(NewConsumer {
            name: request.username,
            custom_id,
            description: request.desc,
            labels: request.labels,
            plugins: request.plugins.map(Plugins::into_all).unwrap_or_default(),
            gateway_group,
        })
    }

    /// A credential, whose identifier is in the path or in the body.
    pub(super) fn credential(
        self,
        consumer: String,
        id: Option<String>,
        gateway_group: Option<String>,
    ) -> Result<NewHeld, Refusal> {
        let mut object = self.0;
        let identifier = identify(&mut object, id)?;
        forbid_times(&object)?;
        check_credential(&object).map_err(configuration)?;
        if let Some(Value::Object(plugins)) = object.get("plugins") {
            check_plugins(plugins)?;
            check_of_credential(plugins)?;
        }
        let request: CredentialRequest = read(object)?;
        let plugin = request.plugins.into_all().into_iter().next();
        let missing = || configuration("property \"plugins\" is required");
        Ok(NewHeld {
            consumer,
            identifier,
            name: request.name,
            description: request.desc,
            labels: request.labels,
            plugin: plugin.ok_or_else(missing)?,
            gateway_group,
        })
    }
}

/// What was checked is read; what it is like was said already.
fn read<T: serde::de::DeserializeOwned>(object: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(object))
        .map_err(|_| configuration("a property is not of its type"))
}

/// Takes the identifier out of the body.
fn identify(object: &mut Map<String, Value>, path: Option<String>) -> Result<String, Refusal> {
    let sent = object.remove("id");
    let sent = sent.as_ref().map(check::identifier).transpose();
    let sent = sent.map_err(configuration)?;
    match (path, sent) {
        (None, None) => Err(Refusal::invalid("missing credential id")),
        (Some(path), Some(sent)) if path != sent => Err(Refusal::invalid("wrong credential id")),
        (Some(path), _) => check::identifier(&Value::String(path)).map_err(configuration),
        (None, Some(sent)) => Ok(sent),
    }
}

fn forbid_times(object: &Map<String, Value>) -> Result<(), Refusal> {
    let times = ["create_time", "update_time"];
    let found: Vec<&str> = times
        .into_iter()
        .filter(|name| object.contains_key(*name))
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        let found = found.join(" ");
        Err(Refusal::invalid(format!(
            "the property is forbidden:  {found}"
        )))
    }
}

fn check_consumer(object: &Map<String, Value>) -> Result<(), String> {
    check::required(object, "username")?;
    property(object, "username", |value| check::USERNAME.check(value))?;
    property(object, "desc", |value| check::DESC.check(value))?;
    property(object, "labels", check::labels)?;
    property(object, "group_id", |_| {
        Err("consumer groups are not supported: scopes and gateway groups are the application's, under /v1/applications".to_owned())
    })?;
    property(object, "plugins", is_object)?;
    check::only(object, &["username", "desc", "labels", "plugins"])
}

fn check_credential(object: &Map<String, Value>) -> Result<(), String> {
    property(object, "name", |value| check::NAME.check(value))?;
    property(object, "desc", |value| check::DESC.check(value))?;
    property(object, "labels", check::labels)?;
    check::required(object, "plugins")?;
    property(object, "plugins", |value| {
        is_object(value)?;
        let words = match value.as_object().map_or(0, Map::len) {
            0 => "at least",
            1 => return Ok(()),
            _ => "at most",
        };
        Err(format!("expect object to have {words} 1 properties"))
    })?;
    check::only(object, &["name", "desc", "labels", "plugins"])
}

fn is_object(value: &Value) -> Result<(), String> {
    if value.is_object() {
        Ok(())
    } else {
        Err(check::wrong_type("object", value))
    }
}

/// Those that exist here must be as they should be.
fn check_plugins(plugins: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in plugins {
        let Value::Object(plugin) = value else {
            // It is the caller's own; what is longer than a word may be a secret in the wrong place, and is not said back.
            let text = value.to_string();
            let shown = Some(text.as_str()).filter(|text| text.len() <= SHOWN);
            let shown = shown.unwrap_or_else(|| check::type_of(value));
            return Err(Refusal::invalid(format!(
                "invalid plugins configuration: invalid plugin conf {shown} for plugin [{name}]"
            )));
        };
        let properties: &[&str] = match name.as_str() {
            "key-auth" => &["key"],
            "basic-auth" => &["username", "password"],
            _ => continue,
        };
        check_plugin(plugin, properties).map_err(|error| {
            Refusal::invalid(format!(
                "invalid plugins configuration: failed to check the configuration of plugin {name} err: {error}"
            ))
        })?;
    }
    Ok(())
}

fn check_plugin(plugin: &Map<String, Value>, properties: &[&str]) -> Result<(), String> {
    for name in properties {
        check::required(plugin, name)?;
        property(plugin, name, |value| match value {
            Value::String(text) if is_reference(text) => Err(
                "references ($secret://, $env://) are not resolved: send the value itself"
                    .to_owned(),
            ),
            Value::String(_) => Ok(()),
            other => Err(check::wrong_type("string", other)),
        })?;
    }
    check::only(plugin, properties)
}

/// Whoever meant a secret somewhere else must not find that its address is the secret.
fn is_reference(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["$secret://", "$env://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

fn is_known(name: &str) -> bool {
    name == "key-auth" || name == "basic-auth"
}

fn check_of_consumer(plugins: &Map<String, Value>) -> Result<(), Refusal> {
    match plugins.keys().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::invalid(format!(
            "invalid plugins configuration: plugin [{name}] is not supported: consumers have key-auth and basic-auth, \
             everything else is Envoy's"
        ))),
    }
}

fn check_of_credential(plugins: &Map<String, Value>) -> Result<(), Refusal> {
    match plugins.keys().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) if OTHER_METHODS.contains(&name.as_str()) => Err(Refusal::invalid(format!(
            "invalid plugins configuration: plugin [{name}] is not supported: credentials have key-auth or basic-auth"
        ))),
        Some(_) => Err(Refusal::invalid(
            "only supports auth type plugins in consumer credential",
        )),
    }
}

impl Plugins {
    fn into_all(self) -> Vec<Plugin> {
        let key = self.key_auth.map(|KeyAuth { key }| Plugin::KeyAuth {
            key: SecretText::new(key),
        });
        let basic = self
            .basic_auth
            .map(|BasicAuth { username, password }| Plugin::BasicAuth {
                username,
                password: SecretText::new(password),
            });
        key.into_iter().chain(basic).collect()
    }
}
