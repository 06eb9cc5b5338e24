//! What operators ask, on a listener of its own: health, readiness and metrics.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::{
    shutdown::Shutdown,
    store::Store,
    telemetry::{METRICS_MEDIA_TYPE, Metrics},
};

/// What the answers are made of.
#[derive(Clone, Debug)]
pub struct Operations {
    /// Asked for readiness.
    pub store: Arc<dyn Store>,
    /// Shown as they are.
    pub metrics: Arc<Metrics>,
    /// Ends readiness before the listener closes.
    pub shutdown: Shutdown,
}

impl Operations {
    /// `/healthz`, `/readyz` and `/metrics`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "alive\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

/// Whether requests should be sent here: the database answers, and the end has not been announced.
async fn ready(State(operations): State<Operations>) -> (StatusCode, &'static str) {
    if operations.shutdown.announced() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n");
    }
    match operations.store.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer\n",
            )
        }
    }
}

async fn metrics(State(operations): State<Operations>) -> Response {
    let head = operations.store.revision();
    operations.metrics.head_revision.set(head);
    match operations.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_MEDIA_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
