//! One question to a provider about a token (RFC 7662), and its answer, read strictly.

use axum::http::{HeaderValue, Method, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use filter_core::gateway::access_tokens::{ActiveToken, IntrospectionAnswer};
use form_urlencoded::{Serializer, byte_serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    outgoing::{Address, Answer, Call},
    provider::registrar::{ProviderError, ProviderErrorKind},
};

/// Bytes of a client's name, of a list of scopes and of an audience that are taken over at most.
const MAX_TEXT: usize = 4096;
/// Audiences at most.
const MAX_AUDIENCES: usize = 32;

/// The question, with what proves the registry to the provider (RFC 6749 section 2.3.1).
pub(super) fn call(
    address: Address,
    client: (&str, &str),
    token: &str,
) -> Result<Call, ProviderError> {
    let encoded = |text: &str| -> String { byte_serialize(text.as_bytes()).collect() };
    let pair = Zeroizing::new(format!("{}:{}", encoded(client.0), encoded(client.1)));
    let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let unusable = |_| ProviderError::unsupported("its credentials cannot stand in a header");
    let mut authorization = HeaderValue::from_str(&basic).map_err(unusable)?;
    authorization.set_sensitive(true);
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token);
    form.append_pair("token_type_hint", "access_token");
    let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Ok(Call {
        method: Method::POST,
        address,
        headers: vec![
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::AUTHORIZATION, authorization),
            (header::CONTENT_TYPE, media_type),
        ],
        body: form.finish().into(),
    })
}

/// What the provider says of the token. Whatever is not clearly good is not good; what makes no sense is no answer.
pub(super) fn read(
    answer: &Answer,
    issuer: &str,
    now: u64,
) -> Result<IntrospectionAnswer, ProviderError> {
    let body: Option<Map<String, Value>> = serde_json::from_slice(&answer.body).ok();
    let status = answer.status.as_u16();
    if answer.status != StatusCode::OK {
        let code = body.as_ref().and_then(|it| it.get("error")?.as_str());
        // It is a token of a kind that cannot be asked about, such as a JWT: nobody vouches for it.
        if answer.status == StatusCode::BAD_REQUEST && code == Some("unsupported_token_type") {
            return Ok(IntrospectionAnswer::Inactive);
        }
        return Err(ProviderError {
            kind: ProviderErrorKind::Unavailable,
            code: code.map(ProviderError::words),
            description: format!("its introspection endpoint answers {status}"),
            status: Some(status),
            may_be_done: false,
        });
    }
    let strict = |body: Map<String, Value>| said(&body, issuer, now).ok();
    body.and_then(strict)
        .ok_or_else(|| ProviderError::garbage(status, "its answer about a token makes no sense"))
}

/// An answer makes no sense.
struct Senseless;

fn said(
    body: &Map<String, Value>,
    issuer: &str,
    now: u64,
) -> Result<IntrospectionAnswer, Senseless> {
    let active = body.get("active").and_then(Value::as_bool);
    if !active.ok_or(Senseless)? {
        return Ok(IntrospectionAnswer::Inactive);
    }
    let client_id = text(body, "client_id")?;
    let party = text(body, "azp")?;
    let token = ActiveToken {
        issuer: issuer.to_owned(),
        client_id: client_id.clone().unwrap_or_default(),
        scope: text(body, "scope")?,
        audiences: audiences(body.get("aud")).ok_or(Senseless)?,
        expires_at: seconds(body, "exp")?,
        not_before: seconds(body, "nbf")?,
        issued_at: seconds(body, "iat")?,
    };
    let of_another = text(body, "iss")?.is_some_and(|it| it != issuer);
    let kind = text(body, "token_type")?;
    // Bound to a key of its caller, which nobody here checks, or no access token.
    let is_bearer = kind.is_none_or(|kind| {
        ["bearer", "access_token"]
            .iter()
            .any(|word| kind.eq_ignore_ascii_case(word))
    });
    let is_bound = body.get("cnf").is_some_and(|cnf| !cnf.is_null());
    let has_ended = token.expires_at.is_some_and(|end| end <= now);
    let names_two = party.is_some() && party != client_id;
    let is_good = client_id.is_some_and(|id| !id.is_empty())
        && !of_another
        && is_bearer
        && !is_bound
        && !has_ended
        && !names_two;
    Ok(if is_good {
        IntrospectionAnswer::Active(token)
    } else {
        IntrospectionAnswer::Inactive
    })
}

/// A text that may be missing, or null.
fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Senseless> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(Some(text.clone())),
        Some(_) => Err(Senseless),
    }
}

/// Unix seconds that may be missing, or null. Some write them with a fraction, which is cut off.
fn seconds(body: &Map<String, Value>, name: &str) -> Result<Option<u64>, Senseless> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let whole = number.to_string();
            let whole = whole.split('.').next().unwrap_or_default().parse();
            whole.map(Some).map_err(|_| Senseless)
        }
        Some(_) => Err(Senseless),
    }
}

fn audiences(value: Option<&Value>) -> Option<Vec<String>> {
    let one = |value: &Value| {
        let text = value.as_str().filter(|text| text.len() <= MAX_TEXT);
        text.map(str::to_owned)
    };
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(all)) if all.len() <= MAX_AUDIENCES => all.iter().map(one).collect(),
        Some(single) => Some(vec![one(single)?]),
    }
}

#[cfg(test)]
mod tests;
