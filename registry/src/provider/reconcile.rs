//! Comparing what the registry knows of a provider's clients with what the provider says, and making them agree.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Operation, Provider,
    registrar::{ProviderError, ProviderErrorKind, Registered, Registrar},
    worker,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Error, Kind},
    ids::{CredentialId, OperationId, ProviderId},
    listing::MAX_LIMIT,
    oauth_client::{self, OauthClient, Registration},
};

/// What is to be done about what does not agree. Without any of it, it is only said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// What is unfinished is tried again, and metadata that differ are sent again.
    pub known: bool,
    /// Clients that bear the registry's mark and are no credential's are removed. Not where a copy of the database is served as
    /// well: its clients look the same.
    pub orphans: bool,
    /// What is unfinished and fails once more is forgotten: somebody looks after it by hand.
    pub forget: bool,
}

/// What a comparison has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Clients that were compared.
    pub checked: u64,
    /// Whether the provider lists its clients, so that orphans are found.
    pub lists: bool,
    /// What does not agree.
    pub findings: Vec<Finding>,
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Whose.
    pub credential: Option<CredentialId>,
    /// Its name at the provider.
    pub client_id: Option<String>,
    /// What is unfinished.
    pub operation: Option<OperationId>,
    /// For people.
    pub detail: String,
    /// Whether it agrees by now.
    pub repaired: bool,
}

/// What does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Something was begun at the provider, and is not known to be finished or undone.
    Unfinished,
    /// The client is registered otherwise than the registry knows.
    Drift,
    /// The provider does not know the client any more, or does not let the registry manage it: its owner rotates the
    /// credential, which registers another client, or deletes it.
    Lost,
    /// The client bears the registry's mark, and is no credential's.
    Orphan,
    /// The provider could not be asked.
    Unknown,
}

/// Compares, and makes agree what is asked for.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn reconcile(
    env: &Environment,
    caller: Caller,
    id: ProviderId,
    repair: Repair,
) -> Result<Reconciliation, Error> {
    env.complete(async move |env| reconcile_in_full(&env, caller, id, repair).await)
        .await
}

async fn reconcile_in_full(
    env: &Environment,
    caller: Caller,
    id: ProviderId,
    repair: Repair,
) -> Result<Reconciliation, Error> {
    let found = env.store.read().await?.provider(id).await?;
    let provider = found.ok_or(Error::NotFound(Kind::IdentityProvider))?;
    let registrar = env.registrars.of(env, &provider).await?;
    let mut desk = Desk {
        env,
        provider: &provider,
        registrar: registrar.as_ref(),
        repair,
        found: Reconciliation {
            checked: 0,
            lists: true,
            findings: Vec::new(),
        },
    };
    desk.unfinished().await?;
    desk.clients().await?;
    desk.orphans().await?;
    let found = desk.found;
    if repair != Repair::default() {
        let mut write = env.store.write().await?;
        let repaired = found.findings.iter().filter(|one| one.repaired).count();
        let event = Event::of(Action::ProviderReconciled, provider.name.clone())
            .with("found", found.findings.len())
            .with("repaired", repaired);
        audit::note(env, write.as_mut(), caller, event).await?;
        env.commit(write).await?;
    }
    Ok(found)
}

struct Desk<'a> {
    env: &'a Environment,
    provider: &'a Provider,
    registrar: &'a dyn Registrar,
    repair: Repair,
    found: Reconciliation,
}

