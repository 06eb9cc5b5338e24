//! The built-in authorization server's endpoints: forms in, JSON out, refusals as OAuth words them.
//!
//! They need no token of the registry: clients prove themselves.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

mod form;
mod metadata;
mod refusal;

use form::Form;
pub(super) use refusal::{Refusal, RefusalBody};

use super::{AppState, prefer, problem::Problem};
use crate::oauth::{
    access_token, inspect,
    token::{self, TokenRequest},
};

/// For how long a token is held back that gateways have to hear of before they take it.
const HELD_BACK: Duration = Duration::from_millis(500);

/// The tag of operations that answer as OAuth does.
pub(super) const TAG: &str = "oauth";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(issue))
        .routes(routes!(introspect))
        .routes(routes!(revoke))
        .merge(metadata::router())
}

/// What a client sends to get a token. It proves itself by HTTP Basic, or by the members about that.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
#[expect(
    dead_code,
    reason = "it describes what is read by hand, because a repeated parameter is refused"
)]
struct TokenForm {
    /// `client_credentials`.
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// What the token is to be good for, separated by spaces; everything that the client may, where it is missing.
    scope: Option<String>,
    /// Where the token is to be good (RFC 8707); may occur more than once.
    resource: Option<String>,
    /// The client, where it does not come by HTTP Basic.
    client_id: Option<String>,
    /// Its secret (`client_secret_post`).
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer` (`private_key_jwt`).
    client_assertion_type: Option<String>,
    /// What the client has signed.
    client_assertion: Option<String>,
}

/// What is sent about a token.
#[derive(ToSchema)]
#[schema(as = TokenQuestion)]
#[expect(
    dead_code,
    reason = "it describes what is read by hand, because a repeated parameter is refused"
)]
struct QuestionForm {
    /// The token.
    token: String,
    /// Is not looked at: there are access tokens alone.
    token_type_hint: Option<String>,
    /// The client, where it does not come by HTTP Basic.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
    /// How the client signs, where it does.
    client_assertion_type: Option<String>,
    /// What the client has signed.
    client_assertion: Option<String>,
}

/// An access token.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
struct TokenBody {
    /// The token.
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// For how long it is good, in seconds.
    #[schema(example = 300)]
    expires_in: u64,
    /// What it is good for; missing where it is good for no scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
}

/// Whether a token is good (RFC 7662 section 2.2). Of one that is not, nothing else is said.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = Introspection)]
struct IntrospectionBody {
    /// Whether it is.
    active: bool,
    /// To whom it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// The same: no user is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<String>,
    /// `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token_type: Option<&'static str>,
    /// What it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
    /// Where it is good; missing of one that gateways look up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aud: Option<Vec<String>>,
    /// Who has given it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<String>,
    /// When it was given, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iat: Option<u64>,
    /// Until when it is good, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<u64>,
}

/// Give a client an access token
///
/// By client credentials (RFC 6749 section 4.4). One that gateways look up is answered when those that are heard of have it, or after
/// half a second.
#[utoipa::path(post, path = "/oauth2/token", tag = "oauth", operation_id = "oauth_token", security(()),
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token", body = TokenBody),
        (status = 400, description = "Refused", body = refusal::RefusalBody),
        (status = 401, description = "The client has not proven itself", body = refusal::RefusalBody),
        (status = 413, description = "Too large", body = refusal::RefusalBody),
        (status = 429, description = "Too many requests of the client, or too many failures from its address", body = refusal::RefusalBody),
    ))]
async fn issue(State(app): State<AppState>, request: Request) -> Result<Response, Refusal> {
    let form = Form::read(request, &app).await?;
    let wanted = TokenRequest {
        grant_type: form.required("grant_type")?,
        scope: form.optional("scope")?,
        resources: form.all("resource"),
        source: form.source(),
        presented: form.presented()?,
    };
    let issued = token::issue(app.environment(), app.desk(), wanted)
        .await
        .map_err(|error| form.refuse(error))?;
    if let Some(revision) = issued.revision {
        prefer::until_applied(&app, revision, HELD_BACK).await;
    }
    Ok(json(&TokenBody {
        access_token: issued.text.expose().to_owned(),
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: access_token::joined(&issued.scopes),
    }))
}

/// Ask whether an access token is good
///
/// A client learns of its own tokens alone (RFC 7662).
#[utoipa::path(post, path = "/oauth2/introspect", tag = "oauth", operation_id = "oauth_introspect", security(()),
    request_body(content = QuestionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Whether it is", body = IntrospectionBody),
        (status = 400, description = "Refused", body = refusal::RefusalBody),
        (status = 401, description = "The client has not proven itself", body = refusal::RefusalBody),
        (status = 413, description = "Too large", body = refusal::RefusalBody),
        (status = 429, description = "Too many failures from its address", body = refusal::RefusalBody),
    ))]
async fn introspect(State(app): State<AppState>, request: Request) -> Result<Response, Refusal> {
    let form = Form::read(request, &app).await?;
    let (token, source) = (form.required("token")?, form.source());
    let presented = form.presented()?;
    let env = app.environment();
    let found = inspect::introspect(env, app.desk(), (&presented, &source), &token)
        .await
        .map_err(|error| form.refuse(error))?;
    let Some(active) = found else {
        return Ok(json(&IntrospectionBody::default()));
    };
    Ok(json(&IntrospectionBody {
        active: true,
        client_id: Some(active.client_id.clone()),
        sub: Some(active.client_id),
        token_type: Some("Bearer"),
        scope: active.scope,
        aud: Some(active.audiences).filter(|list| !list.is_empty()),
        iss: env.public_url.as_deref().map(str::to_owned),
        iat: Some(active.issued_at),
        exp: Some(active.expires_at),
    }))
}

/// Revoke an access token
///
/// What is no token of the client changes nothing, and is answered alike (RFC 7009).
#[utoipa::path(post, path = "/oauth2/revoke", tag = "oauth", operation_id = "oauth_revoke", security(()),
    request_body(content = QuestionForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "It is not good any more"),
        (status = 400, description = "Refused", body = refusal::RefusalBody),
        (status = 401, description = "The client has not proven itself", body = refusal::RefusalBody),
        (status = 413, description = "Too large", body = refusal::RefusalBody),
        (status = 429, description = "Too many failures from its address", body = refusal::RefusalBody),
    ))]
async fn revoke(State(app): State<AppState>, request: Request) -> Result<Response, Refusal> {
    let form = Form::read(request, &app).await?;
    let (token, source) = (form.required("token")?, form.source());
    let presented = form.presented()?;
    inspect::revoke(app.environment(), app.desk(), (&presented, &source), &token)
        .await
        .map_err(|error| form.refuse(error))?;
    Ok(StatusCode::OK.into_response())
}

/// An answer in JSON. That nobody keeps it is said by the envelope; `Pragma` is for caches of HTTP/1.0, which RFC 6749
/// section 5.1 still thinks of.
fn json<T: Serialize>(body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = Response::new(Body::from(bytes));
            let headers = response.headers_mut();
            let media_type = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, media_type);
            headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => Problem::from(error).into_response(),
    }
}
