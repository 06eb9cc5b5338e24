//! Who may do what: extractors named by what they prove.

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{
    AppState, apisix,
    problem::{Kind, Problem},
};
use crate::token::{self, Identity};

mod roles;

pub(crate) use roles::{
    Admin, AdminReader, ApiOwner, EXTRACTORS, Editor, Gateway, GatewayWatcher, LeakReporter,
    Overseer, Reader, TokenManager,
};

/// The header that says in which organization a token of the installation acts.
pub(crate) const ORGANIZATION: &str = "Keysmith-Organization";

/// Paths that need no token. Everything else under this surface does.
pub(crate) const PUBLIC_PATHS: [&str; 8] = [
    "/openapi.json",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/oauth2/token",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/register",
    "/oauth2/register/{client_id}",
];

/// Who [`authenticate`] found out; nobody where it was not asked.
fn identity(parts: &Parts) -> Result<Identity, Problem> {
    let found = parts.extensions.get::<Identity>().copied();
    found.ok_or_else(|| Problem::new(Kind::Unauthorized))
}

/// The layer around every route: only a public path passes without a token.
pub(crate) async fn authenticate(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let route = request.extensions().get::<MatchedPath>();
    if !route.is_some_and(|route| PUBLIC_PATHS.contains(&route.as_str())) {
        let presented = if request.uri().path().starts_with(apisix::PREFIX) {
            apisix::presented(request.headers())?
        } else {
            bearer(request.headers())?
        };
        let organization = organization(request.headers())?;
        let identity = token::authenticate(app.environment(), presented, organization).await?;
        let identity = identity.ok_or_else(|| {
            tracing::info!("an unknown, revoked or expired token was refused");
            Problem::new(Kind::Unauthorized)
        })?;
        request.extensions_mut().insert(identity);
    }
    Ok(next.run(request).await)
}

/// The value after `Bearer`. Two `Authorization` headers are refused: two readers could each believe another one.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values
        .next()
        .ok_or_else(|| Problem::new(Kind::Unauthorized))?;
    if values.next().is_some() {
        let problem = Problem::new(Kind::Malformed).field("Authorization");
        return Err(problem.detail("the header occurs more than once"));
    }
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_matches(' '))
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Problem::new(Kind::Unauthorized))
}

/// The organization that the request names, if it names one.
fn organization(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(ORGANIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        let problem = Problem::new(Kind::Malformed).field(ORGANIZATION);
        return Err(problem.detail("the header occurs more than once"));
    }
    let name = value.to_str().ok();
    name.map(Some)
        .ok_or_else(|| Problem::invalid(ORGANIZATION, "must be the name of an organization"))
}