impl Desk<'_> {
    /// Says what is unfinished, and tries it again.
    async fn unfinished(&mut self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let operations = {
                let mut read = self.env.store.read().await?;
                read.operations_at(self.provider.id, after, MAX_LIMIT)
                    .await?
            };
            let Some(last) = operations.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for operation in operations {
                let left = self.retry(&operation).await?;
                let told = left.as_ref().unwrap_or(&operation);
                let error = told.last_error.clone();
                self.found.findings.push(Finding {
                    kind: FindingKind::Unfinished,
                    credential: Some(operation.credential),
                    client_id: None,
                    operation: Some(operation.id),
                    detail: error.unwrap_or_else(|| "it has only just begun".to_owned()),
                    repaired: left.is_none(),
                });
            }
        }
    }

    /// What is left of it.
    async fn retry(&self, operation: &Operation) -> Result<Option<Operation>, Error> {
        if self.repair.known
            && let Some(intent) = worker::claim(self.env, operation.id, true).await?
        {
            worker::attempt(self.env, intent).await?;
        }
        let mut read = self.env.store.read().await?;
        let Some(left) = read.operation(operation.id).await? else {
            return Ok(None);
        };
        drop(read);
        if !self.repair.forget {
            return Ok(Some(left));
        }
        match worker::claim(self.env, left.id, true).await? {
            // Somebody is at it.
            None => Ok(Some(left)),
            Some(intent) => {
                worker::forget(self.env, &intent).await?;
                Ok(None)
            }
        }
    }

    /// Compares every client that the registry looks after.
    async fn clients(&mut self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut read = self.env.store.read().await?;
            let clients = read
                .oauth_clients_at(self.provider.id, after, MAX_LIMIT)
                .await?;
            drop(read);
            let Some(last) = clients.last() else {
                return Ok(());
            };
            after = Some(last.secret);
            for client in clients {
                if client.registration == Registration::Managed && !self.is_busy(&client).await? {
                    self.client(client).await?;
                }
            }
        }
    }

    /// What is being changed is not compared, and what manages it may be another any moment.
    async fn is_busy(&self, client: &OauthClient) -> Result<bool, Error> {
        let mut read = self.env.store.read().await?;
        let operations = read.operations_about(client.credential).await?;
        Ok(!operations.is_empty())
    }

    async fn client(&mut self, client: OauthClient) -> Result<(), Error> {
        let Some(reading) = oauth_client::begin_reading(self.env, &client).await? else {
            return Ok(());
        };
        self.found.checked = self.found.checked.saturating_add(1);
        let read = self.registrar.read(&reading.known()).await;
        match &read {
            Ok(registered) => {
                oauth_client::keep_management(self.env, &reading, registered).await?;
            }
            Err(_) => reading.forget(self.env).await?,
        }
        let (kind, detail) = match read {
            Ok(registered) => {
                let Some(members) = differing(&client, &registered) else {
                    return Ok(());
                };
                let detail = format!("registered otherwise: {}", members.join(", "));
                (FindingKind::Drift, detail)
            }
            // It can be changed and removed all the same.
            Err(error) if error.kind == ProviderErrorKind::Unsupported => return Ok(()),
            Err(error) => (kind_of(&error), error.description),
        };
        let repaired = kind == FindingKind::Drift && self.repair.known && {
            let sent = oauth_client::send_again(self.env, &client).await?;
            match sent {
                None => false,
                Some(intent) => {
                    let id = intent.operation.id;
                    worker::attempt(self.env, intent).await?;
                    let mut read = self.env.store.read().await?;
                    read.operation(id).await?.is_none()
                }
            }
        };
        self.found.findings.push(Finding {
            kind,
            credential: Some(client.credential),
            client_id: Some(client.client_id),
            operation: None,
            detail,
            repaired,
        });
        Ok(())
    }

    /// Looks for clients that are nobody's.
    async fn orphans(&mut self) -> Result<(), Error> {
        let listed = match self.registrar.list().await {
            Ok(listed) => listed,
            Err(error) if error.kind == ProviderErrorKind::Unsupported => {
                self.found.lists = false;
                return Ok(());
            }
            Err(error) => {
                self.found.findings.push(Finding {
                    kind: FindingKind::Unknown,
                    credential: None,
                    client_id: None,
                    operation: None,
                    detail: error.description,
                    repaired: false,
                });
                return Ok(());
            }
        };
        let own = listed
            .into_iter()
            .filter(|one| one.marker.provider == self.provider.id);
        for one in own {
            let mut read = self.env.store.read().await?;
            // What it is the mark of is still being looked after.
            let is_begun = read.operation(one.marker.operation).await?.is_some();
            let issuer = self.provider.issuer.as_deref().unwrap_or_default();
            let owner = read
                .oauth_client_known_as(issuer, &one.known.client_id)
                .await?;
            drop(read);
            if is_begun || owner.is_some() {
                continue;
            }
            let mut detail = format!("registered by the operation {}", one.marker.operation);
            let mut repaired = false;
            if self.repair.orphans {
                match self.registrar.delete(&one.known).await {
                    Ok(()) => repaired = true,
                    Err(error) if error.kind == ProviderErrorKind::Missing => repaired = true,
                    Err(error) => detail = format!("{detail}; not removed: {error}"),
                }
            }
            self.found.findings.push(Finding {
                kind: FindingKind::Orphan,
                credential: None,
                client_id: Some(one.known.client_id),
                operation: None,
                detail,
                repaired,
            });
        }
        Ok(())
    }
}

const fn kind_of(error: &ProviderError) -> FindingKind {
    match error.kind {
        ProviderErrorKind::Missing | ProviderErrorKind::Unmanaged => FindingKind::Lost,
        _ => FindingKind::Unknown,
    }
}

/// The members of the metadata that differ, by name; `None` where there are none.
fn differing(client: &OauthClient, registered: &Registered) -> Option<Vec<String>> {
    let known: Map<String, Value> = serde_json::from_str(&client.metadata).unwrap_or_default();
    let now = serde_json::to_value(&registered.metadata).unwrap_or_default();
    let Value::Object(now) = now else {
        return None;
    };
    let names: BTreeSet<&String> = known.keys().chain(now.keys()).collect();
    // Some providers keep no mark; what they answered at the registration did not contradict it.
    let is_no_mark =
        |name: &str| matches!(name, "software_id" | "software_version") && !now.contains_key(name);
    let differing = names.into_iter().filter(|name| {
        // Said apart, and only where there is one.
        name.as_str() != "client_secret_expires_at"
            && known.get(*name) != now.get(*name)
            && !is_no_mark(name)
    });
    let differing: Vec<String> = differing.cloned().collect();
    (!differing.is_empty()).then_some(differing)
}
