//! `/apisix/admin/consumers/{username}/credentials`.

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{CredentialBody, CredentialRequest, Deleted, Entry, IndexedEntry, List, credential_key},
    query::{Group, Listing},
    refusal::{Refusal, RefusalBody},
    sent::Sent,
};
use crate::{
    api::{
        AppState,
        access::{ApiOwner, GatewayWatcher},
        answer::Answer,
        extract::{Path, PathPair},
        prefer::Prefer,
    },
    consumer::{self, NewHeld},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(get, put_named, delete))
}

/// List a consumer's credentials
///
/// As APISIX does, without what the consumer has by plugins of its own. Without `page_size` a page has 500.
#[utoipa::path(get, path = "/apisix/admin/consumers/{username}/credentials", tag = "apisix", operation_id = "apisix_list_credentials", security(("GatewayWatcher" = [])),
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("page" = Option<i64>, Query, description = "Which page, from 1; less is the first", nullable = false),
        ("page_size" = Option<u64>, Query, description = "Entries on a page: 10 to 500", nullable = false),
        ("name" = Option<String>, Query, description = "Those with this in their names or ids", nullable = false),
        ("label" = Option<String>, Query, description = "Those with a label of this name", nullable = false),
        ("gateway_group_id" = Option<String>, Query, description = "Those that the gateway group of this name or id honours", nullable = false),
    ),
    responses(
        (status = 200, description = "One page", body = List<CredentialBody>),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer or gateway group", body = RefusalBody),
    ))]
async fn list(
    viewer: GatewayWatcher,
    State(app): State<AppState>,
    Path(username): Path<String>,
    Listing(query): Listing,
) -> Result<Answer, Refusal> {
    let (env, caller) = (app.environment(), viewer.caller());
    let listed = consumer::credentials(env, caller, &username, &query).await?;
    let list = List::of(listed, |held| {
        IndexedEntry::<CredentialBody>::of(&username, held)
    });
    Ok(Answer::ok(&list)?)
}

/// Show a credential of a consumer
#[utoipa::path(get, path = "/apisix/admin/consumers/{username}/credentials/{id}", tag = "apisix", operation_id = "apisix_get_credential", security(("GatewayWatcher" = [])),
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("id" = String, Path, description = "The credential's id within the consumer"),
        ("gateway_group_id" = Option<String>, Query, description = "The name or id of a gateway group that honours it", nullable = false),
    ),
    responses(
        (status = 200, description = "The credential, with its secret masked", body = IndexedEntry<CredentialBody>),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer, credential or gateway group", body = RefusalBody),
    ))]
async fn get(
    viewer: GatewayWatcher,
    State(app): State<AppState>,
    PathPair(username, id): PathPair<String, String>,
    Group(group): Group,
) -> Result<Answer, Refusal> {
    let (env, caller) = (app.environment(), viewer.caller());
    let what = (username.as_str(), id.as_str());
    let held = consumer::get_credential(env, caller, what, group.as_deref()).await?;
    let entry = IndexedEntry::<CredentialBody>::of(&username, held);
    Ok(Answer::ok(&entry)?)
}

/// Create or replace a credential of a consumer
///
/// By the id in the body.
#[utoipa::path(put, path = "/apisix/admin/consumers/{username}/credentials", tag = "apisix", operation_id = "apisix_put_credential", security(("ApiOwner" = [])),
    request_body = CredentialRequest,
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("gateway_group_id" = Option<String>, Query, nullable = false,
            description = "The name or id of a gateway group to which it is deployed"),
    ),
    responses(
        (status = 200, description = "Replaced", body = Entry<CredentialBody>),
        (status = 201, description = "Created", body = Entry<CredentialBody>),
        (status = 400, description = "The credential is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer or gateway group", body = RefusalBody),
        (status = 409, description = "What exists does not allow it", body = RefusalBody),
    ))]
async fn put(
    owner: ApiOwner,
    State(app): State<AppState>,
    Path(username): Path<String>,
    Group(group): Group,
    prefer: Prefer,
    sent: Sent,
) -> Result<Answer, Refusal> {
    let new = sent.credential(username, None, group)?;
    replace(&app, owner, new, prefer).await
}

/// Create or replace the credential of this id
///
/// A secret that is not the current one becomes it, and the one before ends at once.
#[utoipa::path(put, path = "/apisix/admin/consumers/{username}/credentials/{id}", tag = "apisix", operation_id = "apisix_put_credential_named", security(("ApiOwner" = [])),
    request_body = CredentialRequest,
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("id" = String, Path, description = "The credential's id within the consumer"),
        ("gateway_group_id" = Option<String>, Query, nullable = false,
            description = "The name or id of a gateway group to which it is deployed"),
    ),
    responses(
        (status = 200, description = "Replaced", body = Entry<CredentialBody>),
        (status = 201, description = "Created", body = Entry<CredentialBody>),
        (status = 400, description = "The credential is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer or gateway group", body = RefusalBody),
        (status = 409, description = "What exists does not allow it", body = RefusalBody),
    ))]
async fn put_named(
    owner: ApiOwner,
    State(app): State<AppState>,
    PathPair(username, id): PathPair<String, String>,
    Group(group): Group,
    prefer: Prefer,
    sent: Sent,
) -> Result<Answer, Refusal> {
    let new = sent.credential(username, Some(id), group)?;
    replace(&app, owner, new, prefer).await
}

async fn replace(
    app: &AppState,
    owner: ApiOwner,
    new: NewHeld,
    prefer: Prefer,
) -> Result<Answer, Refusal> {
    let username = new.consumer.clone();
    let changed = consumer::put_credential(app.environment(), owner.caller(), new).await;
    let changed = changed.map_err(Refusal::of_credential)?;
    let entry = Entry::<CredentialBody>::of(&username, changed.value.value);
    let answer = Answer::put(changed.value.created, &entry)?.of_revision(changed.revision);
    Ok(prefer.settle(app, answer).await?)
}

/// Delete a credential of a consumer
///
/// It stops working everywhere, and its value never works again.
#[utoipa::path(delete, path = "/apisix/admin/consumers/{username}/credentials/{id}", tag = "apisix", operation_id = "apisix_delete_credential", security(("ApiOwner" = [])),
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("id" = String, Path, description = "The credential's id within the consumer"),
        ("gateway_group_id" = Option<String>, Query, nullable = false,
            description = "The name or id of the only gateway group that honours it"),
    ),
    responses(
        (status = 200, description = "Gone", body = Deleted),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer, credential or gateway group", body = RefusalBody),
        (status = 409, description = "Other gateway groups honour it as well, or its application must always have it", body = RefusalBody),
    ))]
async fn delete(
    owner: ApiOwner,
    State(app): State<AppState>,
    PathPair(username, id): PathPair<String, String>,
    Group(group): Group,
    prefer: Prefer,
) -> Result<Answer, Refusal> {
    let what = (username.as_str(), id.as_str());
    let (env, caller) = (app.environment(), owner.caller());
    let deleted = consumer::delete_credential(env, caller, what, group.as_deref()).await?;
    let key = credential_key(&username, &id);
    let answer = Answer::ok(&Deleted::at(key))?.of_revision(deleted.revision);
    Ok(prefer.settle(&app, answer).await?)
}
