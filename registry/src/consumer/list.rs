//! Listing consumers and their credentials, by pages that are counted.

use super::{Consumer, Held, find, is_own, known_group, view, with_mask};
use crate::{
    application::{Application, ApplicationQuery},
    caller::Caller,
    credential::{Credential, CredentialQuery},
    deployment,
    environment::Environment,
    error::{Error, Kind},
    label::Labels,
    listing::MAX_LIMIT,
    store::ReadTransaction,
};

/// Which to list.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// The page, from 1.
    pub page: usize,
    /// Entries at most on a page, at most 500.
    pub page_size: usize,
    /// With this in the name.
    pub name: Option<String>,
    /// With a label of this name.
    pub label: Option<String>,
    /// The name or id of a gateway group: for credentials, only those that are honoured there.
    pub gateway_group: Option<String>,
}

/// One page, and how many there are on all of them.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Of this page, in order of creation.
    pub items: Vec<T>,
    /// Of all pages.
    pub total: usize,
}

/// Counts what passes, and keeps what is on the page.
struct Paging<'a, T> {
    query: &'a ListQuery,
    listed: Listed<T>,
}

impl<'a, T> Paging<'a, T> {
    const fn new(query: &'a ListQuery) -> Self {
        let listed = Listed {
            items: Vec::new(),
            total: 0,
        };
        Self { query, listed }
    }

    fn take(&mut self, item: T) {
        let is_on_page = self.listed.total >= self.query.skipped();
        if is_on_page && self.listed.items.len() < self.query.size() {
            self.listed.items.push(item);
        }
        self.listed.total = self.listed.total.saturating_add(1);
    }
}

impl ListQuery {
    fn size(&self) -> usize {
        self.page_size.clamp(1, MAX_LIMIT)
    }

    /// How many there are on the pages before.
    fn skipped(&self) -> usize {
        self.page.saturating_sub(1).saturating_mul(self.size())
    }

    fn passes(&self, names: [&str; 2], labels: &Labels, custom_id: Option<&str>) -> bool {
        let has_name = |wanted: &String| names.iter().any(|name| name.contains(wanted.as_str()));
        let has_label = |wanted: &String| {
            labels.as_map().contains_key(wanted) || (wanted == "custom_id" && custom_id.is_some())
        };
        self.name.as_ref().is_none_or(has_name) && self.label.as_ref().is_none_or(has_label)
    }
}

/// Lists an organization's consumers.
pub async fn list(
    env: &Environment,
    caller: Caller,
    query: &ListQuery,
) -> Result<Listed<Consumer>, Error> {
    let mut read = env.store.read().await?;
    known_group(read.as_mut(), query.gateway_group.as_deref()).await?;
    let Listed { items, total } = if query.name.is_none() && query.label.is_none() {
        counted(read.as_mut(), caller, query).await?
    } else {
        filtered(read.as_mut(), caller, query).await?
    };
    let mut consumers = Vec::new();
    for application in items {
        consumers.push(view(read.as_mut(), application).await?);
    }
    Ok(Listed {
        items: consumers,
        total,
    })
}

/// One page of all of them, whose number is known: whoever reads every page reads each consumer once.
async fn counted(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    query: &ListQuery,
) -> Result<Listed<Application>, Error> {
    let organization = read.organization(caller.organization).await?;
    let organization = organization.ok_or(Error::NotFound(Kind::Organization))?;
    let total = usize::try_from(organization.applications).unwrap_or(usize::MAX);
    let items = if query.skipped() < total {
        read.applications_from(caller.organization, query.skipped(), query.size())
            .await?
    } else {
        Vec::new()
    };
    Ok(Listed { items, total })
}

/// One page of those that pass, for which all of them are read.
async fn filtered(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    query: &ListQuery,
) -> Result<Listed<Application>, Error> {
    let mut paging: Paging<Application> = Paging::new(query);
    let mut next = ApplicationQuery {
        limit: MAX_LIMIT,
        ..ApplicationQuery::default()
    };
    loop {
        let found = read.applications(caller.organization, &next).await?;
        let Some(last) = found.last() else {
            return Ok(paging.listed);
        };
        next.after = Some(last.id);
        for one in found {
            let names = [one.name.as_str(), ""];
            if query.passes(names, &one.labels, one.custom_id.as_deref()) {
                paging.take(one);
            }
        }
    }
}

/// Lists a consumer's credentials, without what it has by plugins of its own.
pub async fn credentials(
    env: &Environment,
    caller: Caller,
    name: &str,
    query: &ListQuery,
) -> Result<Listed<Held>, Error> {
    let mut read = env.store.read().await?;
    let application = find(read.as_mut(), caller, name).await?;
    let application = application.ok_or(Error::NotFound(Kind::Application))?;
    let group = known_group(read.as_mut(), query.gateway_group.as_deref()).await?;
    let mut paging: Paging<Credential> = Paging::new(query);
    let mut next = CredentialQuery {
        after: None,
        limit: MAX_LIMIT,
    };
    loop {
        let found = read.credentials(application.id, next).await?;
        let Some(last) = found.last() else { break };
        next.after = Some(last.id);
        for one in found {
            let exists_here = super::Method::of(one.kind).is_some() && !is_own(&one.identifier);
            if !exists_here || !query.passes([&one.name, &one.identifier], &one.labels, None) {
                continue;
            }
            if let Some(group) = &group {
                let groups = deployment::groups_of(read.as_mut(), &application, &one).await?;
                if !groups.iter().any(|honours| honours.id == group.id) {
                    continue;
                }
            }
            paging.take(one);
        }
    }
    let Listed { items, total } = paging.listed;
    let mut held = Vec::new();
    for credential in items {
        let secrets = read.unrevoked_secrets(credential.id).await?;
        held.extend(with_mask(credential, secrets).map(|(held, _)| held));
    }
    Ok(Listed { items: held, total })
}
