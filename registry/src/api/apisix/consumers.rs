//! `/apisix/admin/consumers`.

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    body::{ConsumerBody, ConsumerRequest, Deleted, Entry, IndexedEntry, List, consumer_key},
    query::{Group, Listing},
    refusal::{Refusal, RefusalBody},
    sent::Sent,
};
use crate::{
    api::{
        AppState,
        access::{ApiOwner, GatewayWatcher},
        answer::Answer,
        extract::Path,
        prefer::Prefer,
    },
    consumer::{self, NewConsumer},
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(get, put_named, delete))
}

/// List consumers
///
/// As APISIX does. Without `page_size` a page has 500.
#[utoipa::path(get, path = "/apisix/admin/consumers", tag = "apisix", operation_id = "apisix_list_consumers", security(("GatewayWatcher" = [])),
    params(
        ("page" = Option<i64>, Query, description = "Which page, from 1; less is the first", nullable = false),
        ("page_size" = Option<u64>, Query, description = "Entries on a page: 10 to 500", nullable = false),
        ("name" = Option<String>, Query, description = "Those with this in their names", nullable = false),
        ("label" = Option<String>, Query, description = "Those with a label of this name", nullable = false),
        ("gateway_group_id" = Option<String>, Query, description = "A gateway group's name or id, which must exist: every consumer is in every group", nullable = false),
    ),
    responses(
        (status = 200, description = "One page", body = List<ConsumerBody>),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such gateway group", body = RefusalBody),
    ))]
async fn list(
    viewer: GatewayWatcher,
    State(app): State<AppState>,
    Listing(query): Listing,
) -> Result<Answer, Refusal> {
    let listed = consumer::list(app.environment(), viewer.caller(), &query).await?;
    Ok(Answer::ok(&List::of(listed, IndexedEntry::from))?)
}

/// Show a consumer
#[utoipa::path(get, path = "/apisix/admin/consumers/{username}", tag = "apisix", operation_id = "apisix_get_consumer", security(("GatewayWatcher" = [])),
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("gateway_group_id" = Option<String>, Query, description = "A gateway group's name or id, which must exist", nullable = false),
    ),
    responses(
        (status = 200, description = "The consumer, with its secrets masked", body = IndexedEntry<ConsumerBody>),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer or gateway group", body = RefusalBody),
    ))]
async fn get(
    viewer: GatewayWatcher,
    State(app): State<AppState>,
    Path(username): Path<String>,
    Group(group): Group,
) -> Result<Answer, Refusal> {
    let (env, caller) = (app.environment(), viewer.caller());
    let found = consumer::get(env, caller, &username, group.as_deref()).await?;
    Ok(Answer::ok(&IndexedEntry::from(found))?)
}

/// Create or replace a consumer
///
/// By the name in the body.
#[utoipa::path(put, path = "/apisix/admin/consumers", tag = "apisix", operation_id = "apisix_put_consumer", security(("ApiOwner" = [])), request_body = ConsumerRequest,
    params(("gateway_group_id" = Option<String>, Query, nullable = false,
        description = "The name or id of a gateway group to which the consumer's own plugins are deployed")),
    responses(
        (status = 200, description = "Replaced", body = Entry<ConsumerBody>),
        (status = 201, description = "Created", body = Entry<ConsumerBody>),
        (status = 400, description = "The consumer is not acceptable", body = RefusalBody),
        (status = 404, description = "No such gateway group", body = RefusalBody),
        (status = 409, description = "What exists does not allow it", body = RefusalBody),
    ))]
async fn put(
    owner: ApiOwner,
    State(app): State<AppState>,
    Group(group): Group,
    prefer: Prefer,
    sent: Sent,
) -> Result<Answer, Refusal> {
    replace(&app, owner, sent.consumer(None, group)?, prefer).await
}

/// Create or replace the consumer of this name
#[utoipa::path(put, path = "/apisix/admin/consumers/{username}", tag = "apisix", operation_id = "apisix_put_consumer_named", security(("ApiOwner" = [])), request_body = ConsumerRequest,
    params(
        ("username" = String, Path, description = "The consumer's name, as in the body"),
        ("gateway_group_id" = Option<String>, Query, nullable = false,
            description = "The name or id of a gateway group to which the consumer's own plugins are deployed"),
    ),
    responses(
        (status = 200, description = "Replaced", body = Entry<ConsumerBody>),
        (status = 201, description = "Created", body = Entry<ConsumerBody>),
        (status = 400, description = "The consumer is not acceptable", body = RefusalBody),
        (status = 404, description = "No such gateway group", body = RefusalBody),
        (status = 409, description = "What exists does not allow it", body = RefusalBody),
    ))]
async fn put_named(
    owner: ApiOwner,
    State(app): State<AppState>,
    Path(username): Path<String>,
    Group(group): Group,
    prefer: Prefer,
    sent: Sent,
) -> Result<Answer, Refusal> {
    let new = sent.consumer(Some(&username), group)?;
    replace(&app, owner, new, prefer).await
}

async fn replace(
    app: &AppState,
    owner: ApiOwner,
    new: NewConsumer,
    prefer: Prefer,
) -> Result<Answer, Refusal> {
    let changed = consumer::put(app.environment(), owner.caller(), new).await?;
    let created = changed.value.created;
    let entry = Entry::from(changed.value.value);
    let answer = Answer::put(created, &entry)?.of_revision(changed.revision);
    Ok(prefer.settle(app, answer).await?)
}

/// Delete a consumer
///
/// With all of its credentials. Their secrets never work again, and its name stays reserved.
#[utoipa::path(delete, path = "/apisix/admin/consumers/{username}", tag = "apisix", operation_id = "apisix_delete_consumer", security(("ApiOwner" = [])),
    params(
        ("username" = String, Path, description = "The consumer's name"),
        ("gateway_group_id" = Option<String>, Query, nullable = false,
            description = "The name or id of the only gateway group that honours any of its credentials"),
    ),
    responses(
        (status = 200, description = "Gone", body = Deleted),
        (status = 400, description = "A parameter is not acceptable", body = RefusalBody),
        (status = 404, description = "No such consumer or gateway group", body = RefusalBody),
        (status = 409, description = "Other gateway groups honour its credentials as well", body = RefusalBody),
    ))]
async fn delete(
    owner: ApiOwner,
    State(app): State<AppState>,
    Path(username): Path<String>,
    Group(group): Group,
    prefer: Prefer,
) -> Result<Answer, Refusal> {
    let (env, key) = (app.environment(), consumer_key(&username));
    let deleted = consumer::delete(env, owner.caller(), username, group).await?;
    let answer = Answer::ok(&Deleted::at(key))?.of_revision(deleted.revision);
    Ok(prefer.settle(&app, answer).await?)
}
