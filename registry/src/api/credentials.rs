//! `/v1/applications/{id}/credentials` and `/v1/credentials`.

use axum::{extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Editor, Reader},
    answer::Answer,
    extract::{Body, Json, Path, Query},
    idempotency::Repeatable,
    page::Page,
    prefer::Prefer,
    problem::{Problem, ProblemBody},
    version::IfMatch,
};
use crate::{
    application,
    change::Changed,
    credential::{self, CredentialDetail, CredentialSearch, Issued},
    deployment,
    ids::{ApplicationId, CredentialId},
    oauth_client,
};

pub(super) mod body;
mod client;
mod impact;
pub(super) mod request;
mod revealed;
mod rotation;
mod search;
mod secret;
mod tokens;
mod usage;

use body::{CredentialBody, IssuedBody};
use request::{CredentialChange, CredentialRequest, DeleteQuery};
use search::SearchQuery;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(search_all))
        .routes(routes!(get, update, delete))
        .merge(rotation::router())
        .merge(impact::router())
        .merge(tokens::router())
}

/// Create a credential
///
/// The answer holds the secret, and nothing shows it again. An OAuth client is registered at its identity provider before there
/// is an answer; a provider that refuses is answered 422 with what it says, one that fails 502, one that is away 503.
#[utoipa::path(post, path = "/v1/applications/{id}/credentials", tag = "credentials", operation_id = "create_credential", security(("Editor" = [])),
    request_body = CredentialRequest,
    params(
        ("id" = String, Path, description = "The application's id"),
        ("Idempotency-Key" = Option<String>, Header, nullable = false,
            description = "Makes the request repeatable: the same answer is given again for 15 minutes"),
    ),
    responses(
        (status = 201, description = "Created", body = IssuedBody, headers(
            ("Location", description = "Its path"), ("ETag", description = "Its version"))),
        (status = 409, description = "The name, identifier, user name or value is taken, or the first request with \
            this Idempotency-Key is still running", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create(
    editor: Editor,
    State(app): State<AppState>,
    Path(application): Path<ApplicationId>,
    repeatable: Repeatable,
    prefer: Prefer,
    Body {
        value: request,
        bytes,
    }: Body<CredentialRequest>,
) -> Result<Response, Problem> {
    let (new, client) = request.of(application)?;
    let answer = |issued: &Changed<Issued>| {
        let location = format!("/v1/credentials/{}", issued.value.detail.credential.id);
        answer_issued(issued, |body| Answer::created(location, body))
    };
    let caller = editor.caller();
    let work = move |env, receipt| async move {
        match client {
            None => credential::create(&env, caller, new, receipt).await,
            Some(client) => oauth_client::create(&env, caller, (new, client), receipt).await,
        }
    };
    let repeated = repeatable.answer(&app, bytes, answer, work).await?;
    repeated.settle(&app, prefer).await
}

/// List an application's credentials
#[utoipa::path(get, path = "/v1/applications/{id}/credentials", tag = "credentials", operation_id = "list_credentials", security(("Reader" = [])),
    params(("id" = String, Path, description = "The application's id"), SearchQuery),
    responses((status = 200, description = "One page, in the order of `sort`", body = Page<CredentialBody>)))]
async fn list(
    reader: Reader,
    State(app): State<AppState>,
    Path(application): Path<ApplicationId>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Answer, Problem> {
    let query = SearchQuery::of(parameters)?;
    if query.application.is_some() {
        let message = "is given by the path already";
        return Err(Problem::invalid("application", message));
    }
    application::get(app.environment(), reader.caller(), application).await?;
    let search = CredentialSearch {
        application: Some(application.to_string()),
        ..query.into_search()?
    };
    found(&app, reader, search).await
}

/// Find credentials
///
/// Of all applications. What does not change between two pages is neither repeated nor skipped.
#[utoipa::path(get, path = "/v1/credentials", tag = "credentials", operation_id = "search_credentials", security(("Reader" = [])), params(SearchQuery),
    responses((status = 200, description = "One page, in the order of `sort`", body = Page<CredentialBody>)))]
async fn search_all(
    reader: Reader,
    State(app): State<AppState>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Answer, Problem> {
    let search = SearchQuery::of(parameters)?.into_search()?;
    found(&app, reader, search).await
}

async fn found(
    app: &AppState,
    reader: Reader,
    search: CredentialSearch,
) -> Result<Answer, Problem> {
    let found = credential::search(app.environment(), reader.caller(), search).await?;
    let items: Vec<CredentialBody> = found.items.into_iter().map(Into::into).collect();
    Ok(Answer::ok(&Page::with_cursor(items, found.next_cursor))?)
}

/// Show a credential
#[utoipa::path(get, path = "/v1/credentials/{id}", tag = "credentials", operation_id = "get_credential", security(("Reader" = [])),
    params(("id" = String, Path, description = "The credential's id")),
    responses((status = 200, description = "The credential", body = CredentialBody, headers(
        ("ETag", description = "Its version")))))]
async fn get(
    reader: Reader,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
) -> Result<Answer, Problem> {
    let env = app.environment();
    let found = credential::get(env, reader.caller(), id).await?;
    let version = found.credential.version;
    let place = deployment::whereabouts(env, app.gateways(), reader.caller(), id).await?;
    Ok(Answer::ok(&CredentialBody::from(found).at(place))?.at_version(version))
}

/// Change a credential
///
/// Fields that are absent stay as they are. The secret is changed by rotating it.
#[utoipa::path(patch, path = "/v1/credentials/{id}", tag = "credentials", operation_id = "update_credential", security(("Editor" = [])), request_body = CredentialChange,
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on", nullable = false),
    ),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "The name is taken", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn update(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
    Json(mut change): Json<CredentialChange>,
) -> Result<Answer, Problem> {
    let (env, caller) = (app.environment(), editor.caller());
    let client = change.take_client()?;
    let patch = change.into();
    let updated = match client {
        None => credential::update(env, caller, id, expected, patch).await?,
        Some((client, format)) => {
            let what = (patch, client, format);
            oauth_client::update(env, caller, id, expected, what).await?
        }
    };
    prefer.settle(&app, answer_detail(updated)?).await
}

/// Delete a credential
///
/// It stops working everywhere, and its value never works again.
#[utoipa::path(delete, path = "/v1/credentials/{id}", tag = "credentials", operation_id = "delete_credential", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be deleted", nullable = false),
        DeleteQuery,
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 409, description = "It is deployed to on-demand gateway groups, and `force` is not given", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn delete(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    Query(query): Query<DeleteQuery>,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let deployed = query.deployed();
    let env = app.environment();
    let deleted = credential::delete(env, editor.caller(), id, expected, deployed).await?;
    let answer = Answer::none().of_revision(deleted.revision);
    prefer.settle(&app, answer).await
}

fn answer_issued(
    issued: &Changed<Issued>,
    answer: impl FnOnce(&IssuedBody) -> Result<Answer, serde_json::Error>,
) -> Result<Answer, serde_json::Error> {
    let version = issued.value.detail.credential.version;
    let body = IssuedBody::from(issued.value.clone());
    Ok(answer(&body)?
        .at_version(version)
        .of_revision(issued.revision))
}

fn answer_detail(changed: Changed<CredentialDetail>) -> Result<Answer, serde_json::Error> {
    let version = changed.value.credential.version;
    Ok(Answer::ok(&CredentialBody::from(changed.value))?
        .at_version(version)
        .of_revision(changed.revision))
}
