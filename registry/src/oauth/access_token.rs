//! Access tokens, and those in the form of a JWT (RFC 9068).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{authenticate::Authenticated, error::OauthError, signing};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField},
    scope::Scopes,
    secrets::SecretText,
    store::ReadTransaction,
};

/// An access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub text: SecretText,
    /// For how long it is good, in seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scopes: Scopes,
    /// The position in the log by which gateways have it; `None` where they need not hear of it.
    pub revision: Option<u64>,
}

/// The registry's name as an issuer.
///
/// # Errors
/// When nobody has said where it can be reached.
pub fn issuer(env: &Environment) -> Result<&str, Error> {
    env.public_url.as_deref().ok_or_else(|| {
        let message = "is not set, so that the built-in authorization server has no name";
        InvalidField::new("public_url", message).into()
    })
}

/// Makes a token for a client that has proven itself.
pub(super) async fn mint(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    client: &Authenticated,
    scopes: Scopes,
    audiences: &[String],
) -> Result<AccessToken, OauthError> {
    let now = env.now();
    let keys = read.signing_keys().await?;
    let key = signing::current(&keys, now);
    let key = key.ok_or(Error::ReadFailed)?;
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": key.id.to_string()});
    let claims = claims(env, client, &scopes, audiences)?;
    let expires_in = env.access_tokens.life.as_secs();
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = key.sign(&env.keys, signed.as_bytes())?;
    Ok(AccessToken {
        text: SecretText::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))),
        expires_in,
        scopes,
        revision: None,
    })
}

fn claims(
    env: &Environment,
    client: &Authenticated,
    scopes: &Scopes,
    audiences: &[String],
) -> Result<Value, Error> {
    let id: [u8; 16] = env.entropy.bytes()?;
    let client_id = &client.client.client_id;
    let issued_at = issued_at(env.now(), client.credential.tokens_valid_from);
    let ends_at = issued_at.saturating_add(env.access_tokens.life.as_secs());
    let audience = match audiences {
        [one] => json!(one),
        several => json!(several),
    };
    let mut claims = json!({
        "iss": issuer(env)?,
        "sub": client_id,
        "client_id": client_id,
        "aud": audience,
        "iat": issued_at,
        "exp": ends_at,
        "jti": format!("{:032x}", u128::from_be_bytes(id)),
    });
    if let (Some(scope), Value::Object(members)) = (joined(scopes), &mut claims) {
        members.insert("scope".to_owned(), scope.into());
    }
    Ok(claims)
}

/// In seconds. What was issued before all tokens were cut off is refused, to the millisecond; so a token of the same second
/// says the next one, which is within every leeway.
fn issued_at(now: Timestamp, valid_from: Option<Timestamp>) -> u64 {
    let valid_from = valid_from.map_or(0, |at| at.as_millis().div_ceil(1000));
    (now.as_millis() / 1000).max(valid_from)
}

/// As OAuth writes scopes; `None` for none.
#[must_use]
pub fn joined(scopes: &Scopes) -> Option<String> {
    let scopes: Vec<&str> = scopes.iter().collect();
    (!scopes.is_empty()).then(|| scopes.join(" "))
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
