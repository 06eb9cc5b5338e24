//! Which gateways have a change, and until when those that do not may still decide without it.
//!
//! A gateway has what it reported as the lowest position over its workers. One that is silent is not given up: it may admit what
//! it knows for as long as it serves without the registry, and until then it counts. Receipts speak of new requests.

use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    gateway::{self, Gateways, Instance, Known, Standing, Wanted},
    ids::GroupId,
    store::ReadTransaction,
};

mod measure;
mod wait;

#[cfg(test)]
mod tests;

pub use measure::{Measured, measure};
pub use wait::{MAX_WAIT, wait};

/// A change that gateways are to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its position in the log: the highest of `targets`.
    pub revision: u64,
    /// When it was committed, while the log remembers.
    pub committed_at: Option<Timestamp>,
    epoch: [u8; 16],
    targets: Vec<Target>,
}

/// What the gateways of a group are to have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    group: GroupId,
    name: String,
    revision: u64,
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// The change's position in the log.
    pub revision: u64,
    /// When it was committed, while the log remembers.
    pub committed_at: Option<Timestamp>,
    /// How many gateways have it.
    pub applied: usize,
    /// How many it is for: those that may admit requests.
    pub of: usize,
    /// Milliseconds from the commit until the last gateway had it; `None` while one does not, and when it is not known any more.
    pub after_ms: Option<u64>,
    /// Every gateway that counts, those first that do not have it.
    pub gateways: Vec<Receipt>,
}

/// What one gateway has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name of its group.
    pub group: String,
    /// Its name; may be empty.
    pub gateway: String,
    /// The start of its process.
    pub instance: [u8; 16],
    /// Whether it has the change.
    pub state: State,
    /// The position that all its workers have; `None` if it has reported none in this log.
    pub revision: Option<u64>,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// Until when it may still decide without the change; `None` where that is not so.
    pub without: Option<Until>,
}

/// Until when a gateway may decide by what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Until then, if it hears nothing more.
    Then(Timestamp),
    /// For ever: it is configured so.
    Unbounded,
}

/// Whether a gateway has a change. Those that lack something come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It does not, and is silent.
    Silent,
    /// It does not yet.
    Pending,
    /// All its workers have it.
    Applied,
}

/// The change at this revision; `None` when there is none, or the log does not reach back to it.
pub async fn change(env: &Environment, revision: u64) -> Result<Option<Change>, Error> {
    let mut read = env.store.read().await?;
    let Some(committed) = read.change(revision).await? else {
        return Ok(None);
    };
    if committed.groups.is_empty() {
        return Ok(None);
    }
    let targets = committed.groups.iter().map(|group| (*group, revision));
    Change::of(read.as_mut(), targets).await
}

/// How far the change has come by now.
pub fn now(gateways: &Gateways, change: &Change, now: Timestamp) -> Propagation {
    gateways.look(|known| Propagation::of(change, known, now))
}

/// The last change of an application for the groups that know it; `None` if none does.
pub async fn of_application(
    env: &Environment,
    caller: Caller,
    id: crate::ids::ApplicationId,
) -> Result<Option<Change>, Error> {
    let mut read = env.store.read().await?;
    crate::application::find(read.as_mut(), caller, id).await?;
    let admitted = read.admitted_at(id).await?;
    Change::of(read.as_mut(), admitted).await
}

impl Change {
    /// What is to be had by these groups; `None` if that is nothing.
    pub(crate) async fn of(
        read: &mut dyn ReadTransaction,
        targets: impl IntoIterator<Item = (GroupId, u64)> + Send,
    ) -> Result<Option<Self>, Error> {
        let mut targets: Vec<(GroupId, u64)> = targets.into_iter().collect();
        targets.retain(|target| target.1 > 0);
        let Some(revision) = targets.iter().map(|target| target.1).max() else {
            return Ok(None);
        };
        let groups = read.groups().await?;
        let named = targets.into_iter().filter_map(|(id, revision)| {
            let group = groups.iter().find(|group| group.id == id)?;
            Some(Target {
                group: id,
                name: group.name.clone(),
                revision,
            })
        });
        Ok(Some(Self {
            revision,
            committed_at: read.committed_at(revision).await?,
            epoch: read.head().await?.epoch,
            targets: named.collect(),
        }))
    }

    fn wanted(&self, target: &Target) -> Wanted {
        Wanted {
            epoch: self.epoch,
            revision: target.revision,
            committed_at: self.committed_at,
        }
    }
}

impl Propagation {
    /// How far the change has come, by what gateways have reported.
    pub(crate) fn of(change: &Change, known: Known<'_>, now: Timestamp) -> Self {
        let mut gateways = Vec::new();
        let mut slowest = Slowest::default();
        for target in &change.targets {
            let wanted = change.wanted(target);
            for (instance, seen) in known.of(target.group) {
                let Some(standing) = seen.standing(&wanted, now) else {
                    continue;
                };
                if target.revision == change.revision {
                    slowest.note(&standing);
                }
                let place = (target.name.clone(), seen.gateway.clone(), instance);
                gateways.push(Receipt::new(place, seen.at, &standing));
            }
        }
        let has_it = |one: &&Receipt| one.state == State::Applied;
        let applied = gateways.iter().filter(has_it).count();
        let all_have = applied == gateways.len();
        gateways.sort_by(|a, b| {
            let place = |one: &Receipt| (one.state, one.group.clone(), one.gateway.clone());
            (place(a), a.instance).cmp(&(place(b), b.instance))
        });
        Self {
            revision: change.revision,
            committed_at: change.committed_at,
            applied,
            of: gateways.len(),
            after_ms: slowest.after(change.committed_at).filter(|_| all_have),
            gateways,
        }
    }

    /// Until when a gateway may still decide without the change, at the latest; `None` when all have it.
    #[must_use]
    pub fn without(&self) -> Option<Until> {
        self.gateways.iter().filter_map(|one| one.without).max()
    }
}

impl Receipt {
    fn new(
        (group, gateway, instance): (String, String, Instance),
        seen_at: Timestamp,
        standing: &Standing,
    ) -> Self {
        let state = match standing.state {
            gateway::State::Applied => State::Applied,
            gateway::State::Pending(_) => State::Pending,
            gateway::State::Silent => State::Silent,
        };
        let until = standing
            .may_admit_until
            .map_or(Until::Unbounded, Until::Then);
        Self {
            group,
            gateway,
            instance,
            state,
            revision: standing.revision,
            seen_at,
            without: (state != State::Applied).then_some(until),
        }
    }
}

/// When the last of those had a change that were there when it was made.
#[derive(Default)]
struct Slowest {
    at: Option<Timestamp>,
    is_unknown: bool,
}

impl Slowest {
    fn note(&mut self, standing: &Standing) {
        if standing.began_after {
            return;
        }
        self.at = self.at.max(standing.acknowledged_at);
        self.is_unknown |= standing.acknowledged_at.is_none();
    }

    fn after(&self, committed_at: Option<Timestamp>) -> Option<u64> {
        let at = self.at.filter(|_| !self.is_unknown)?;
        Some(at.as_millis().saturating_sub(committed_at?.as_millis()))
    }
}
