//! A request to a provider and its answer, in JSON, however the provider is talked to.
//!
//! What proves the registry to a provider goes to the provider's own origin and nowhere else, whatever address a document
//! or an answer names.

use std::fmt::Write as _;

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use super::{
    configuration::Secrets,
    registrar::{ProviderError, ProviderErrorKind},
};
use crate::{
    error::InvalidField,
    outgoing::{Address, Answer, Call, Outgoing},
    secrets::SecretText,
};

/// Bytes of a header's value at most.
const MAX_HEADER: usize = 4096;
/// Headers that go with every request at most.
const MAX_HEADERS: usize = 16;
/// What the registry says itself in a request.
const OWN_HEADERS: [HeaderName; 9] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
    header::ACCEPT,
    header::EXPECT,
];

/// The headers of a configuration, which go with every request to the provider's own origin.
///
/// # Errors
/// Says what they must be like, and not what they were.
pub fn headers(secrets: &Secrets) -> Result<Vec<(HeaderName, HeaderValue)>, InvalidField> {
    const FIELD: &str = "secrets.headers";
    if secrets.headers.len() > MAX_HEADERS {
        let message = format!("must be at most {MAX_HEADERS}");
        return Err(InvalidField::new(FIELD, message));
    }
    let invalid = |message: &str| InvalidField::new(FIELD, message);
    let read = secrets.headers.iter().map(|(name, value)| {
        let name =
            HeaderName::try_from(name).map_err(|_| invalid("must have names of HTTP headers"))?;
        if OWN_HEADERS.contains(&name) {
            return Err(invalid("must not be headers that the registry sets itself"));
        }
        let fits = (1..=MAX_HEADER).contains(&value.0.len());
        let value = HeaderValue::try_from(value.0.as_str()).ok();
        let mut value = value.filter(|_| fits).ok_or_else(|| {
            InvalidField::new(
                FIELD,
                format!("must have values of 1 to {MAX_HEADER} visible characters"),
            )
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    });
    read.collect()
}

/// Reads an address of a configuration.
///
/// # Errors
/// Names the field.
pub fn address(field: &'static str, text: &str) -> Result<Address, InvalidField> {
    let read: Result<Address, _> = text.parse();
    let read = read.map_err(|error| InvalidField::new(field, error.to_string()))?;
    if !read.may_be_plain() {
        let message = "must begin with https://, unless it is on this machine";
        return Err(InvalidField::new(field, message));
    }
    Ok(read)
}

/// A client's id as one segment of a path (RFC 3986 section 3.3).
#[must_use]
pub fn segment(client_id: &str) -> String {
    let mut text = String::new();
    for byte in client_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Dots too: `..` would leave the path. Writing to a text cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A way to one provider.
#[derive(Clone, Debug)]
pub struct Exchange {
    outgoing: Outgoing,
    /// Whose origin is the provider's own.
    home: Address,
    /// What goes with every request to it, such as an API key.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// What is to be done.
    pub method: Method,
    /// Where.
    pub address: Address,
    /// A token that goes with it, to the provider's own origin alone.
    pub token: Option<&'a SecretText>,
    /// What is sent.
    pub body: Body,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// Fields of a form, encoded.
    Form(String),
}

/// What a provider answered, with a status of success.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: u16,
    /// Its body; `null` where there is none.
    pub body: Value,
    /// When the provider says that it answered.
    pub date: Option<HeaderValue>,
}

impl Exchange {
    /// A way to the provider at `home`.
    #[must_use]
    pub const fn new(
        outgoing: Outgoing,
        home: Address,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Self {
        Self {
            outgoing,
            home,
            headers,
        }
    }

    /// Whether the address is the provider's own.
    #[must_use]
    pub fn is_home(&self, address: &Address) -> bool {
        self.home.has_origin_of(address)
    }

    /// Asks, and reads an answer of success.
    ///
    /// # Errors
    /// What the provider says of why not, or what happened on the way.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answered, ProviderError> {
        let mut headers = vec![(header::ACCEPT, HeaderValue::from_static("application/json"))];
        let is_home = self.is_home(&ask.address);
        if is_home {
            headers.extend(self.headers.iter().cloned());
        }
        if let Some(token) = ask.token.filter(|_| is_home) {
            // The token stands in for a header of the configuration that says something else.
            headers.retain(|(name, _)| *name != header::AUTHORIZATION);
            headers.push((header::AUTHORIZATION, bearer(token)?));
        }
        let (body, media_type) = match ask.body {
            Body::None => (Bytes::new(), None),
            Body::Json(json) => (json.to_string().into(), Some("application/json")),
            Body::Form(form) => (form.into(), Some("application/x-www-form-urlencoded")),
        };
        if let Some(media_type) = media_type {
            headers.push((header::CONTENT_TYPE, HeaderValue::from_static(media_type)));
        }
        let call = Call {
            method: ask.method,
            address: ask.address,
            headers,
            body,
        };
        read(&self.outgoing.send(call).await?)
    }
}

fn bearer(token: &SecretText) -> Result<HeaderValue, ProviderError> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| ProviderError {
        kind: ProviderErrorKind::Forbidden,
        code: None,
        description: "the token for the provider cannot stand in a header".to_owned(),
        status: None,
        may_be_done: false,
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn read(answer: &Answer) -> Result<Answered, ProviderError> {
    let status = answer.status.as_u16();
    if !answer.status.is_success() {
        return Err(refusal(answer.status, &answer.body));
    }
    let date = answer.headers.get(header::DATE).cloned();
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        let body = Value::Null;
        return Ok(Answered { status, body, date });
    }
    match serde_json::from_slice(&answer.body) {
        Ok(body) => Ok(Answered { status, body, date }),
        Err(_) => Err(ProviderError::garbage(status, "its answer is not JSON")),
    }
}

/// What an answer that is none of success comes to. Bodies are read as OAuth writes them (RFC 6749 section 5.2); some put
/// a list of errors where the description should be.
fn refusal(status: StatusCode, body: &[u8]) -> ProviderError {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = json.get("error").and_then(Value::as_str);
    let code = code.map(ProviderError::words).filter(|it| !it.is_empty());
    let said = match json
        .get("error_description")
        .or_else(|| json.get("message"))
    {
        Some(Value::String(text)) => text.clone(),
        Some(other) if !other.is_null() => other.to_string(),
        _ => String::new(),
    };
    let said = ProviderError::words(&said);
    let number = status.as_u16();
    let mut description = format!("it answers {number}");
    for part in [code.as_deref().unwrap_or_default(), &said] {
        if !part.is_empty() {
            description.push_str(": ");
            description.push_str(part);
        }
    }
    ProviderError {
        kind: kind_of(status, code.as_deref()),
        code,
        description,
        status: Some(number),
        // A server that fails may have done it before.
        may_be_done: status.is_server_error(),
    }
}

fn kind_of(status: StatusCode, code: Option<&str>) -> ProviderErrorKind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProviderErrorKind::Forbidden,
        // How Authlib says that a token is missing or wrong.
        StatusCode::BAD_REQUEST if matches!(code, Some("access_denied" | "invalid_token")) => {
            ProviderErrorKind::Forbidden
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => ProviderErrorKind::Missing,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            ProviderErrorKind::Unavailable
        }
        status if status.is_client_error() => ProviderErrorKind::Refused,
        status if status.is_server_error() => ProviderErrorKind::Unavailable,
        // A redirect, which is not followed.
        _ => ProviderErrorKind::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ProviderError {
        refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn what_a_provider_says_reaches_the_caller() {
        let body = r#"{"error":"invalid_redirect_uri","error_description":"not\nhere"}"#;
        let error = refused(400, body);
        assert_eq!(error.kind, ProviderErrorKind::Refused);
        assert_eq!(error.code.as_deref(), Some("invalid_redirect_uri"));
        assert_eq!(
            error.description,
            "it answers 400: invalid_redirect_uri: not here"
        );
        assert!(!error.may_be_done);
    }

    #[test]
    fn a_list_of_errors_in_the_place_of_the_description_is_repeated_as_well() {
        let body = r#"{"error":"invalid","error_description":[{"message":"no"}]}"#;
        let error = refused(422, body);
        assert!(error.description.contains(r#""message":"no""#), "{error}");
    }

    #[test]
    fn an_error_without_json_is_known_by_its_status() {
        for (status, kind) in [
            (301, ProviderErrorKind::Garbage),
            (401, ProviderErrorKind::Forbidden),
            (403, ProviderErrorKind::Forbidden),
            (404, ProviderErrorKind::Missing),
            (429, ProviderErrorKind::Unavailable),
            (500, ProviderErrorKind::Unavailable),
        ] {
            let error = refused(status, "<html>");
            assert_eq!(error.kind, kind, "{status}");
            assert_eq!(error.code, None);
            assert_eq!(error.may_be_done, status == 500);
        }
        let denied = refused(400, r#"{"error":"access_denied"}"#);
        assert_eq!(denied.kind, ProviderErrorKind::Forbidden);
    }
}
