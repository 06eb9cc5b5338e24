//! What a provider must be like.

use super::{
    Provider, ProviderKind,
    configuration::{Configuration, Secrets, Tokens},
    connect,
    exchange::address,
};
use crate::{environment::Environment, error::InvalidField, outgoing::Address};

const MAX_NAME: usize = 64;
const MAX_ISSUER: usize = 512;
/// Bytes of a configuration at most.
const MAX_CONFIGURATION: usize = 16 * 1024;
/// Bytes of a secret at most.
const MAX_SECRET: usize = 4096;
const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

pub(super) fn name(text: String) -> Result<String, InvalidField> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text);
    }
    let message = format!("must be 1 to {MAX_NAME} of letters, digits, _ and -");
    Err(InvalidField::new("name", message))
}

/// Behind a bridge an issuer may be any text; else it is where the provider publishes what it is (RFC 8414 section 2).
pub(super) fn issuer(kind: ProviderKind, text: String) -> Result<String, InvalidField> {
    let fits =
        (1..=MAX_ISSUER).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
    if !fits {
        let message = format!("must be 1 to {MAX_ISSUER} visible ASCII characters");
        return Err(InvalidField::new("issuer", message));
    }
    if kind == ProviderKind::Oidc {
        address("issuer", &text)?;
        if text.contains('?') {
            return Err(InvalidField::new("issuer", "must not have a query"));
        }
    }
    Ok(text)
}

/// Reads what somebody wrote. The error says where in it something is wrong, and not what stands there.
///
/// # Errors
/// Says where.
pub fn read(kind: ProviderKind, json: serde_json::Value) -> Result<Configuration, InvalidField> {
    match kind {
        ProviderKind::Builtin if json.as_object().is_some_and(serde_json::Map::is_empty) => {
            Ok(Configuration::Builtin)
        }
        ProviderKind::Builtin => Err(InvalidField::new(
            "configuration",
            "must be {}: the built-in provider needs none",
        )),
        ProviderKind::Oidc => typed(json).map(Configuration::Oidc),
        ProviderKind::HttpBridge => typed(json).map(Configuration::HttpBridge),
    }
}

fn typed<T: serde::de::DeserializeOwned>(json: serde_json::Value) -> Result<T, InvalidField> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        let said = error.into_inner().to_string();
        let rule = said.split_once("expected ").map_or_else(
            || {
                if said.starts_with("missing field") {
                    said.clone()
                } else {
                    "is not what it must be".to_owned()
                }
            },
            |(_, expected)| format!("must be {expected}"),
        );
        InvalidField::new("configuration", format!("at {path}: {rule}"))
    })
}

pub(super) fn written(configuration: &Configuration) -> Result<String, InvalidField> {
    let text = configuration.write().ok();
    text.filter(|text| text.len() <= MAX_CONFIGURATION)
        .ok_or_else(|| {
            let message = format!("must be at most {MAX_CONFIGURATION} bytes of JSON");
            InvalidField::new("configuration", message)
        })
}

/// Checks that all of it fits together, and that every address is one.
pub(super) fn check(
    env: &Environment,
    provider: &Provider,
    configuration: &Configuration,
    secrets: &Secrets,
) -> Result<(), InvalidField> {
    check_secrets(secrets)?;
    if let Some(tokens) = configuration.tokens() {
        check_tokens(tokens, secrets)?;
    }
    let token_client = match configuration {
        Configuration::Oidc(oidc) => oidc.registration.token.is_some(),
        Configuration::HttpBridge(_) => {
            only_for_oidc(
                "secrets.initial_access_token",
                secrets.initial_access_token.is_some(),
            )?;
            false
        }
        Configuration::Builtin if secrets.is_empty() => false,
        Configuration::Builtin => {
            let message = "must be empty: nothing proves the registry to itself";
            return Err(InvalidField::new("secrets", message));
        }
    };
    if secrets.token_client_secret.is_some() && !token_client {
        let message = "is only for an oidc provider with configuration.registration.token";
        return Err(InvalidField::new("secrets.token_client_secret", message));
    }
    connect::make(env, provider, configuration, secrets).map(drop)
}

fn only_for_oidc(field: &'static str, given: bool) -> Result<(), InvalidField> {
    if given {
        let message = "is only for kind oidc: a bridge takes headers";
        return Err(InvalidField::new(field, message));
    }
    Ok(())
}

fn check_secrets(secrets: &Secrets) -> Result<(), InvalidField> {
    for (field, secret) in [
        (
            "secrets.initial_access_token",
            &secrets.initial_access_token,
        ),
        ("secrets.token_client_secret", &secrets.token_client_secret),
        (
            "secrets.introspection_client_secret",
            &secrets.introspection_client_secret,
        ),
    ] {
        let Some(secret) = secret else { continue };
        let visible = secret.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !visible || !(1..=MAX_SECRET).contains(&secret.len()) {
            let message = format!("must be 1 to {MAX_SECRET} visible ASCII characters");
            return Err(InvalidField::new(field, message));
        }
    }
    Ok(())
}

fn check_tokens(tokens: &Tokens, secrets: &Secrets) -> Result<(), InvalidField> {
    const FIELD: &str = "secrets.introspection_client_secret";
    let optional = |field, text: &Option<String>| -> Result<Option<Address>, InvalidField> {
        text.as_deref().map(|text| address(field, text)).transpose()
    };
    optional("configuration.tokens.jwks_uri", &tokens.jwks_uri)?;
    let is_known = |name: &String| RSA.contains(&name.as_str());
    if tokens.rsa_algorithms.len() > RSA.len() || !tokens.rsa_algorithms.iter().all(is_known) {
        let message = format!("must be some of: {}", RSA.join(", "));
        let field = "configuration.tokens.rsa_algorithms";
        return Err(InvalidField::new(field, message));
    }
    match (&tokens.introspection, &secrets.introspection_client_secret) {
        (Some(introspection), Some(_)) => {
            let field = "configuration.tokens.introspection.endpoint";
            optional(field, &introspection.endpoint)?;
            Ok(())
        }
        (None, None) => Ok(()),
        (Some(_), None) => {
            let message = "is required with configuration.tokens.introspection";
            Err(InvalidField::new(FIELD, message))
        }
        (None, Some(_)) => {
            let message = "is only for a provider with configuration.tokens.introspection";
            Err(InvalidField::new(FIELD, message))
        }
    }
}
