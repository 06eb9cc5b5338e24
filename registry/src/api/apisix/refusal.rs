//! Errors as APISIX words them.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::{
    api::problem::{Explained, Kind, Problem},
    error::{Conflict, Error, InvalidField, Kind as Thing},
};

const VERSION: HeaderName = HeaderName::from_static("x-api-version");

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApisixError)]
pub(in crate::api) struct RefusalBody {
    /// What went wrong. Absent where something is not there: then `message` says so.
    #[schema(nullable = false)]
    error_msg: Option<String>,
    /// More about a token that was refused.
    #[schema(nullable = false)]
    description: Option<String>,
    /// `Key not found`, where something is not there.
    #[schema(nullable = false)]
    message: Option<String>,
}

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(in crate::api) enum Refusal {
    /// With a body as APISIX has it.
    Said(StatusCode, Value),
    /// As every surface has it; worded by [`Asked::body`].
    Problem(Box<Problem>),
}

impl Refusal {
    /// The request cannot be what was meant.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Said(StatusCode::BAD_REQUEST, said(message))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::Said(StatusCode::NOT_FOUND, said(message))
    }

    /// What the request must not be at this moment.
    fn conflict(message: impl Into<String>) -> Self {
        Self::Said(StatusCode::CONFLICT, said(message))
    }

    /// For a credential's consumer, which APISIX words in its own way.
    pub(super) fn of_credential(error: Error) -> Self {
        match error {
            Error::NotFound(Thing::Application) => Self::not_found("consumer not found"),
            other => other.into(),
        }
    }
}

fn said(message: impl Into<String>) -> Value {
    json!({"error_msg": message.into()})
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => Self::invalid(worded(&invalid)),
            Error::NotFound(Thing::GatewayGroup) => {
                Self::not_found("no gateway group has the name or id in gateway_group_id")
            }
            Error::NotFound(_) => {
                Self::Said(StatusCode::NOT_FOUND, json!({"message": "Key not found"}))
            }
            Error::Conflict(conflict) => of_conflict(&conflict),
            Error::VersionMismatch(_) => {
                Self::conflict("somebody else is changing the same: send it again")
            }
            other => Problem::from(other).into(),
        }
    }
}

fn of_conflict(conflict: &Conflict) -> Refusal {
    match conflict {
        Conflict::Value => Refusal::invalid(
            "duplicate key of plugin key-auth: it is, or once was, a credential's, and is never taken again",
        ),
        Conflict::Username => Refusal::invalid(
            "duplicate key of plugin basic-auth: the username is another credential's",
        ),
        Conflict::Password => Refusal::invalid(
            "duplicate key of plugin basic-auth: the username has, or once had, this password, which is never taken again",
        ),
        Conflict::ApplicationName => Refusal::invalid(
            "invalid configuration: property \"username\" validation failed: the name is taken",
        ),
        Conflict::CredentialName => Refusal::invalid(
            "invalid configuration: property \"name\" validation failed: another credential of the consumer has it",
        ),
        other => Refusal::conflict(other.to_string()),
    }
}

/// By the names that the fields have here.
fn worded(invalid: &InvalidField) -> String {
    let message = &invalid.message;
    let of_plugin = |plugin: &str, property: &str| {
        format!(
            "invalid plugins configuration: failed to check the configuration of plugin {plugin} err: property \
             \"{property}\" validation failed: {message}"
        )
    };
    let property = match invalid.field {
        "value" => return of_plugin("key-auth", "key"),
        "password" => return of_plugin("basic-auth", "password"),
        "username" => return of_plugin("basic-auth", "username"),
        "gateway_groups" => return format!("gateway_group_id: {message}"),
        "custom_id" => {
            return format!(
                "invalid configuration: property \"labels\" validation failed: failed to validate custom_id: {message}"
            );
        }
        "description" => "desc",
        "identifier" => "id",
        other => other,
    };
    format!("invalid configuration: property \"{property}\" validation failed: {message}")
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Said(status, body) => {
                let json = [(header::CONTENT_TYPE, "application/json")];
                let mut response = (status, json, body.to_string()).into_response();
                response.extensions_mut().insert(Explained);
                response
            }
        }
    }
}

/// A request to this surface, which words its errors.
#[derive(Clone, Debug)]
pub(in crate::api) struct Asked {
    method: String,
    kind: &'static str,
}

impl Asked {
    /// `None` for a request to another surface.
    pub(in crate::api) fn of(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        path.starts_with(PREFIX).then(|| Self {
            // An invented method is not said back.
            method: match request.method().as_str() {
                known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
                _ => "this",
            }
            .to_owned(),
            kind: if path.contains("/credentials") {
                "credential"
            } else {
                "consumer"
            },
        })
    }

    /// The body of a problem.
    pub(in crate::api) fn body(&self, problem: &Problem) -> Body {
        let (title, detail) = problem.told();
        let body = match problem.kind() {
            Kind::Unauthorized => {
                json!({"error_msg": "failed to check token", "description": detail.unwrap_or("wrong apikey")})
            }
            Kind::Forbidden => json!({
                "error_msg": "failed to check token",
                "description": detail.unwrap_or("the token's role does not allow this"),
            }),
            Kind::MethodNotAllowed => {
                let Self { method, kind } = self;
                said(format!("not supported `{method}` method for {kind}"))
            }
            Kind::NotFound => said(detail.unwrap_or("not found")),
            _ => match (problem.place(), detail) {
                (Some(field), Some(detail)) => said(format!("{field}: {detail}")),
                (_, detail) => said(detail.unwrap_or(title)),
            },
        };
        Body::from(body.to_string())
    }

    /// The headers that every answer of this surface has.
    pub(in crate::api) fn finish(response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(VERSION, HeaderValue::from_static("v3"));
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("apikey realm=\"keysmith\"");
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
}
