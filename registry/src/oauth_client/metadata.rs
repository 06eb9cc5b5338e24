//! What is registered of a client (RFC 7591 section 2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redirect;
use crate::error::InvalidField;

/// Redirect URIs of a client at most.
const MAX_REDIRECTS: usize = 32;
/// Grant types, response types and contacts at most, each.
const MAX_WORDS: usize = 16;
/// Bytes of a text at most.
const MAX_TEXT: usize = 2048;
/// Bytes of everything together at most, as JSON.
pub const MAX_BYTES: usize = 32 * 1024;

/// The ways of a client to prove itself at the token endpoint that can be asked for.
pub const AUTH_METHODS: [&str; 4] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];

/// A client's metadata. What is not known here is kept in `other`, because an update at a provider replaces everything
/// (RFC 7592 section 2.2) and would otherwise lose it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Where users are sent back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// How it gets tokens. Always sent: without, a provider takes `authorization_code`.
    #[serde(default)]
    pub grant_types: Vec<String>,
    /// What it asks the authorization endpoint for. Always sent: without, a provider takes `code`.
    #[serde(default)]
    pub response_types: Vec<String>,
    /// How it proves itself at the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// What it may ask for, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Its public keys (RFC 7517). Never together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its public keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// People who answer for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Of what software it is an instance. The registry puts its own mark there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// Of which version of that. The registry puts the operation's id there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Every other member.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ClientMetadata {
    /// Checks what somebody asks for. What a provider answers is not held to this.
    ///
    /// # Errors
    /// Names the member.
    pub fn check(&self) -> Result<(), InvalidField> {
        texts("client.redirect_uris", &self.redirect_uris, MAX_REDIRECTS)?;
        texts("client.grant_types", &self.grant_types, MAX_WORDS)?;
        texts("client.response_types", &self.response_types, MAX_WORDS)?;
        texts("client.contacts", &self.contacts, MAX_WORDS)?;
        if let Some(name) = &self.client_name {
            text("client.client_name", name)?;
        }
        for uri in &self.redirect_uris {
            redirect::check(uri)?;
        }
        self.check_grants()?;
        self.check_authentication()?;
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_BYTES {
            let message = format!("must be at most {MAX_BYTES} bytes of JSON");
            return Err(InvalidField::new("client", message));
        }
        Ok(())
    }

    fn check_grants(&self) -> Result<(), InvalidField> {
        let has = |grant: &str| self.grant_types.iter().any(|known| known == grant);
        if self.grant_types.is_empty() {
            let message = "must name at least one, such as client_credentials";
            return Err(InvalidField::new("client.grant_types", message));
        }
        let redirects = has("authorization_code") || has("implicit");
        if redirects && self.redirect_uris.is_empty() {
            let message = "are required for the grant types authorization_code and implicit";
            return Err(InvalidField::new("client.redirect_uris", message));
        }
        let is_public = self.token_endpoint_auth_method.as_deref() == Some("none");
        if has("client_credentials") && is_public {
            let message =
                "cannot be none for the grant type client_credentials: such a client proves itself";
            return Err(InvalidField::new(
                "client.token_endpoint_auth_method",
                message,
            ));
        }
        Ok(())
    }

    fn check_authentication(&self) -> Result<(), InvalidField> {
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(InvalidField::new(
                "client.jwks_uri",
                "must not be given together with jwks",
            ));
        }
        let Some(method) = self.token_endpoint_auth_method.as_deref() else {
            return Ok(());
        };
        if !AUTH_METHODS.contains(&method) {
            let message = format!("must be one of: {}", AUTH_METHODS.join(", "));
            return Err(InvalidField::new(
                "client.token_endpoint_auth_method",
                message,
            ));
        }
        if method == "private_key_jwt" && self.jwks.is_none() && self.jwks_uri.is_none() {
            let message = "is required for private_key_jwt, unless there is a jwks_uri";
            return Err(InvalidField::new("client.jwks", message));
        }
        Ok(())
    }
}

fn texts(field: &'static str, values: &[String], most: usize) -> Result<(), InvalidField> {
    if values.len() > most {
        return Err(InvalidField::new(field, format!("must be at most {most}")));
    }
    values.iter().try_for_each(|value| text(field, value))
}

fn text(field: &'static str, value: &str) -> Result<(), InvalidField> {
    let fits = (1..=MAX_TEXT).contains(&value.len());
    if fits && !value.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("must be 1 to {MAX_TEXT} bytes without control characters");
    Err(InvalidField::new(field, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> ClientMetadata {
        ClientMetadata {
            grant_types: vec!["client_credentials".to_owned()],
            token_endpoint_auth_method: Some("client_secret_basic".to_owned()),
            ..ClientMetadata::default()
        }
    }

    #[track_caller]
    fn refused(change: impl Fn(&mut ClientMetadata), field: &str) {
        let mut metadata = service();
        change(&mut metadata);
        assert_eq!(metadata.check().unwrap_err().field, field);
    }

    #[test]
    fn a_service_needs_a_grant_type_and_no_redirect() {
        service().check().unwrap();
        refused(|it| it.grant_types.clear(), "client.grant_types");
    }

    #[test]
    fn who_sends_users_away_says_where_they_come_back() {
        let code = || vec!["authorization_code".to_owned()];
        refused(|it| it.grant_types = code(), "client.redirect_uris");
        let metadata = ClientMetadata {
            grant_types: code(),
            redirect_uris: vec!["https://app.example/back".to_owned()],
            ..service()
        };
        metadata.check().unwrap();
    }

    #[test]
    fn a_public_client_gets_no_tokens_by_itself() {
        refused(
            |it| it.token_endpoint_auth_method = Some("none".to_owned()),
            "client.token_endpoint_auth_method",
        );
    }

    #[test]
    fn keys_are_given_in_one_way_and_where_they_are_needed() {
        refused(
            |it| it.token_endpoint_auth_method = Some("private_key_jwt".to_owned()),
            "client.jwks",
        );
        refused(
            |it| {
                it.jwks = Some(serde_json::json!({"keys": []}));
                it.jwks_uri = Some("https://app.example/keys".to_owned());
            },
            "client.jwks_uri",
        );
    }

    #[test]
    fn what_is_not_known_is_kept_for_the_next_update() {
        let answer = r#"{"client_name":"a","grant_types":[],"response_types":[],"id_token_signed_response_alg":"RS256"}"#;
        let metadata: ClientMetadata = serde_json::from_str(answer).unwrap();
        assert_eq!(serde_json::to_string(&metadata).unwrap(), answer);
    }
}
