//! How far changes have come, as this surface writes it, and `/v1/changes`.

use std::time::Duration;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Reader,
    answer::Answer,
    extract::Path,
    hex,
    problem::{Kind, Problem, ProblemBody},
    time::Moment,
};
use crate::propagation::{self, Propagation, Receipt, Until};

/// Gateways that are listed: those first that do not have the change.
const MAX_LISTED: usize = 100;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// How far a change has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Propagation)]
pub(super) struct PropagationBody {
    /// The change's position in the log.
    revision: u64,
    /// When it was committed; null once the log does not reach back to it.
    committed_at: Option<Moment>,
    /// How many gateways have it.
    applied: usize,
    /// How many it is for: those of its groups that may admit requests.
    of: usize,
    /// Milliseconds until the last gateway had it; null while one does not have it, and when it is not known: after a start of the
    /// registry for the changes before it.
    after_ms: Option<u64>,
    /// Until when a gateway may still decide without the change, at the latest; null when all have it, or when one never stops.
    may_admit_until: Option<Moment>,
    /// Whether a gateway without the change goes on for ever without the registry.
    unbounded: bool,
    /// The gateways, those first that do not have it; at most 100.
    gateways: Vec<ReceiptBody>,
}

/// What one gateway has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatewayReceipt)]
struct ReceiptBody {
    /// The name of its group.
    group: String,
    /// Its configured name or node id; may be empty.
    gateway: String,
    /// The start of its process: 32 hexadecimal digits.
    instance: String,
    /// Whether it has the change.
    state: StateWord,
    /// The revision that all its workers have; null when it has reported none of this log.
    revision: Option<u64>,
    /// When it last reported, or began to poll.
    seen_at: Moment,
    /// Until when it may decide without the change if it hears nothing more; null when it has it, or never stops.
    may_admit_until: Option<Moment>,
}

/// Whether a gateway has a change.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GatewayReceiptState)]
enum StateWord {
    /// All its workers have it.
    Applied,
    /// It does not yet.
    Pending,
    /// It does not, and was not heard of for 40 seconds.
    Silent,
}

impl From<Propagation> for PropagationBody {
    fn from(propagation: Propagation) -> Self {
        let without = propagation.without();
        Self {
            revision: propagation.revision,
            committed_at: propagation.committed_at.map(Moment),
            applied: propagation.applied,
            of: propagation.of,
            after_ms: propagation.after_ms,
            may_admit_until: moment(without),
            unbounded: without == Some(Until::Unbounded),
            gateways: propagation
                .gateways
                .into_iter()
                .take(MAX_LISTED)
                .map(ReceiptBody::from)
                .collect(),
        }
    }
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        Self {
            group: receipt.group,
            gateway: receipt.gateway,
            instance: hex::encode(receipt.instance),
            state: match receipt.state {
                propagation::State::Applied => StateWord::Applied,
                propagation::State::Pending => StateWord::Pending,
                propagation::State::Silent => StateWord::Silent,
            },
            revision: receipt.revision,
            seen_at: receipt.seen_at.into(),
            may_admit_until: moment(receipt.without),
        }
    }
}

fn moment(until: Option<Until>) -> Option<Moment> {
    match until {
        Some(Until::Then(moment)) => Some(Moment(moment)),
        Some(Until::Unbounded) | None => None,
    }
}

/// Show how far a change has come
///
/// Every answer to a change that gateways see has its revision in `Keysmith-Revision`. A gateway has what all its workers have.
#[utoipa::path(get, path = "/v1/changes/{revision}", tag = "gateways", operation_id = "get_change", security(("Reader" = [])),
    params(("revision" = u64, Path, description = "The revision of the change")),
    responses(
        (status = 200, description = "The change's receipt", body = PropagationBody),
        (status = 404, description = "No such change, or not any more", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn get(
    _: Reader,
    State(app): State<AppState>,
    Path(revision): Path<u64>,
) -> Result<Answer, Problem> {
    let env = app.environment();
    let found = propagation::change(env, revision).await?;
    let change = found.ok_or_else(|| unknown(env.log_kept))?;
    let propagation = propagation::now(app.gateways(), &change, env.now());
    Ok(Answer::ok(&PropagationBody::from(propagation))?)
}

fn unknown(kept: Duration) -> Problem {
    let detail = format!(
        "no such change: the log of changes is kept for {} seconds (change_retention_hours)",
        kept.as_secs()
    );
    Problem::new(Kind::NotFound).detail(detail)
}
