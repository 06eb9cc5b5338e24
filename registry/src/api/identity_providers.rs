//! `/v1/identity-providers`.

mod body;

use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::body::{ProviderBody, ProviderChange, ProviderRequest, VerificationBody};
use super::{
    AppState,
    access::{Admin, Reader},
    answer::Answer,
    extract::{Body, Json, Path, Query},
    idempotency::Repeatable,
    page::{Page, slice},
    problem::{Problem, ProblemBody},
    version::IfMatch,
};
use crate::{
    ids::ProviderId,
    provider::{self, Provider, ProviderPatch},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
        .routes(routes!(verify))
}

/// Which providers to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Items at most on the page.
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// Make an identity provider known
///
/// Nothing is asked of it: `POST /v1/identity-providers/{id}/verify` does that.
#[utoipa::path(post, path = "/v1/identity-providers", tag = "identity providers", operation_id = "create_identity_provider",
    security(("Admin" = [])), request_body = ProviderRequest,
    params(("Idempotency-Key" = Option<String>, Header, nullable = false,
        description = "Makes the request repeatable: the same answer is given again for 15 minutes")),
    responses(
        (status = 201, description = "Created", body = ProviderBody, headers(
            ("Location", description = "Its path"), ("ETag", description = "Its version"))),
        (status = 409, description = "Another provider has this name or issuer", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create(
    admin: Admin,
    State(app): State<AppState>,
    repeatable: Repeatable,
    Body { value, bytes }: Body<ProviderRequest>,
) -> Result<Response, Problem> {
    let caller = admin.caller();
    let new = value.read()?;
    let answer = |made: &Provider| {
        let body = ProviderBody::whole(made.clone());
        let location = format!("/v1/identity-providers/{}", made.id);
        Ok(Answer::created(location, &body)?.at_version(made.version))
    };
    let work =
        move |env, receipt| async move { provider::create(&env, caller, new, receipt).await };
    repeatable.run(&app, bytes, answer, work).await
}

/// List the identity providers
#[utoipa::path(get, path = "/v1/identity-providers", tag = "identity providers", operation_id = "list_identity_providers",
    security(("Reader" = [])), params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<ProviderBody>)))]
async fn list(
    reader: Reader,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, Problem> {
    let role = reader.caller().role;
    let slice = slice(query.limit, query.cursor.as_deref())?;
    let listing = provider::list(app.environment(), slice.after, slice.limit).await?;
    let body = |provider| ProviderBody::for_role(provider, role);
    Ok(Answer::ok(&Page::new(listing, |item| item.id, body))?)
}

/// Show an identity provider
///
/// How it is configured is shown to administrators and auditors, and what proves the registry to it to nobody.
#[utoipa::path(get, path = "/v1/identity-providers/{id}", tag = "identity providers", operation_id = "get_identity_provider",
    security(("Reader" = [])), params(("id" = String, Path, description = "The provider's id")),
    responses(
        (status = 200, description = "The provider", body = ProviderBody, headers(("ETag", description = "Its version"))),
        (status = 404, description = "No such provider", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn get(
    reader: Reader,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
) -> Result<Answer, Problem> {
    let found = provider::get(app.environment(), id).await?;
    let version = found.version;
    let body = ProviderBody::for_role(found, reader.caller().role);
    Ok(Answer::ok(&body)?.at_version(version))
}

/// Change an identity provider
///
/// Fields that are absent stay as they are. One that is disabled is not registered at, and its tokens are refused.
#[utoipa::path(patch, path = "/v1/identity-providers/{id}", tag = "identity providers", operation_id = "update_identity_provider",
    security(("Admin" = [])), request_body = ProviderChange,
    params(
        ("id" = String, Path, description = "The provider's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on", nullable = false),
    ),
    responses(
        (status = 200, description = "The provider as it is now", body = ProviderBody, headers(
            ("ETag", description = "Its version"))),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn update(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
    IfMatch(expected): IfMatch,
    Json(change): Json<ProviderChange>,
) -> Result<Answer, Problem> {
    let patch = ProviderPatch {
        description: change.description,
        enabled: change.enabled,
        configuration: change.configuration,
        secrets: change.secrets.map(Into::into),
    };
    let env = app.environment();
    let updated = provider::update(env, admin.caller(), id, expected, patch).await?;
    let version = updated.version;
    Ok(Answer::ok(&ProviderBody::whole(updated))?.at_version(version))
}

/// Forget an identity provider
///
/// Only one at which nothing is registered and nothing is to be done. Its tokens are refused from then on.
#[utoipa::path(delete, path = "/v1/identity-providers/{id}", tag = "identity providers", operation_id = "delete_identity_provider",
    security(("Admin" = [])),
    params(
        ("id" = String, Path, description = "The provider's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be deleted", nullable = false),
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 409, description = "Clients are registered there, or something is to be done there", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn delete(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
    IfMatch(expected): IfMatch,
) -> Result<Answer, Problem> {
    provider::delete(app.environment(), admin.caller(), id, expected).await?;
    Ok(Answer::none())
}

/// Try an identity provider
///
/// Tries discovery, the clock, the registry's credentials, the key set and introspection, and says what came of each.
/// A provider that does not answer is no error of this request.
#[utoipa::path(post, path = "/v1/identity-providers/{id}/verify", tag = "identity providers",
    operation_id = "verify_identity_provider", security(("Admin" = [])),
    params(("id" = String, Path, description = "The provider's id")),
    responses(
        (status = 200, description = "What came of each step", body = VerificationBody),
        (status = 404, description = "No such provider", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn verify(
    _: Admin,
    State(app): State<AppState>,
    Path(id): Path<ProviderId>,
) -> Result<Answer, Problem> {
    let steps = provider::verify(app.environment(), id).await?;
    Ok(Answer::ok(&VerificationBody::from(steps))?)
}
