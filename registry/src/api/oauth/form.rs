//! What clients send: a form, in which nothing may be said twice (RFC 6749 section 3.2), and by what they prove
//! themselves.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::refusal::Refusal;
use crate::{
    api::{AppState, extract},
    listener::Peer,
    oauth::{
        authenticate::Presented,
        error::{Code, OauthError},
    },
    secrets::SecretText,
};

/// How an assertion is announced (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A form as it came. It may hold secrets, so it is never shown.
pub(super) struct Form {
    fields: Vec<(String, String)>,
    authorization: Vec<HeaderValue>,
    source: String,
}

impl Form {
    /// Reads the body.
    ///
    /// # Errors
    /// `invalid_request` when it is no form.
    pub(super) async fn read(request: Request, app: &AppState) -> Result<Self, Refusal> {
        let authorization = request.headers().get_all(header::AUTHORIZATION);
        let authorization = authorization.iter().cloned().collect();
        let peer = request.extensions().get::<Peer>();
        let source = peer.map(|peer| peer.0.ip().to_canonical().to_string());
        if !is_form(request.headers()) {
            let message = "the body must be a form: application/x-www-form-urlencoded";
            return Err(Code::InvalidRequest.because(message).into());
        }
        let body = extract::read(request, app).await?;
        let fields = serde_urlencoded::from_bytes(&body)
            .map_err(|_| Code::InvalidRequest.because("the form cannot be read"))?;
        Ok(Self {
            fields,
            authorization,
            source: source.unwrap_or_default(),
        })
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> String {
        self.source.clone()
    }

    /// The field, which must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<String, OauthError> {
        let missing = match name {
            "token" => "the parameter token is missing",
            _ => "the parameter grant_type is missing",
        };
        self.optional(name)?
            .ok_or_else(|| Code::InvalidRequest.because(missing))
    }

    /// The field, if it is there. An empty one is as if it were not (RFC 6749 section 3.2).
    pub(super) fn optional(&self, name: &str) -> Result<Option<String>, OauthError> {
        let mut values = self.fields.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.clone());
        if values.next().is_some() {
            return Err(Code::InvalidRequest.because("a parameter occurs more than once"));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// Every value of a field that may occur more than once.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.fields.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    /// By what the client proves itself.
    ///
    /// # Errors
    /// `invalid_request` when it does so in two ways (RFC 6749 section 2.3), `invalid_client` when in none.
    pub(super) fn presented(&self) -> Result<Presented, Refusal> {
        let id = self.optional("client_id")?;
        let secret = self.optional("client_secret")?;
        let assertion = self.optional("client_assertion")?;
        let kind = self.optional("client_assertion_type")?;
        let ways = [
            !self.authorization.is_empty(),
            secret.is_some(),
            assertion.is_some(),
        ];
        if ways.into_iter().filter(|used| *used).count() > 1 || self.authorization.len() > 1 {
            let message = "the client must prove itself in one way";
            return Err(Code::InvalidRequest.because(message).into());
        }
        if let Some(value) = self.authorization.first() {
            return self.basic(value, id.as_deref());
        }
        match (id, secret, assertion) {
            (Some(client_id), Some(secret), None) => Ok(Presented::Post {
                client_id,
                secret: SecretText::new(secret),
            }),
            (client_id, None, Some(assertion)) if kind.as_deref() == Some(JWT_BEARER) => {
                Ok(Presented::Assertion {
                    client_id,
                    assertion,
                })
            }
            (_, None, Some(_)) => {
                let message = "the client_assertion_type must be that of RFC 7523 section 2.2";
                Err(Code::InvalidRequest.because(message).into())
            }
            _ => Err(Code::InvalidClient
                .because("the client does not prove itself")
                .into()),
        }
    }

    /// What became of the request, in the form that the client understands.
    pub(super) fn refuse(&self, error: OauthError) -> Refusal {
        Refusal::new(error, !self.authorization.is_empty())
    }

    /// Both halves are encoded as in a form before they are joined (RFC 6749 section 2.3.1).
    fn basic(&self, value: &HeaderValue, id: Option<&str>) -> Result<Presented, Refusal> {
        let wrong = || {
            let message = "the header Authorization does not hold a client and its secret";
            self.refuse(Code::InvalidClient.because(message))
        };
        let (scheme, encoded) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(wrong)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(wrong());
        }
        let plain = STANDARD.decode(encoded.trim()).map_err(|_| wrong())?;
        let plain = zeroize::Zeroizing::new(String::from_utf8(plain).map_err(|_| wrong())?);
        let (client, secret) = plain.split_once(':').ok_or_else(wrong)?;
        let client_id = decoded(client).ok_or_else(wrong)?;
        let secret = decoded(secret).ok_or_else(wrong)?;
        if id.is_some_and(|id| id != client_id) {
            let message = "the client_id of the body is not that of the header Authorization";
            return Err(self.refuse(Code::InvalidRequest.because(message)));
        }
        Ok(Presented::Basic {
            client_id,
            secret: SecretText::new(secret),
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| {
        essence
            .trim()
            .eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// One value, decoded as in a form.
fn decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("v={text}")).ok()?;
    pairs.into_iter().next().map(|(_, value)| value)
}
