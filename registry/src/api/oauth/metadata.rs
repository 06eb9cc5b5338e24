//! What the authorization server says of itself (RFC 8414), and its public keys (RFC 7517).

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{json, refusal::Refusal};
use crate::{
    api::AppState,
    oauth::{access_token, client, error::OauthError},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(describe))
        .routes(routes!(keys))
}

/// What the authorization server can do. Only what is there is said.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizationServer)]
struct MetadataBody {
    /// Its name, as its tokens have it.
    #[schema(example = "https://keys.example.com")]
    issuer: String,
    /// Where clients get tokens.
    token_endpoint: String,
    /// Where they register themselves, with a registration token.
    registration_endpoint: String,
    /// Where they ask whether a token is good.
    introspection_endpoint: String,
    /// Where they revoke one.
    revocation_endpoint: String,
    /// Where its public keys are.
    jwks_uri: String,
    /// `none`: nobody logs in here. The member is required, and may not be empty.
    response_types_supported: [&'static str; 1],
    /// How clients get tokens.
    grant_types_supported: [&'static str; 1],
    /// How they prove themselves.
    token_endpoint_auth_methods_supported: [&'static str; 3],
    /// With what they sign, where they do.
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 11],
    /// How they prove themselves to ask about a token.
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    /// With what they sign then.
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 11],
    /// How they prove themselves to revoke one.
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    /// With what they sign then.
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 11],
}

/// A set of public keys.
#[derive(Serialize, ToSchema)]
#[schema(as = KeySet)]
struct KeysBody {
    /// Those that sign now, will soon, or have until lately.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// The algorithms that assertions may be signed with.
const ALGORITHMS: [&str; 11] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
];

/// Describe the authorization server
///
/// As RFC 8414 has it.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth", operation_id = "oauth_metadata", security(()),
    responses(
        (status = 200, description = "What it can do", body = MetadataBody),
        (status = 400, description = "It has no public URL", body = crate::api::problem::ProblemBody, content_type = "application/problem+json"),
    ))]
async fn describe(State(app): State<AppState>) -> Result<Response, Refusal> {
    let issuer = access_token::issuer(app.environment()).map_err(OauthError::from)?;
    let methods = client::AUTH_METHODS;
    Ok(json(&MetadataBody {
        issuer: issuer.to_owned(),
        token_endpoint: format!("{issuer}/oauth2/token"),
        registration_endpoint: format!("{issuer}/oauth2/register"),
        introspection_endpoint: format!("{issuer}/oauth2/introspect"),
        revocation_endpoint: format!("{issuer}/oauth2/revoke"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        response_types_supported: ["none"],
        grant_types_supported: [client::CLIENT_CREDENTIALS],
        token_endpoint_auth_methods_supported: methods,
        token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
        introspection_endpoint_auth_methods_supported: methods,
        introspection_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    }))
}

/// Show the public keys of the authorization server
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "oauth", operation_id = "oauth_keys", security(()),
    responses((status = 200, description = "They", body = KeysBody)))]
async fn keys(State(app): State<AppState>) -> Result<Response, Refusal> {
    let mut read = app
        .environment()
        .store
        .read()
        .await
        .map_err(OauthError::from)?;
    let keys = read.signing_keys().await.map_err(OauthError::from)?;
    let keys = keys.iter().map(crate::oauth::SigningKey::jwk);
    let keys = keys.collect::<Result<_, _>>().map_err(OauthError::from)?;
    Ok(json(&KeysBody { keys }))
}
