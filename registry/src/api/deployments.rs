//! `/v1/credentials/{id}/deployments`.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Editor, Reader},
    answer::Answer,
    extract::{Path, PathPair},
    groups::ModeWord,
    page::Page,
    prefer::Prefer,
    problem::{Problem, ProblemBody},
};
use crate::{
    change::Changed,
    deployment::{self, Deployment, State as DeploymentState},
    error::{Error, Kind},
    ids::CredentialId,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(deploy, undeploy))
}

/// How a credential stands to a gateway group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deployment)]
pub(super) struct DeploymentBody {
    /// The name of the group.
    group: String,
    /// What the group takes by itself.
    mode: ModeWord,
    /// How far its gateways have come, by what they have reported.
    state: StateWord,
    /// The revision that its gateways must have for that; null where none was ever told of it.
    revision: Option<u64>,
    /// What is in the way, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message: Option<String>,
}

/// How far a group's gateways have come with a credential.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeploymentState)]
enum StateWord {
    /// It is to be honoured, and not every gateway does yet.
    Pending,
    /// Every gateway honours it as it is now.
    Deployed,
    /// It was withdrawn, and a gateway may still honour it.
    Undeploying,
    /// No gateway honours it.
    Undeployed,
    /// A gateway is silent but may still admit requests, or has no complete snapshot, or follows another log.
    Error,
}

impl From<Deployment> for DeploymentBody {
    fn from(deployment: Deployment) -> Self {
        Self {
            group: deployment.group,
            mode: deployment.mode.into(),
            state: match deployment.state {
                DeploymentState::Pending => StateWord::Pending,
                DeploymentState::Deployed => StateWord::Deployed,
                DeploymentState::Undeploying => StateWord::Undeploying,
                DeploymentState::Undeployed => StateWord::Undeployed,
                DeploymentState::Error => StateWord::Error,
            },
            revision: deployment.revision,
            message: deployment.message,
        }
    }
}

/// List a credential's deployments
///
/// The gateway groups in which it is, was, or is to be honoured.
#[utoipa::path(get, path = "/v1/credentials/{id}/deployments", tag = "credentials", operation_id = "list_deployments", security(("Reader" = [])),
    params(("id" = String, Path, description = "The credential's id")),
    responses((status = 200, description = "All of them, by name of the group", body = Page<DeploymentBody>)))]
async fn list(
    reader: Reader,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
) -> Result<Answer, Problem> {
    let (env, gateways) = (app.environment(), app.gateways());
    let found = deployment::whereabouts(env, gateways, reader.caller(), id).await?;
    let items = found.deployments.into_iter().map(DeploymentBody::from);
    Ok(Answer::ok(&Page::whole(items.collect()))?)
}

/// Deploy a credential
///
/// To one gateway group, whatever it does by itself. Nothing changes where it is deployed already.
#[utoipa::path(put, path = "/v1/credentials/{id}/deployments/{group}", tag = "credentials", operation_id = "deploy_credential", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("group" = String, Path, description = "The gateway group's name"),
    ),
    responses(
        (status = 200, description = "The deployment", body = DeploymentBody),
        (status = 409, description = "The application may not use the gateway group", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn deploy(
    editor: Editor,
    State(app): State<AppState>,
    PathPair(id, group): PathPair<CredentialId, String>,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let changed = deployment::deploy(app.environment(), editor.caller(), id, &group).await?;
    answer(&app, editor, (id, group), changed, prefer).await
}

/// Undeploy a credential
///
/// From one gateway group. It exists on, and works wherever else it is deployed.
#[utoipa::path(delete, path = "/v1/credentials/{id}/deployments/{group}", tag = "credentials", operation_id = "undeploy_credential", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("group" = String, Path, description = "The gateway group's name"),
    ),
    responses((status = 200, description = "The deployment", body = DeploymentBody)))]
async fn undeploy(
    editor: Editor,
    State(app): State<AppState>,
    PathPair(id, group): PathPair<CredentialId, String>,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let changed = deployment::undeploy(app.environment(), editor.caller(), id, &group).await?;
    answer(&app, editor, (id, group), changed, prefer).await
}

async fn answer(
    app: &AppState,
    editor: Editor,
    (id, group): (CredentialId, String),
    changed: Changed<()>,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    // Waited for first, so that the state is that of the end.
    let waited = Answer::none().of_revision(changed.revision);
    let waited = prefer.settle(app, waited).await?;
    let (env, gateways) = (app.environment(), app.gateways());
    let found = deployment::of_group(env, gateways, editor.caller(), id, &group).await?;
    let found = found.ok_or(Error::NotFound(Kind::GatewayGroup))?;
    Ok(waited.around(&DeploymentBody::from(found))?)
}
