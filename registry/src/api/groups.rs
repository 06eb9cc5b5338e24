//! `/v1/gateway-groups` and `/v1/gateways`.

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Admin, GatewayWatcher, Reader},
    answer::Answer,
    extract::{Json, Path},
    hex,
    page::Page,
    prefer::Prefer,
    problem::{Kind as ProblemKind, Problem, ProblemBody},
    time::Moment,
};
use crate::gateway::{self, Applied, GatewayGroup, GatewayStatus, Mode};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, delete))
        .routes(routes!(gateways))
        .routes(routes!(forget))
}

/// What a gateway group takes by itself.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GatewayGroupMode)]
pub(super) enum ModeWord {
    /// Every credential that is not for chosen groups, of the applications that may use it.
    #[default]
    Automatic,
    /// Nothing: credentials are deployed to it one by one.
    OnDemand,
}

/// A gateway group to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewGatewayGroup)]
#[serde(deny_unknown_fields)]
struct GroupRequest {
    /// Its name, which never changes.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "edge")]
    name: String,
    /// What it takes by itself.
    #[serde(default)]
    #[schema(default = "automatic")]
    mode: ModeWord,
}

/// A named set of gateways.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatewayGroup)]
struct GroupBody {
    /// Its name, which never changes.
    #[schema(example = "edge")]
    name: String,
    /// What it takes by itself.
    mode: ModeWord,
    /// When it was created.
    created_at: Moment,
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Automatic => Self::Automatic,
            ModeWord::OnDemand => Self::OnDemand,
        }
    }
}

impl From<Mode> for ModeWord {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Automatic => Self::Automatic,
            Mode::OnDemand => Self::OnDemand,
        }
    }
}

impl From<GatewayGroup> for GroupBody {
    fn from(group: GatewayGroup) -> Self {
        Self {
            name: group.name,
            mode: group.mode.into(),
            created_at: group.created_at.into(),
        }
    }
}

/// What is known about a gateway: one start of one process.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gateway)]
struct GatewayBody {
    /// The name of its group.
    group: String,
    /// Its configured name or node id; may be empty.
    gateway: String,
    /// The start of its process: 32 hexadecimal digits.
    instance: String,
    /// What it applied; null when it has reported nothing of this log.
    applied: Option<AppliedBody>,
    /// When it last reported, or began to poll.
    last_seen_at: Moment,
    /// When it last reported.
    reported_at: Option<Moment>,
    /// When it last began to poll this process of the registry.
    polled_at: Option<Moment>,
}

/// What a gateway applied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AppliedRevision)]
struct AppliedBody {
    /// The revision that all its workers have.
    revision: u64,
    /// How many revisions it is behind.
    lag: u64,
    /// Whether all its workers have a complete snapshot.
    complete: bool,
    /// How many workers it counted.
    workers: u32,
}

impl From<Applied> for AppliedBody {
    fn from(applied: Applied) -> Self {
        Self {
            revision: applied.revision,
            lag: applied.lag,
            complete: applied.complete,
            workers: applied.workers,
        }
    }
}

impl From<GatewayStatus> for GatewayBody {
    fn from(status: GatewayStatus) -> Self {
        Self {
            group: status.group,
            gateway: status.gateway,
            instance: super::hex::encode(status.instance),
            applied: status.applied.map(AppliedBody::from),
            last_seen_at: status.seen_at.into(),
            reported_at: status.reported_at.map(Moment),
            polled_at: status.polled_at.map(Moment),
        }
    }
}

/// Create a gateway group
#[utoipa::path(post, path = "/v1/gateway-groups", tag = "gateways", operation_id = "create_gateway_group", security(("Admin" = [])), request_body = GroupRequest, responses(
    (status = 201, description = "Created", body = GroupBody, headers(("Location", description = "Its path"))),
    (status = 409, description = "The name is taken", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn create(
    admin: Admin,
    State(app): State<AppState>,
    prefer: Prefer,
    Json(request): Json<GroupRequest>,
) -> Result<Answer, Problem> {
    let group = gateway::create_group(
        app.environment(),
        admin.caller(),
        request.name,
        request.mode.into(),
    )
    .await?;
    let location = format!("/v1/gateway-groups/{}", group.value.name);
    let body = GroupBody::from(group.value);
    let answer = Answer::created(location, &body)?.of_revision(group.revision);
    prefer.settle(&app, answer).await
}

/// List the gateway groups
#[utoipa::path(get, path = "/v1/gateway-groups", tag = "gateways", operation_id = "list_gateway_groups", security(("Reader" = [])),
    responses((status = 200, description = "All of them", body = Page<GroupBody>)))]
async fn list(_: Reader, State(app): State<AppState>) -> Result<Answer, Problem> {
    let groups = gateway::groups(app.environment()).await?;
    Ok(Answer::ok(&Page::whole(
        groups.into_iter().map(GroupBody::from).collect(),
    ))?)
}

/// Show a gateway group
#[utoipa::path(get, path = "/v1/gateway-groups/{name}", tag = "gateways", operation_id = "get_gateway_group", security(("Reader" = [])),
    params(("name" = String, Path, description = "The gateway group's name")),
    responses((status = 200, description = "The gateway group", body = GroupBody)))]
async fn get(
    _: Reader,
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let group = gateway::group(app.environment(), &name).await?;
    Ok(Answer::ok(&GroupBody::from(group))?)
}

/// Delete a gateway group
///
/// Only when it has no valid tokens and no application lists it. The group `default` stays.
#[utoipa::path(delete, path = "/v1/gateway-groups/{name}", tag = "gateways", operation_id = "delete_gateway_group", security(("Admin" = [])),
    params(("name" = String, Path, description = "The gateway group's name")),
    responses(
        (status = 204, description = "Gone"),
        (status = 409, description = "It is in use", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn delete(
    admin: Admin,
    State(app): State<AppState>,
    Path(name): Path<String>,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let deleted = gateway::delete_group(app.environment(), admin.caller(), &name).await?;
    let answer = Answer::none().of_revision(deleted.revision);
    prefer.settle(&app, answer).await
}

/// Forget a gateway
///
/// One that is known to be gone: until then, changes count it as one that may admit requests. It is known again when it is heard of
/// again.
#[utoipa::path(delete, path = "/v1/gateways/{instance}", tag = "gateways", operation_id = "forget_gateway", security(("Admin" = [])),
    params(("instance" = String, Path, description = "The start of the gateway's process: 32 hexadecimal digits")),
    responses((status = 204, description = "Forgotten")))]
async fn forget(
    admin: Admin,
    State(app): State<AppState>,
    Path(instance): Path<String>,
) -> Result<StatusCode, Problem> {
    let instance = hex::decode(&instance).ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
    let (env, gateways) = (app.environment(), app.gateways());
    gateway::forget(env, gateways, admin.caller(), instance).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the gateways
///
/// Those that polled this process or reported not long ago, and what they have applied.
#[utoipa::path(get, path = "/v1/gateways", tag = "gateways", operation_id = "list_gateways", security(("GatewayWatcher" = [])),
    responses((status = 200, description = "All of them", body = Page<GatewayBody>)))]
async fn gateways(_: GatewayWatcher, State(app): State<AppState>) -> Result<Answer, Problem> {
    let found = gateway::list(app.environment(), app.gateways()).await?;
    Ok(Answer::ok(&Page::whole(
        found.into_iter().map(GatewayBody::from).collect(),
    ))?)
}
