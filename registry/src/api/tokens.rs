//! `/v1/tokens` and `/v1/gateway-groups/{name}/tokens`.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Admin, AdminReader, Overseer, TokenManager},
    answer::Answer,
    extract::{Body, Path, PathPair},
    idempotency::Repeatable,
    page::Page,
    problem::{Problem, ProblemBody},
    time::Moment,
};
use crate::{
    caller::Caller,
    ids::TokenId,
    secrets::SecretText,
    token::{self, NewRole, NewToken, RoleName, Token},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_admin, list_admin))
        .routes(routes!(revoke_admin))
        .routes(routes!(create_gateway, list_gateway))
        .routes(routes!(revoke_gateway))
}

/// A token to be created.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// Until when it works; in the future, and beyond neither the token that makes it nor `max_lifetime_token_seconds`, which
    /// are what holds when it is absent.
    expires_at: Option<Moment>,
}

/// A token to be created that is no gateway's.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewAdminToken)]
#[serde(deny_unknown_fields)]
struct AdminTokenRequest {
    /// What it may do; nothing that the token which makes it may not.
    #[serde(default)]
    #[schema(default = "portal_admin")]
    role: NewRoleWord,
    /// For a developer: whose applications it sees. 1 to 64 visible ASCII characters without `"` and `\`.
    #[schema(nullable = false, example = "team-payments")]
    owner: Option<String>,
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// Until when it works; in the future, and beyond neither the token that makes it nor `max_lifetime_token_seconds`, which
    /// are what holds when it is absent.
    expires_at: Option<Moment>,
}

/// What a token may do that is no gateway's.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NewRole)]
enum NewRoleWord {
    /// Everything on the REST API.
    #[default]
    PortalAdmin,
    /// All applications and credentials of every organization, and what applications are allowed.
    ApiOwner,
    /// The applications, credentials and tokens of its organization.
    OrgAdmin,
    /// The applications of its owner.
    Developer,
    /// Read everything of every organization, and no secret.
    Auditor,
    /// Report leaked secrets, and nothing else.
    LeakReporter,
}

impl AdminTokenRequest {
    fn role(&self) -> Result<NewRole, Problem> {
        let role = match (self.role, &self.owner) {
            (NewRoleWord::Developer, Some(owner)) => {
                let owner = owner.clone();
                return Ok(NewRole::Developer { owner });
            }
            (NewRoleWord::Developer, None) => {
                let message = "a token of role developer must have one: it sees the applications of this owner";
                return Err(Problem::invalid("owner", message));
            }
            (_, Some(_)) => {
                let message = "only a token of role developer has one";
                return Err(Problem::invalid("owner", message));
            }
            (NewRoleWord::PortalAdmin, None) => NewRole::PortalAdmin,
            (NewRoleWord::ApiOwner, None) => NewRole::ApiOwner,
            (NewRoleWord::OrgAdmin, None) => NewRole::OrgAdmin,
            (NewRoleWord::Auditor, None) => NewRole::Auditor,
            (NewRoleWord::LeakReporter, None) => NewRole::LeakReporter,
        };
        Ok(role)
    }
}

/// A token, of which the registry keeps only a keyed digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenBody {
    /// Its id.
    #[schema(example = "tok_01kag3p5k8e4trsn0ps4fwt5ea")]
    id: String,
    /// What it may do.
    role: RoleWord,
    /// Whose applications it sees, if it is a developer's.
    owner: Option<String>,
    /// The id of the token that made it; null where the registry's configuration did.
    created_by: Option<String>,
    /// For people.
    description: String,
    /// Whether the registry's configuration brought it.
    configured: bool,
    /// Its brand and type.
    #[schema(example = "ks_gt_")]
    prefix: String,
    /// Its last four characters.
    last_four: String,
    /// When it was made.
    created_at: Moment,
    /// Until when it works.
    expires_at: Option<Moment>,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
enum RoleWord {
    /// Everything on the REST API.
    PortalAdmin,
    /// All applications and credentials of every organization, and what applications are allowed.
    ApiOwner,
    /// The applications, credentials and tokens of its organization.
    OrgAdmin,
    /// The applications of its owner.
    Developer,
    /// Read everything of every organization, and no secret.
    Auditor,
    /// Report leaked secrets, and nothing else.
    LeakReporter,
    /// Follow the feed of its gateway group, report, and have passwords verified.
    Gateway,
}

impl From<RoleName> for RoleWord {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::PortalAdmin => Self::PortalAdmin,
            RoleName::ApiOwner => Self::ApiOwner,
            RoleName::OrgAdmin => Self::OrgAdmin,
            RoleName::Developer => Self::Developer,
            RoleName::Auditor => Self::Auditor,
            RoleName::LeakReporter => Self::LeakReporter,
            RoleName::Gateway => Self::Gateway,
        }
    }
}

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedToken)]
struct IssuedTokenBody {
    /// What is known of it.
    #[serde(flatten)]
    details: TokenBody,
    /// The token itself, shown this once.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    token: SecretText,
}

fn expose<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl From<Token> for TokenBody {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            role: token.role.name().into(),
            owner: token.role.owner().map(|owner| owner.to_string()),
            created_by: token.created_by.map(|id| id.to_string()),
            description: token.description,
            configured: token.configured,
            prefix: token.display.prefix,
            last_four: token.display.last_four,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Moment),
        }
    }
}

