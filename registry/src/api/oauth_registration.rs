//! `/oauth2/register`: clients register themselves (RFC 7591) and manage their registration (RFC 7592).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState, access, extract,
    extract::Path,
    problem::{Explained, Kind, Problem},
};
use crate::{
    environment::Environment,
    listener::Peer,
    registration::{self, Code, Presented, Refusal, RegisteredClient},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(read, update, delete))
}

/// What a client is to be. Other members of RFC 7591 are ignored; a software statement is refused.
#[derive(ToSchema)]
#[schema(as = ClientRegistrationRequest)]
#[expect(dead_code, reason = "it describes what is read member by member")]
struct MetadataBody {
    /// For people.
    #[schema(nullable = false)]
    client_name: Option<String>,
    /// `client_credentials` alone, which is what holds when it is absent.
    #[schema(nullable = false)]
    grant_types: Option<Vec<String>>,
    /// `client_secret_basic`, which is what holds when it is absent, `client_secret_post` or `private_key_jwt`.
    #[schema(nullable = false)]
    token_endpoint_auth_method: Option<String>,
    /// Some of what the registration token allows, separated by spaces; all of it when absent.
    #[schema(nullable = false)]
    scope: Option<String>,
    /// Its public keys, for `private_key_jwt`.
    #[schema(nullable = false)]
    jwks: Option<Value>,
    /// Where its access tokens may be good (RFC 8707).
    #[schema(nullable = false)]
    resources: Option<Vec<String>>,
}

/// What a client is to be from now on, whole. What the server says of it, such as its registration token, must not be there.
#[derive(ToSchema)]
#[schema(as = ClientUpdateRequest)]
#[expect(dead_code, reason = "it describes what is read member by member")]
struct UpdateBody {
    /// Its name, as in the path.
    client_id: String,
    /// Its secret, or nothing: an update changes no secret.
    #[schema(nullable = false, write_only)]
    client_secret: Option<String>,
    #[schema(inline = false)]
    #[serde(flatten)]
    metadata: MetadataBody,
}

/// A client as it is registered, with all of its metadata.
#[derive(Serialize, ToSchema)]
#[schema(as = ManagedClient)]
struct ClientBody {
    /// Its name.
    client_id: String,
    /// When it was registered, in seconds since 1970.
    client_id_issued_at: u64,
    /// Its secret, in the answer that makes it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
    /// 0: it does not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret_expires_at: Option<u64>,
    /// Where it is managed.
    registration_client_uri: String,
    /// What manages it.
    registration_access_token: String,
    /// Its metadata.
    #[serde(flatten)]
    metadata: Map<String, Value>,
}

impl ClientBody {
    fn of(env: &Environment, client: RegisteredClient) -> Result<Self, Refused> {
        let base = env.public_url.as_deref().unwrap_or_default();
        let metadata = match serde_json::to_value(&client.metadata).map_err(Problem::from)? {
            Value::Object(metadata) => metadata,
            _ => Map::new(),
        };
        Ok(Self {
            registration_client_uri: format!("{base}/oauth2/register/{}", client.client_id),
            client_id: client.client_id,
            client_id_issued_at: client.issued_at.as_millis() / 1000,
            client_secret: client
                .client_secret
                .map(|secret| secret.expose().to_owned()),
            client_secret_expires_at: client.has_secret.then_some(0),
            registration_access_token: client.access_token.expose().to_owned(),
            metadata,
        })
    }
}

/// A refusal in the words of OAuth, which are not problem details.
#[derive(Serialize)]
struct RefusalBody {
    error: &'static str,
    error_description: String,
}

/// Register a client
///
/// The client presents a registration token, becomes a credential of its application, and gets its secret and the token that
/// manages it, which nothing shows again (RFC 7591).
#[utoipa::path(post, path = "/oauth2/register", tag = "oauth", operation_id = "oauth_register", security(()), request_body = MetadataBody,
    responses(
        (status = 201, description = "Registered", body = ClientBody),
        (status = 400, description = "Refused", body = super::oauth::RefusalBody),
        (status = 401, description = "The registration token is missing, unknown, over or used up", body = super::oauth::RefusalBody),
        (status = 409, description = "The organization has as many credentials as it may have", body = super::problem::ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = super::oauth::RefusalBody),
    ))]
async fn register(State(app): State<AppState>, request: Request) -> Result<Response, Refused> {
    let env = app.environment();
    let asked = Asked::read(request, &app).await?;
    let client = registration::register(env, asked.presented()?, asked.object()?).await?;
    let body = ClientBody::of(env, client)?;
    let location = body.registration_client_uri.clone();
    let mut response = json(StatusCode::CREATED, &body)?;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Show a client to itself
///
/// Its secret is not kept, and so not shown (RFC 7592 section 2.1).
#[utoipa::path(get, path = "/oauth2/register/{client_id}", tag = "oauth", operation_id = "oauth_read_client", security(()),
    params(("client_id" = String, Path, description = "The client")),
    responses(
        (status = 200, description = "The client", body = ClientBody),
        (status = 401, description = "The token does not manage this client", body = super::oauth::RefusalBody),
    ))]
