//! The REST surface under `/v1`, and its description at `/openapi.json`.
//!
//! A handler extracts, calls one use case, and answers. Every error becomes problem details (RFC 9457).

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::header,
    middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    audit::Refusals, config::Limits, environment::Environment, feed::Feed, gateway::Gateways,
    issuers::Issuers, keys::MasterRotator, leak::LeakDesk, oauth::desk::Desk, shutdown::Shutdown,
    telemetry::Metrics, usage::Intake, verification::Verifier,
};

mod access;
mod answer;
mod apisix;
mod applications;
mod audit;
mod credentials;
mod deployments;
mod digest_keys;
mod document;
mod duration;
mod envelope;
mod export;
mod extract;
mod failure;
mod feed;
mod gateway;
mod groups;
mod hex;
mod idempotency;
mod identity_providers;
mod import;
mod keys;
mod labels;
mod leaks;
mod oauth;
mod oauth_registration;
mod object;
mod organizations;
mod page;
mod patch;
mod prefer;
mod problem;
mod propagation;
mod reconcile;
mod refusals;
mod registration_tokens;
mod time;
mod tokens;
mod version;

use envelope::Envelope;
use problem::{Kind, Problem};

/// What the surface reaches: the use cases' environment and what lives as long as the process.
#[derive(Debug)]
pub struct Parts {
    /// For the use cases.
    pub environment: Environment,
    /// What gateways are told.
    pub feed: Feed,
    /// Who polls the feed and reports.
    pub gateways: Arc<Gateways>,
    /// Answers gateways' questions about chosen passwords.
    pub verifier: Arc<Verifier>,
    /// Answers gateways' questions about access tokens.
    pub issuers: Arc<Issuers>,
    /// Takes in what gateways report of usage.
    pub usage: Arc<Intake>,
    /// Takes reports of leaked secrets.
    pub leaks: LeakDesk,
    /// Counts who was refused.
    pub refusals: Arc<Refusals>,
    /// Bounds how often clients get tokens.
    pub desk: Desk,
    /// Replaces the master key.
    pub master_rotator: Arc<MasterRotator>,
    /// Counted along the way.
    pub metrics: Arc<Metrics>,
    /// Bounds on what one client may take.
    pub limits: Limits,
    /// Ends long polls.
    pub shutdown: Shutdown,
}

/// [`Parts`], shared by all requests.
#[derive(Clone, Debug)]
struct AppState(Arc<Parts>);

impl AppState {
    fn environment(&self) -> &Environment {
        &self.0.environment
    }

    fn feed(&self) -> &Feed {
        &self.0.feed
    }

    fn gateways(&self) -> &Gateways {
        &self.0.gateways
    }

    fn verifier(&self) -> &Arc<Verifier> {
        &self.0.verifier
    }

    fn issuers(&self) -> &Arc<Issuers> {
        &self.0.issuers
    }

    fn usage(&self) -> &Arc<Intake> {
        &self.0.usage
    }

    fn leaks(&self) -> &LeakDesk {
        &self.0.leaks
    }

    fn desk(&self) -> &Desk {
        &self.0.desk
    }

    fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    fn master_rotator(&self) -> &Arc<MasterRotator> {
        &self.0.master_rotator
    }

    fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }
}

/// The whole surface.
pub fn router(parts: Parts) -> Router {
    let limits = parts.limits;
    let envelope = Envelope {
        metrics: Arc::clone(&parts.metrics),
        entropy: Arc::clone(&parts.environment.entropy),
        request_timeout: limits.request_timeout,
    };
    let app = AppState(Arc::new(parts));
    let (router, _) = routes().split_for_parts();
    router
        .route("/openapi.json", get(describe))
        .route(apisix::REST, any(apisix::unsupported))
        .route_layer(middleware::from_fn_with_state(
            app.clone(),
            access::authenticate,
        ))
        // Around it: what it refuses counts.
        .route_layer(middleware::from_fn_with_state(app.clone(), refusals::watch))
        .fallback(|| async { Problem::new(Kind::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed) })
        .layer(DefaultBodyLimit::max(limits.body_bytes))
        .layer(middleware::from_fn_with_state(envelope, envelope::wrap))
        .with_state(app)
}

/// The surface's description: OpenAPI 3.1, made from the code that answers.
pub fn openapi() -> Result<String, serde_json::Error> {
    let (_, api) = routes().split_for_parts();
    document::complete(api)
        .to_pretty_json()
        .map(|text| text + "\n")
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::introduction())
        .merge(applications::router())
        .merge(credentials::router())
        .merge(reconcile::router())
        .merge(organizations::router())
        .merge(identity_providers::router())
        .merge(tokens::router())
        .merge(registration_tokens::router())
        .merge(deployments::router())
        .merge(propagation::router())
        .merge(groups::router())
        .merge(digest_keys::router())
        .merge(import::router())
        .merge(export::router())
        .merge(keys::router())
        .merge(leaks::router())
        .merge(oauth::router())
        .merge(oauth_registration::router())
        .merge(audit::router())
        .merge(feed::router())
        .merge(gateway::router())
        .merge(apisix::router())
}

/// The document is made once: nobody who asks for it has shown a token.
async fn describe() -> Response {
    static DOCUMENT: LazyLock<Option<String>> = LazyLock::new(|| openapi().ok());
    let headers = [(header::CONTENT_TYPE, "application/json")];
    match DOCUMENT.as_deref() {
        Some(document) => (headers, document).into_response(),
        None => Problem::new(Kind::Internal).into_response(),
    }
}