/// Create a token of the organization
///
/// The answer holds the token, and nothing shows it again.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", operation_id = "create_admin_token", security(("TokenManager" = [])), request_body = AdminTokenRequest,
    params(("Idempotency-Key" = Option<String>, Header, nullable = false,
        description = "Makes the request repeatable: the same answer is given again for 15 minutes")),
    responses(
        (status = 201, description = "Created", body = IssuedTokenBody),
        (status = 409, description = "The first request with this Idempotency-Key is still running",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create_admin(
    manager: TokenManager,
    State(app): State<AppState>,
    repeatable: Repeatable,
    Body { value, bytes }: Body<AdminTokenRequest>,
) -> Result<Response, Problem> {
    let collection = "/v1/tokens".to_owned();
    let role = value.role()?;
    let value = TokenRequest {
        description: value.description,
        expires_at: value.expires_at,
    };
    let body = Body { value, bytes };
    create(&app, manager.caller(), repeatable, body, role, collection).await
}

/// List the tokens of the organization
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", operation_id = "list_admin_tokens", security(("Overseer" = [])),
    responses((status = 200, description = "Those that are not revoked, oldest first", body = Page<TokenBody>)))]
async fn list_admin(overseer: Overseer, State(app): State<AppState>) -> Result<Answer, Problem> {
    list(&app, overseer.caller(), None).await
}

/// Revoke a token of the organization
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", operation_id = "revoke_admin_token", security(("TokenManager" = [])),
    params(("id" = String, Path, description = "The token's id")),
    responses((status = 204, description = "It does not work any more")))]
async fn revoke_admin(
    manager: TokenManager,
    State(app): State<AppState>,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    revoke(&app, manager.caller(), None, id).await
}

/// Create a gateway token
///
/// The answer holds the token, and nothing shows it again.
#[utoipa::path(post, path = "/v1/gateway-groups/{name}/tokens", tag = "gateways", operation_id = "create_gateway_token", security(("Admin" = [])), request_body = TokenRequest,
    params(
        ("name" = String, Path, description = "The gateway group's name"),
        ("Idempotency-Key" = Option<String>, Header, nullable = false,
            description = "Makes the request repeatable: the same answer is given again for 15 minutes"),
    ),
    responses(
        (status = 201, description = "Created", body = IssuedTokenBody),
        (status = 404, description = "No such gateway group", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "The first request with this Idempotency-Key is still running",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create_gateway(
    admin: Admin,
    State(app): State<AppState>,
    Path(group): Path<String>,
    repeatable: Repeatable,
    body: Body<TokenRequest>,
) -> Result<Response, Problem> {
    let collection = format!("/v1/gateway-groups/{group}/tokens");
    create(
        &app,
        admin.caller(),
        repeatable,
        body,
        NewRole::Gateway { group },
        collection,
    )
    .await
}

/// List a gateway group's tokens
#[utoipa::path(get, path = "/v1/gateway-groups/{name}/tokens", tag = "gateways", operation_id = "list_gateway_tokens", security(("AdminReader" = [])),
    params(("name" = String, Path, description = "The gateway group's name")),
    responses((status = 200, description = "Those that are not revoked, oldest first", body = Page<TokenBody>)))]
async fn list_gateway(
    reader: AdminReader,
    State(app): State<AppState>,
    Path(group): Path<String>,
) -> Result<Answer, Problem> {
    list(&app, reader.caller(), Some(&group)).await
}

/// Revoke a gateway token
#[utoipa::path(delete, path = "/v1/gateway-groups/{name}/tokens/{id}", tag = "gateways", operation_id = "revoke_gateway_token", security(("Admin" = [])),
    params(
        ("name" = String, Path, description = "The gateway group's name"),
        ("id" = String, Path, description = "The token's id"),
    ),
    responses((status = 204, description = "It does not work any more")))]
async fn revoke_gateway(
    admin: Admin,
    State(app): State<AppState>,
    PathPair(group, id): PathPair<String, TokenId>,
) -> Result<StatusCode, Problem> {
    revoke(&app, admin.caller(), Some(&group), id).await
}

async fn create(
    app: &AppState,
    caller: Caller,
    repeatable: Repeatable,
    Body {
        value: request,
        bytes,
    }: Body<TokenRequest>,
    role: NewRole,
    collection: String,
) -> Result<Response, Problem> {
    let new = NewToken {
        role,
        description: request.description,
        expires_at: request.expires_at.map(Into::into),
    };
    let answer = move |(made, token): &(Token, SecretText)| {
        let details = TokenBody::from(made.clone());
        let location = format!("{collection}/{}", details.id);
        let token = token.clone();
        Answer::created(location, &IssuedTokenBody { details, token })
    };
    let work = move |env, receipt| async move { token::create(&env, caller, new, receipt).await };
    repeatable.run(app, bytes, answer, work).await
}

async fn list(app: &AppState, caller: Caller, group: Option<&str>) -> Result<Answer, Problem> {
    let tokens = token::list(app.environment(), caller, group).await?;
    Ok(Answer::ok(&Page::whole(
        tokens.into_iter().map(TokenBody::from).collect(),
    ))?)
}

async fn revoke(
    app: &AppState,
    caller: Caller,
    group: Option<&str>,
    id: TokenId,
) -> Result<StatusCode, Problem> {
    token::revoke(app.environment(), caller, group, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