async fn read(
    State(app): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let env = app.environment();
    let asked = Asked::without_body(&request);
    let client = registration::read(env, asked.presented()?, &client_id).await?;
    json(StatusCode::OK, &ClientBody::of(env, client)?)
}

/// Replace a client's metadata
///
/// All of them: what is absent is as it would be at a registration. The answer has another token that manages the client, and
/// the one before does nothing any more (RFC 7592 section 2.2).
#[utoipa::path(put, path = "/oauth2/register/{client_id}", tag = "oauth", operation_id = "oauth_update_client", security(()), request_body = UpdateBody,
    params(("client_id" = String, Path, description = "The client")),
    responses(
        (status = 200, description = "The client", body = ClientBody),
        (status = 400, description = "Refused", body = super::oauth::RefusalBody),
        (status = 401, description = "The token does not manage this client", body = super::oauth::RefusalBody),
        (status = 413, description = "Too large", body = super::oauth::RefusalBody),
    ))]
async fn update(
    State(app): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let env = app.environment();
    let asked = Asked::read(request, &app).await?;
    let presented = asked.presented()?;
    let client = registration::update(env, presented, &client_id, asked.object()?).await?;
    json(StatusCode::OK, &ClientBody::of(env, client)?)
}

/// Delete a client
///
/// Its credential is deleted with it: gateways refuse its access tokens (RFC 7592 section 2.3).
#[utoipa::path(delete, path = "/oauth2/register/{client_id}", tag = "oauth", operation_id = "oauth_delete_client", security(()),
    params(("client_id" = String, Path, description = "The client")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "The token does not manage this client", body = super::oauth::RefusalBody),
    ))]
async fn delete(
    State(app): State<AppState>,
    Path(client_id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    let asked = Asked::without_body(&request);
    registration::remove(app.environment(), asked.presented()?, &client_id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a client sends.
struct Asked {
    headers: HeaderMap,
    peer: Option<Peer>,
    is_json: bool,
    body: axum::body::Bytes,
}

impl Asked {
    fn without_body(request: &Request) -> Self {
        Self {
            headers: request.headers().clone(),
            peer: request.extensions().get::<Peer>().copied(),
            is_json: extract::is_json(request.headers()),
            body: axum::body::Bytes::new(),
        }
    }

    async fn read(request: Request, app: &AppState) -> Result<Self, Refused> {
        let asked = Self::without_body(&request);
        let body = extract::read(request, app).await?;
        Ok(Self { body, ..asked })
    }

    fn presented(&self) -> Result<Presented<'_>, Refused> {
        let token = access::bearer(&self.headers).map_err(|_| Refusal::Unauthorized)?;
        let address = self.peer.map(|peer| peer.0.ip());
        Ok(Presented { token, address })
    }

    fn object(&self) -> Result<Map<String, Value>, Refused> {
        let read = serde_json::from_slice(&self.body).ok();
        let object = read.filter(|_| self.is_json);
        object.ok_or_else(|| {
            let message = "the body must be a JSON object: application/json";
            Code::InvalidRequest.because(message).into()
        })
    }
}

/// A refusal on its way out.
struct Refused {
    refusal: Refusal,
    /// Of what is refused in the words of OAuth.
    status: StatusCode,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            status: StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Problem> for Refused {
    /// The body could not be read, or the answer not written.
    fn from(problem: Problem) -> Self {
        let (status, message) = match problem.kind() {
            Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            _ => (StatusCode::BAD_REQUEST, "the body cannot be read"),
        };
        Self {
            refusal: Code::InvalidRequest.because(message),
            status,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, error, description) = match self.refusal {
            Refusal::Domain(error) => return Problem::from(error).into_response(),
            Refusal::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "a valid registration token is required".to_owned(),
            ),
            Refusal::Refused { code, description } => {
                (self.status, code.word(), ascii(&description))
            }
        };
        let body = RefusalBody {
            error,
            error_description: description,
        };
        let Ok(mut response) = json(status, &body) else {
            return Problem::new(Kind::Internal).into_response();
        };
        if status == StatusCode::UNAUTHORIZED {
            let challenge = "Bearer realm=\"keysmith\", error=\"invalid_token\"";
            let challenge = HeaderValue::from_static(challenge);
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(Explained);
        response
    }
}

/// The characters that RFC 6749 section 5.2 allows in a description.
fn ascii(text: &str) -> String {
    let plain = |character: char| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(plain).collect()
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response, Refused> {
    let bytes = serde_json::to_vec(body).map_err(Problem::from)?;
    let media_type = HeaderValue::from_static("application/json");
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    Ok((status, headers, bytes).into_response())
}
