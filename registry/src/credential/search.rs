//! Finding credentials, page by page.

use std::time::Duration;

use super::{Credential, CredentialDetail, CredentialType, shown};
use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField},
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId},
    listing::{Listing, MAX_LIMIT},
    owner::Owner,
    store::ReadTransaction,
};

mod cursor;

#[cfg(test)]
mod tests;

use cursor::Cursor;

/// Which credentials to find, and in which order. Every filter that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct CredentialSearch {
    /// Of the application with this id or name.
    pub application: Option<String>,
    /// With this in the name, in any case.
    pub name: Option<String>,
    /// With all of these labels.
    pub labels: Vec<LabelFilter>,
    /// With a living secret that is shown to begin so.
    pub prefix: Option<String>,
    /// With a living secret that is shown to end so.
    pub last_four: Option<String>,
    /// Of this type.
    pub kind: Option<CredentialType>,
    /// Of this status.
    pub status: Option<CredentialStatus>,
    /// Which expire within this time from now.
    pub expiring_within: Option<Duration>,
    /// Which nobody used for this time; one that was never used, since it was made.
    pub unused_for: Option<Duration>,
    /// Whose rotation stands so.
    pub rotation: Option<RotationFilter>,
    /// Which gateways of this group have.
    pub gateway_group: Option<String>,
    /// The order.
    pub order: Order,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// A label that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFilter {
    /// Its name.
    pub name: String,
    /// Its value, if not just any.
    pub value: Option<String>,
}

/// Why a credential is honoured or not. Only the first excludes the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It is honoured now.
    Enabled,
    /// It is disabled itself.
    Disabled,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its application is disabled.
    ApplicationDisabled,
}

/// How a rotation stands that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationFilter {
    /// It is time.
    Due,
    /// It comes within the time of warning.
    DueSoon,
}

/// An order of credentials. Those that agree in it follow by id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// By what credentials can be ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// When they were made.
    #[default]
    CreatedAt,
    /// Their names, by their bytes.
    Name,
    /// When they were last changed.
    UpdatedAt,
    /// When they expire: never is the latest.
    ExpiresAt,
    /// When they were last used: never is the earliest.
    LastUsedAt,
}

/// [`CredentialSearch`], with everything looked up.
#[derive(Clone, Debug)]
pub struct CredentialFilter {
    /// Whose credentials.
    pub organization: OrganizationId,
    /// Of this owner's applications.
    pub owner: Option<Owner>,
    /// Of this application.
    pub application: Option<ApplicationId>,
    /// With this in the name, in lower case.
    pub name: Option<String>,
    /// With all of these labels.
    pub labels: Vec<LabelFilter>,
    /// With a living secret that is shown to begin so.
    pub prefix: Option<String>,
    /// With a living secret that is shown to end so.
    pub last_four: Option<String>,
    /// Of this type.
    pub kind: Option<CredentialType>,
    /// Of this status.
    pub status: Option<CredentialStatus>,
    /// Which expire until then.
    pub expiring_until: Option<Timestamp>,
    /// Which nobody used since.
    pub unused_since: Option<Timestamp>,
    /// Whose rotation stands so.
    pub rotation: Option<RotationFilter>,
    /// After what time new secrets are due where credentials do not say it.
    pub rotate_every: Option<Duration>,
    /// How long before that it is announced.
    pub rotation_warning: Duration,
    /// Which gateways of this group have.
    pub group: Option<GroupId>,
    /// The moment that decides what has expired.
    pub now: Timestamp,
}

/// Where a page ended: the last credential's key in the order, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceInOrder {
    /// The key.
    pub key: OrderKey,
    /// The id.
    pub id: CredentialId,
}

/// By what a credential is sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKey {
    /// By nothing but its id.
    Id,
    /// By a text.
    Text(String),
    /// By a moment, or never.
    Moment(Option<Timestamp>),
}

impl OrderBy {
    fn key(self, credential: &Credential) -> OrderKey {
        match self {
            Self::CreatedAt => OrderKey::Id,
            Self::Name => OrderKey::Text(credential.name.clone()),
            Self::UpdatedAt => OrderKey::Moment(Some(credential.updated_at)),
            Self::ExpiresAt => OrderKey::Moment(credential.expires_at),
            Self::LastUsedAt => OrderKey::Moment(credential.last_used_at),
        }
    }
}

/// What was found, and where the next page begins, if there is one.
#[derive(Clone, Debug)]
pub struct Found {
    /// In the order that was asked for.
    pub items: Vec<CredentialDetail>,
    /// For [`CredentialSearch::cursor`].
    pub next_cursor: Option<String>,
}

/// Finds credentials that the caller sees. What does not change between two pages is neither repeated nor skipped; what
/// time decides is decided for all pages by the moment of the first.
pub async fn search(
    env: &Environment,
    caller: Caller,
    search: CredentialSearch,
) -> Result<Found, Error> {
    let asked = Cursor::digest(caller, &search);
    let cursor = search
        .cursor
        .as_deref()
        .map(|text| Cursor::read(text, asked))
        .transpose()?;
    let now = cursor
        .as_ref()
        .map_or_else(|| env.now(), |cursor| cursor.at);
    let limit = search.limit.clamp(1, MAX_LIMIT);
    let order = search.order;
    let mut read = env.store.read().await?;
    let filter = look_up(env, read.as_mut(), caller, search, now).await?;
    let after = cursor.map(|cursor| cursor.place);
    let found = read
        .search_credentials(&filter, order, after.as_ref(), limit.saturating_add(1))
        .await?;
    let found = Listing::cut(found, limit);
    let next_cursor = found.items.last().filter(|_| found.more).map(|last| {
        let place = PlaceInOrder {
            key: order.by.key(last),
            id: last.id,
        };
        Cursor { place, at: now }.write(asked)
    });
    let items = shown::details(env, read.as_mut(), found.items).await?;
    Ok(Found { items, next_cursor })
}

async fn look_up(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    caller: Caller,
    search: CredentialSearch,
    now: Timestamp,
) -> Result<CredentialFilter, Error> {
    let application = match &search.application {
        Some(named) => Some(application_called(read, caller, named).await?),
        None => None,
    };
    let group = match &search.gateway_group {
        Some(name) => {
            let known = read.groups().await?;
            let found = known.into_iter().find(|group| group.name == *name);
            let unknown = || InvalidField::new("gateway_group", "no gateway group has this name");
            Some(found.ok_or_else(unknown)?.id)
        }
        None => None,
    };
    Ok(CredentialFilter {
        organization: caller.organization,
        owner: caller.owner(),
        application,
        name: search.name.map(|name| name.to_ascii_lowercase()),
        labels: search.labels,
        prefix: search.prefix,
        last_four: search.last_four,
        kind: search.kind,
        status: search.status,
        expiring_until: search.expiring_within.map(|time| now.after(time)),
        unused_since: search.unused_for.map(|time| now.before(time)),
        rotation: search.rotation,
        rotate_every: env.rotation.every,
        rotation_warning: env.rotation.warning,
        group,
        now,
    })
}

async fn application_called(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    named: &str,
) -> Result<ApplicationId, Error> {
    let id = match named.parse() {
        Ok(id) => Some(id),
        Err(_) => read.application_named(named).await?,
    };
    if let Some(id) = id
        && let Some(application) = read.application(id).await?
        && caller.sees(&application)
    {
        return Ok(id);
    }
    Err(InvalidField::new("application", "no application has this id or name").into())
}
