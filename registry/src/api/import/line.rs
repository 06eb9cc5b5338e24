//! A line as an object.

use std::collections::BTreeMap;

use filter_core::digest::SecretHash;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    api::{
        credentials::{body::TypeWord, request::Given},
        labels, patch,
        problem::Problem,
        time::Moment,
    },
    credential::{Import, ImportedPassword, ImportedSecret, ImportedValue},
    password::PhcString,
};

/// A credential to be created with a secret that existed before.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ImportLine)]
#[serde(deny_unknown_fields)]
pub(super) struct LineBody {
    /// The name of its application.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,256}$", example = "billing")]
    application: String,
    /// Whether the application is created if there is none of this name: with the scopes of this line.
    #[serde(default)]
    create_application: bool,
    /// Unique within the application. 1 to 256 visible ASCII characters.
    #[schema(pattern = "^[!-~]{1,256}$", example = "ci")]
    name: String,
    /// How it is presented.
    #[serde(rename = "type")]
    kind: TypeWord,
    /// Only for `api_key` and `bearer_token`: the secret itself.
    #[schema(value_type = Option<String>, write_only)]
    value: Option<Given>,
    /// In place of `value`: its SHA-256, 64 hexadecimal digits.
    #[schema(value_type = Option<String>, write_only)]
    sha256: Option<Given>,
    /// Only for `basic`, and required there: unique in the installation.
    username: Option<String>,
    /// Only for `basic`: the password itself.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<Given>,
    /// In place of `password`: what `htpasswd` made of it (bcrypt, `{SHA}`, `$apr1$`), or Argon2id. It is made anew with
    /// Argon2id when the password is first used.
    #[schema(value_type = Option<String>, write_only)]
    password_hash: Option<Given>,
    /// The upstream sees it as `X-Credential-Identifier`. By default the id.
    #[schema(pattern = "^[!-~]{1,256}$")]
    identifier: Option<String>,
    /// For people; at most 1024 characters.
    description: Option<String>,
    /// For people; at most 64.
    #[serde(default, deserialize_with = "labels::present")]
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
    /// Some of the application's scopes.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// Whether it is honoured; by default it is.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// From when it is honoured; always when absent.
    not_before: Option<Moment>,
    /// Until when it is honoured; in the future. Required for `bearer_token`.
    expires_at: Option<Moment>,
}

impl LineBody {
    /// Checks that the fields about the secret fit the type.
    pub(super) fn into_import(self) -> Result<Import, Problem> {
        let secret = match self.kind {
            TypeWord::OauthClient => {
                let message =
                    "cannot be oauth_client: a client is registered, or linked, at its provider";
                return Err(Problem::invalid("type", message));
            }
            TypeWord::ApiKey | TypeWord::BearerToken => {
                if self.username.is_some() {
                    return Err(only_for("username", "basic"));
                }
                if self.password.is_some() || self.password_hash.is_some() {
                    let field = if self.password.is_some() {
                        "password"
                    } else {
                        "password_hash"
                    };
                    return Err(only_for(field, "basic"));
                }
                let value = value(self.value, self.sha256)?;
                match self.kind {
                    TypeWord::BearerToken => ImportedSecret::BearerToken(value),
                    _ => ImportedSecret::ApiKey(value),
                }
            }
            TypeWord::Basic => {
                if self.value.is_some() || self.sha256.is_some() {
                    let field = if self.value.is_some() {
                        "value"
                    } else {
                        "sha256"
                    };
                    return Err(only_for(field, "api_key and bearer_token"));
                }
                let username = self.username;
                let username = username
                    .ok_or_else(|| Problem::invalid("username", "is required for type basic"))?;
                let password = password(self.password, self.password_hash)?;
                ImportedSecret::Password { username, password }
            }
        };
        Ok(Import {
            application: self.application,
            create_application: self.create_application,
            name: self.name,
            secret,
            identifier: self.identifier,
            description: self.description,
            labels: self.labels,
            scopes: self.scopes,
            enabled: self.enabled,
            not_before: self.not_before.map(Into::into),
            expires_at: self.expires_at.map(Into::into),
        })
    }
}

fn only_for(field: &str, kinds: &str) -> Problem {
    Problem::invalid(field, format!("is only for type {kinds}"))
}

fn value(value: Option<Given>, sha256: Option<Given>) -> Result<ImportedValue, Problem> {
    match (value, sha256) {
        (Some(Given(value)), None) => Ok(ImportedValue::Plain(value)),
        (None, Some(Given(digits))) => bytes(digits.expose())
            .map(|hash| ImportedValue::Hashed(SecretHash::from_bytes(hash)))
            .ok_or_else(|| Problem::invalid("sha256", "must be 64 hexadecimal digits")),
        (Some(_), Some(_)) => Err(Problem::invalid("sha256", "does not go with value")),
        (None, None) => Err(Problem::invalid("value", "is required, or sha256")),
    }
}

fn password(password: Option<Given>, hash: Option<Given>) -> Result<ImportedPassword, Problem> {
    match (password, hash) {
        (Some(Given(password)), None) => Ok(ImportedPassword::Plain(password)),
        (None, Some(Given(hash))) => {
            let hash = PhcString::from_elsewhere(hash.expose().to_owned())?;
            Ok(ImportedPassword::Hashed(hash))
        }
        (Some(_), Some(_)) => Err(Problem::invalid(
            "password_hash",
            "does not go with password",
        )),
        (None, None) => Err(Problem::invalid(
            "password",
            "is required, or password_hash",
        )),
    }
}

/// Of either case, because other programs write either.
fn bytes(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let half = |range: std::ops::Range<usize>| {
        let part = digits.get(range)?;
        u128::from_str_radix(part, 16).ok().map(u128::to_be_bytes)
    };
    let (first, second) = (half(0..32)?, half(32..64)?);
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().zip(first.into_iter().chain(second)) {
        *place = byte;
    }
    Some(hash)
}
