//! `/apisix/admin/consumers`: the paths, bodies and errors that programs know which were written for APISIX.
//!
//! A second surface over the same use cases. The token comes in `X-API-KEY`, a body is read whatever its type is said to
//! be (curl's `-d` says it is a form), and errors are `{"error_msg": ..}`.

use axum::{
    extract::OriginalUri,
    http::{HeaderMap, Method},
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    AppState,
    problem::{Kind, Problem},
};

mod body;
mod check;
mod consumers;
mod credentials;
mod query;
mod refusal;
mod sent;

pub(super) use refusal::Asked;

/// What every path of this surface begins with.
pub(super) const PREFIX: &str = "/apisix/";
/// Everything else that APISIX's admin API has.
pub(super) const REST: &str = "/apisix/admin/{*rest}";
/// The header that carries the token.
pub(super) const API_KEY: &str = "X-API-KEY";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(consumers::router())
        .merge(credentials::router())
}

/// The token that the request carries. Neither a query nor a cookie does: both are written where a token should not be.
pub(super) fn presented(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(API_KEY).iter();
    let missing =
        || Problem::new(Kind::Unauthorized).detail("missing apikey: send it in X-API-KEY");
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        let problem = Problem::new(Kind::Malformed).field(API_KEY);
        return Err(problem.detail("the header occurs more than once"));
    }
    let text = value.to_str().ok().map(|text| text.trim_matches(' '));
    text.filter(|text| !text.is_empty()).ok_or_else(missing)
}

/// Answers for what APISIX has and this does not.
pub(super) async fn unsupported(_: Method, OriginalUri(uri): OriginalUri) -> refusal::Refusal {
    let rest = uri.path().trim_start_matches("/apisix/admin/");
    // A word of the caller's own is not said back.
    let known = rest.split('/').next().filter(|kind| KINDS.contains(kind));
    let what = known.map_or_else(String::new, |kind| format!(": {kind}"));
    refusal::Refusal::not_found(format!(
        "Unsupported resource type{what}; here are consumers and their credentials, everything else is Envoy's"
    ))
}

/// What else APISIX keeps.
const KINDS: [&str; 13] = [
    "routes",
    "services",
    "upstreams",
    "ssls",
    "global_rules",
    "consumer_groups",
    "plugin_configs",
    "plugin_metadata",
    "plugins",
    "protos",
    "schema",
    "secrets",
    "stream_routes",
];
