//! `/v1/applications`.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Admin,
    answer::Answer,
    extract::{Json, Path, Query},
    page::{Page, slice},
    problem::{Problem, ProblemBody},
    version::IfMatch,
};
use crate::{
    application::{self, ApplicationQuery},
    ids::ApplicationId,
};

mod body;

use body::{ApplicationBody, ApplicationChange, ApplicationRequest};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

/// Which applications to list.
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
    /// Only the application with this name.
    #[param(nullable = false)]
    name: Option<String>,
}

/// Create an application
///
/// An application is a program that calls APIs. Its credentials are created separately.
#[utoipa::path(post, path = "/v1/applications", tag = "applications", operation_id = "create_application", request_body = ApplicationRequest, responses(
    (status = 201, description = "Created", body = ApplicationBody, headers(
        ("Location", description = "Its path"), ("ETag", description = "Its version"))),
    (status = 409, description = "The name is taken", body = ProblemBody, content_type = "application/problem+json"),
))]
async fn create(
    admin: Admin,
    State(app): State<AppState>,
    Json(request): Json<ApplicationRequest>,
) -> Result<Answer, Problem> {
    let created = application::create(app.environment(), admin.caller(), request.into()).await?;
    let version = created.value.version;
    let body = ApplicationBody::from(created.value);
    Ok(
        Answer::created(format!("/v1/applications/{}", body.id), &body)?
            .at_version(version)
            .of_revision(created.revision),
    )
}

/// List applications
#[utoipa::path(get, path = "/v1/applications", tag = "applications", operation_id = "list_applications", params(ListQuery), responses(
    (status = 200, description = "One page, oldest first", body = Page<ApplicationBody>),
))]
async fn list(
    admin: Admin,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, Problem> {
    let slice = slice(query.limit, query.cursor.as_deref())?;
    let wanted = ApplicationQuery {
        after: slice.after,
        limit: slice.limit,
        name: query.name,
    };
    let listing = application::list(app.environment(), admin.organization, wanted).await?;
    Ok(Answer::ok(&Page::new(
        listing,
        |item| item.id,
        ApplicationBody::from,
    ))?)
}

/// Show an application
#[utoipa::path(get, path = "/v1/applications/{id}", tag = "applications", operation_id = "get_application",
    params(("id" = String, Path, description = "The application's id")),
    responses(
        (status = 200, description = "The application", body = ApplicationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 404, description = "No such application", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn get(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
) -> Result<Answer, Problem> {
    let found = application::get(app.environment(), admin.organization, id).await?;
    let version = found.version;
    Ok(Answer::ok(&ApplicationBody::from(found))?.at_version(version))
}

/// Change an application
///
/// Fields that are absent stay as they are.
#[utoipa::path(patch, path = "/v1/applications/{id}", tag = "applications", operation_id = "update_application", request_body = ApplicationChange,
    params(
        ("id" = String, Path, description = "The application's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on", nullable = false),
    ),
    responses(
        (status = 200, description = "The application as it is now", body = ApplicationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "The change contradicts what exists", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn update(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
    IfMatch(expected): IfMatch,
    Json(change): Json<ApplicationChange>,
) -> Result<Answer, Problem> {
    let patch = change.into();
    let updated =
        application::update(app.environment(), admin.caller(), id, expected, patch).await?;
    let version = updated.value.version;
    Ok(Answer::ok(&ApplicationBody::from(updated.value))?
        .at_version(version)
        .of_revision(updated.revision))
}

/// Delete an application
///
/// Its credentials go with it, everywhere. Its name stays reserved for its organization.
#[utoipa::path(delete, path = "/v1/applications/{id}", tag = "applications", operation_id = "delete_application",
    params(
        ("id" = String, Path, description = "The application's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be deleted", nullable = false),
    ),
    responses((status = 204, description = "Gone")))]
async fn delete(
    admin: Admin,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    application::delete(app.environment(), admin.caller(), id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
