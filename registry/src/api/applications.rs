//! `/v1/applications`.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Editor, Reader},
    answer::Answer,
    extract::{Body, Json, Path, Query},
    idempotency::Repeatable,
    page::{Page, slice},
    prefer::Prefer,
    problem::{Problem, ProblemBody},
    propagation::PropagationBody,
    version::IfMatch,
};
use crate::{
    application::{self, ApplicationQuery, Created},
    change::Changed,
    ids::ApplicationId,
    propagation,
};

mod body;

use body::{ApplicationBody, ApplicationChange, ApplicationRequest, DefaultRequest};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
        .routes(routes!(set_default))
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
/// An application is a program that calls APIs. Its credentials are created separately, except the one that is made with it
/// where `default_key` is `required`: the answer holds its secret, and nothing shows that again.
#[utoipa::path(post, path = "/v1/applications", tag = "applications", operation_id = "create_application", security(("Editor" = [])), request_body = ApplicationRequest,
    params(("Idempotency-Key" = Option<String>, Header, nullable = false,
        description = "Makes the request repeatable: the same answer is given again for 15 minutes")),
    responses(
        (status = 201, description = "Created", body = ApplicationBody, headers(
            ("Location", description = "Its path"), ("ETag", description = "Its version"))),
        (status = 409, description = "The name is taken, or the first request with this Idempotency-Key is still running",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create(
    editor: Editor,
    State(app): State<AppState>,
    repeatable: Repeatable,
    prefer: Prefer,
    Body {
        value: request,
        bytes,
    }: Body<ApplicationRequest>,
) -> Result<Response, Problem> {
    let new = request.into();
    let answer = |created: &Changed<Created>| {
        let application = &created.value.application;
        let (location, version) = (
            format!("/v1/applications/{}", application.id),
            application.version,
        );
        let body = ApplicationBody::from(created.value.clone());
        let answer = Answer::created(location, &body)?;
        Ok(answer.at_version(version).of_revision(created.revision))
    };
    let work = move |env, receipt| async move {
        application::create(&env, editor.caller(), new, receipt).await
    };
    let repeated = repeatable.answer(&app, bytes, answer, work).await?;
    repeated.settle(&app, prefer).await
}

/// List applications
#[utoipa::path(get, path = "/v1/applications", tag = "applications", operation_id = "list_applications", security(("Reader" = [])), params(ListQuery), responses(
    (status = 200, description = "One page, oldest first", body = Page<ApplicationBody>),
))]
async fn list(
    reader: Reader,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, Problem> {
    let slice = slice(query.limit, query.cursor.as_deref())?;
    let wanted = ApplicationQuery {
        after: slice.after,
        limit: slice.limit,
        name: query.name,
        owner: None,
    };
    let listing = application::list(app.environment(), reader.caller(), wanted).await?;
    Ok(Answer::ok(&Page::new(
        listing,
        |item| item.id,
        ApplicationBody::from,
    ))?)
}

/// Show an application
#[utoipa::path(get, path = "/v1/applications/{id}", tag = "applications", operation_id = "get_application", security(("Reader" = [])),
    params(("id" = String, Path, description = "The application's id")),
    responses(
        (status = 200, description = "The application", body = ApplicationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 404, description = "No such application", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn get(
    reader: Reader,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
) -> Result<Answer, Problem> {
    let found = application::get(app.environment(), reader.caller(), id).await?;
    let version = found.version;
    let env = app.environment();
    let change = propagation::of_application(env, reader.caller(), id).await?;
    let propagation = change.map(|change| propagation::now(app.gateways(), &change, env.now()));
    let mut body = ApplicationBody::from(found);
    body.propagation = propagation.map(PropagationBody::from);
    Ok(Answer::ok(&body)?.at_version(version))
}

/// Change an application
///
/// Fields that are absent stay as they are.
#[utoipa::path(patch, path = "/v1/applications/{id}", tag = "applications", operation_id = "update_application", security(("Editor" = [])), request_body = ApplicationChange,
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
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
    Json(change): Json<ApplicationChange>,
) -> Result<Answer, Problem> {
    let patch = change.into();
    let updated =
        application::update(app.environment(), editor.caller(), id, expected, patch).await?;
    let version = updated.value.version;
    let answer = Answer::ok(&ApplicationBody::from(updated.value))?
        .at_version(version)
        .of_revision(updated.revision);
    prefer.settle(&app, answer).await
}

/// Delete an application
///
/// Its credentials go with it, everywhere. Its name stays reserved for its organization.
#[utoipa::path(delete, path = "/v1/applications/{id}", tag = "applications", operation_id = "delete_application", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The application's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be deleted", nullable = false),
    ),
    responses((status = 204, description = "Gone")))]
async fn delete(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let deleted = application::delete(app.environment(), editor.caller(), id, expected).await?;
    let answer = Answer::none().of_revision(deleted.revision);
    prefer.settle(&app, answer).await
}

/// Choose an application's default credential
///
/// For applications whose `default_key` is `required`. The one before is a credential like any other from then on.
#[utoipa::path(put, path = "/v1/applications/{id}/default-credential", tag = "applications",
    operation_id = "set_default_credential", security(("Editor" = [])), request_body = DefaultRequest,
    params(
        ("id" = String, Path, description = "The application's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on", nullable = false),
    ),
    responses(
        (status = 200, description = "The application as it is now", body = ApplicationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "The credential cannot be a default, or the application needs none", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn set_default(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<ApplicationId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
    Json(request): Json<DefaultRequest>,
) -> Result<Answer, Problem> {
    let (env, credential) = (app.environment(), request.credential.0);
    let chosen =
        application::set_default_credential(env, editor.caller(), id, expected, credential).await?;
    let version = chosen.value.version;
    let answer = Answer::ok(&ApplicationBody::from(chosen.value))?
        .at_version(version)
        .of_revision(chosen.revision);
    prefer.settle(&app, answer).await
}
