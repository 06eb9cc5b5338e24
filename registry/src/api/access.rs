//! Who may do what: extractors named by what they prove.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};

use super::{
    AppState,
    problem::{Kind, Problem},
};
use crate::{
    caller::Caller,
    ids::{GroupId, OrganizationId, TokenId},
    listener::Peer,
    token::{self, Identity, Role},
};

/// Paths that need no token. Everything else under this surface does.
pub(crate) const PUBLIC_PATHS: [&str; 1] = ["/openapi.json"];

/// The caller holds a token with role `portal_admin`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin {
    pub(crate) token: TokenId,
    pub(crate) organization: OrganizationId,
    address: Option<IpAddr>,
}

impl Admin {
    /// For the use cases.
    pub(crate) const fn caller(&self) -> Caller {
        Caller {
            organization: self.organization,
            token: Some(self.token),
            address: self.address,
        }
    }
}

/// The caller holds a token with role `gateway`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gateway {
    pub(crate) token: TokenId,
    pub(crate) group: GroupId,
}

/// The caller holds a token with role `leak_reporter`, or `portal_admin`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeakReporter {
    pub(crate) token: TokenId,
    pub(crate) caller: Caller,
    /// Whether it may know whose secrets they are.
    pub(crate) sees_all: bool,
}

impl FromRequestParts<AppState> for LeakReporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let identity = identity(parts)?;
        let sees_all = match identity.role {
            Role::PortalAdmin => true,
            Role::LeakReporter => false,
            Role::Gateway { .. } => return Err(Problem::new(Kind::Forbidden)),
        };
        let caller = Caller {
            organization: identity.organization,
            token: Some(identity.token),
            address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip()),
        };
        Ok(Self {
            token: identity.token,
            caller,
            sees_all,
        })
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let identity = identity(parts)?;
        match identity.role {
            Role::PortalAdmin => Ok(Self {
                token: identity.token,
                organization: identity.organization,
                address: parts.extensions.get::<Peer>().map(|peer| peer.0.ip()),
            }),
            Role::LeakReporter | Role::Gateway { .. } => Err(Problem::new(Kind::Forbidden)),
        }
    }
}

impl FromRequestParts<AppState> for Gateway {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        let identity = identity(parts)?;
        match identity.role {
            Role::Gateway { group } => Ok(Self {
                token: identity.token,
                group,
            }),
            Role::PortalAdmin | Role::LeakReporter => Err(Problem::new(Kind::Forbidden)),
        }
    }
}

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
        let presented = bearer(request.headers())?;
        let identity = token::authenticate(app.environment(), presented).await?;
        let identity = identity.ok_or_else(|| {
            tracing::info!("an unknown, revoked or expired token was refused");
            Problem::new(Kind::Unauthorized)
        })?;
        request.extensions_mut().insert(identity);
    }
    Ok(next.run(request).await)
}

/// The value after `Bearer`. Two `Authorization` headers are refused: two readers could each believe another one.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
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
