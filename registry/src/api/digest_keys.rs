//! The digest key of a gateway group, and its replacing.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Admin, GatewayWatcher},
    answer::Answer,
    extract::Path,
    problem::{Problem, ProblemBody},
    propagation::PropagationBody,
    time::Moment,
};
use crate::{
    deployment::rekeying::{self, DigestKeyState, Replacement},
    store::Phase,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(rotate))
        .routes(routes!(get))
}

/// The key under which a gateway group's digests are made. Itself it is never shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DigestKey)]
struct DigestKeyBody {
    /// The group's name.
    #[schema(example = "default")]
    group: String,
    /// Which of the group's keys it is, counting from 1.
    version: u32,
    /// How far another key has taken its place, or it another's; null when nothing is being replaced.
    replacement: Option<ReplacementBody>,
}

/// How far the replacing of a digest key has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DigestKeyReplacement)]
struct ReplacementBody {
    /// The key that takes the other's place.
    version: u32,
    /// What is being done.
    phase: PhaseWord,
    /// How many records the group's gateways held when it began.
    records: u64,
    /// How many were added under the new key; those that came meanwhile are among them.
    added: u64,
    /// How many were removed under the old key.
    removed: u64,
    /// When it began.
    begun_at: Moment,
    /// Which gateways have gone over to the new key; null while they are not told of it, and once all have.
    propagation: Option<PropagationBody>,
}

/// What is being done to replace a digest key.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DigestKeyPhase)]
enum PhaseWord {
    /// Every record is added under the new key.
    Adding,
    /// Gateways go over to the new key.
    Switched,
    /// The records under the old key are removed.
    Removing,
}

impl From<DigestKeyState> for DigestKeyBody {
    fn from(state: DigestKeyState) -> Self {
        Self {
            group: state.group,
            version: state.version,
            replacement: state.replacement.map(ReplacementBody::from),
        }
    }
}

impl From<Replacement> for ReplacementBody {
    fn from(replacement: Replacement) -> Self {
        let rekeying = replacement.rekeying;
        Self {
            version: rekeying.to,
            phase: match rekeying.phase {
                Phase::Adding => PhaseWord::Adding,
                Phase::Switched { .. } => PhaseWord::Switched,
                Phase::Removing => PhaseWord::Removing,
            },
            records: rekeying.records,
            added: rekeying.added,
            removed: rekeying.removed,
            begun_at: rekeying.begun_at.into(),
            propagation: replacement.propagation.map(PropagationBody::from),
        }
    }
}

/// Replace a gateway group's digest key
///
/// Every credential is found under a new key from then on, those that nobody uses too, and nobody is refused meanwhile. It goes on by
/// itself and after a restart; the answer is how it begins. While gateways go over to the new key they hold every record twice.
#[utoipa::path(post, path = "/v1/gateway-groups/{name}/rotate-digest-key", tag = "gateways", operation_id = "rotate_digest_key", security(("Admin" = [])),
    params(("name" = String, Path, description = "The gateway group's name")),
    responses(
        (status = 202, description = "It has begun", body = DigestKeyBody),
        (status = 409, description = "The key is being replaced already", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn rotate(
    admin: Admin,
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    rekeying::begin(app.environment(), admin.caller(), &name).await?;
    let state = rekeying::of_key(app.environment(), app.gateways(), &name).await?;
    Ok(Answer::accepted(&DigestKeyBody::from(state))?)
}

/// Show a gateway group's digest key
///
/// Which one it is, and how far its replacing has come; never the key itself.
#[utoipa::path(get, path = "/v1/gateway-groups/{name}/digest-key", tag = "gateways", operation_id = "get_digest_key", security(("GatewayWatcher" = [])),
    params(("name" = String, Path, description = "The gateway group's name")),
    responses((status = 200, description = "The digest key", body = DigestKeyBody)))]
async fn get(
    _: GatewayWatcher,
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let state = rekeying::of_key(app.environment(), app.gateways(), &name).await?;
    Ok(Answer::ok(&DigestKeyBody::from(state))?)
}
