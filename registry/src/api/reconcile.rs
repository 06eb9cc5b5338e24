//! `/v1/identity-providers/{id}/reconcile`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Admin,
    answer::Answer,
    extract::{Json, Path},
    problem::{Problem, ProblemBody},
};
use crate::{
    ids::ProviderId,
    provider::reconcile::{Finding, FindingKind, Reconciliation, Repair, reconcile},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(compare, repair))
}

/// What is to be done about what does not agree.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Repair)]
#[serde(deny_unknown_fields)]
struct RepairRequest {
    /// What is unfinished is tried again, and metadata that differ are sent again.
    #[serde(default)]
    repair: bool,
    /// Clients that bear the registry's mark and are no credential's are removed. Not where a copy of the
    /// database is served as well: its clients look the same.
    #[serde(default)]
    orphans: bool,
    /// What is unfinished and fails once more is forgotten: somebody looks after it by hand.
    #[serde(default)]
    forget: bool,
}

/// What the registry knows of a provider's clients, compared with what the provider says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
struct ReconciliationBody {
    /// Clients that were compared.
    checked: u64,
    /// Whether the provider lists its clients, so that orphans are found.
    lists: bool,
    /// What does not agree.
    findings: Vec<FindingBody>,
}

/// Something that does not agree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingBody {
    /// What it is.
    kind: FindingWord,
    /// The id of the credential that it is about.
    credential: Option<String>,
    /// The client's name at the provider.
    client_id: Option<String>,
    /// The id of what is unfinished; a client that came of it bears it as `software_version`.
    operation: Option<String>,
    /// For people.
    detail: String,
    /// Whether it agrees by now.
    repaired: bool,
}

/// What does not agree.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FindingKind)]
enum FindingWord {
    /// Something was begun at the provider, and is not known to be finished or undone.
    Unfinished,
    /// The client is registered otherwise than the registry knows.
    Drift,
    /// The provider does not know the client any more, or does not let the registry manage it: rotate the credential, which
    /// registers another client, or delete it.
    Lost,
    /// The client bears the registry's mark, and is no credential's.
    Orphan,
    /// The provider could not be asked.
    Unknown,
}

impl From<Reconciliation> for ReconciliationBody {
    fn from(found: Reconciliation) -> Self {
        Self {
            checked: found.checked,
            lists: found.lists,
            findings: found.findings.into_iter().map(FindingBody::from).collect(),
        }
    }
}

impl From<Finding> for FindingBody {
    fn from(finding: Finding) -> Self {
        Self {
            kind: match finding.kind {
                FindingKind::Unfinished => FindingWord::Unfinished,
                FindingKind::Drift => FindingWord::Drift,
                FindingKind::Lost => FindingWord::Lost,
                FindingKind::Orphan => FindingWord::Orphan,
                FindingKind::Unknown => FindingWord::Unknown,
            },
            credential: finding.credential.map(|id| id.to_string()),
            client_id: finding.client_id,
            operation: finding.operation.map(|id| id.to_string()),
            detail: finding.detail,
            repaired: finding.repaired,
        }
    }
}

/// Compare an identity provider's clients
///
/// Asks the provider for each client that the registry has registered there, and for all of them where it has a list. Changes
/// nothing at the provider.
#[utoipa::path(get, path = "/v1/identity-providers/{id}/reconcile", tag = "identity providers", operation_id = "compare_clients", security(("Admin" = [])),
    params(("id" = String, Path, description = "The identity provider's id")),
    responses(
        (status = 200, description = "What does not agree", body = ReconciliationBody),
        (status = 422, description = "The identity provider is not able to say", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 502, description = "The identity provider fails to answer properly", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn compare(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
) -> Result<Answer, Problem> {
    let (env, nothing) = (app.environment(), Repair::default());
    let found = reconcile(env, admin.caller(), id, nothing).await?;
    Ok(Answer::ok(&ReconciliationBody::from(found))?)
}

/// Make an identity provider's clients agree
///
/// Compares, and repairs what the body asks for. A client that is lost is not registered again by this: nobody would get its
/// secret. Its credential is rotated, or deleted.
#[utoipa::path(post, path = "/v1/identity-providers/{id}/reconcile", tag = "identity providers", operation_id = "reconcile_clients", security(("Admin" = [])),
    request_body = RepairRequest,
    params(("id" = String, Path, description = "The identity provider's id")),
    responses(
        (status = 200, description = "What did not agree, and what of it agrees by now", body = ReconciliationBody),
        (status = 422, description = "The identity provider is not able to say", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 502, description = "The identity provider fails to answer properly", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn repair(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
    Json(request): Json<RepairRequest>,
) -> Result<Answer, Problem> {
    let repair = Repair {
        known: request.repair,
        orphans: request.orphans,
        forget: request.forget,
    };
    let found = reconcile(app.environment(), admin.caller(), id, repair).await?;
    Ok(Answer::ok(&ReconciliationBody::from(found))?)
}
