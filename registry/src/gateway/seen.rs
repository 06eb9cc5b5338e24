//! Which gateways were seen, and what they said.
//!
//! It is kept in memory, where a report costs nothing, and written down every now and then: a process that crashes loses
//! what was reported in the last moments, and every gateway reports again soon.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{GatewayRecord, Report, report::check_name};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField},
    ids::{GroupId, TokenId},
};

/// For how long a gateway that is silent is known.
pub const GATEWAYS_KEPT: Duration = Duration::from_hours(24);
/// Gateways known at most of one group, so that whoever has its token can forget only others of that group.
const MAX_OF_GROUP: usize = if cfg!(test) { 8 } else { 4096 };

/// The start of a gateway's process.
pub(super) type Instance = [u8; 16];

/// The gateways that are known. One for each process of the registry.
#[derive(Debug, Default)]
pub struct Gateways(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    groups: HashMap<GroupId, HashMap<Instance, Seen>>,
    /// What is not written down yet: reports, and that one is known no more.
    unsaved: BTreeSet<(GroupId, Instance)>,
}

/// What is known of one gateway.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) gateway: String,
    pub(super) at: Timestamp,
    pub(super) polled_at: Option<Timestamp>,
    pub(super) last: Option<GatewayRecord>,
    /// Whether something may be written down that is to be deleted when this is forgotten.
    saved: bool,
}

impl Gateways {
    /// The gateways that were written down.
    pub async fn load(env: &Environment) -> Result<Self, Error> {
        let known = Self::default();
        let records = env.store.read().await?.gateways().await?;
        let mut state = known.lock();
        for record in records {
            let seen = state.seen(record.group, record.report.instance, record.seen_at);
            seen.gateway.clone_from(&record.report.gateway);
            seen.last = Some(record);
            seen.saved = true;
        }
        drop(state);
        Ok(known)
    }

    /// Notes that a gateway begins to poll.
    pub fn polled(
        &self,
        group: GroupId,
        gateway: &str,
        instance: Instance,
        at: Timestamp,
    ) -> Result<(), InvalidField> {
        check_name(gateway)?;
        let mut state = self.lock();
        let seen = state.seen(group, instance, at);
        gateway.clone_into(&mut seen.gateway);
        seen.polled_at = Some(at);
        Ok(())
    }

    /// Notes a report that was checked, unless it is not newer than the last one from the same start of the gateway.
    pub(super) fn reported(&self, group: GroupId, token: TokenId, report: Report, at: Timestamp) {
        let mut state = self.lock();
        let instance = report.instance;
        let seen = state.seen(group, instance, at);
        if let Some(last) = &seen.last
            && report.sequence <= last.report.sequence
        {
            return;
        }
        seen.gateway.clone_from(&report.gateway);
        seen.last = Some(GatewayRecord {
            group,
            token,
            report,
            seen_at: at,
            reporting_since: at,
        });
        state.unsaved.insert((group, instance));
    }

    /// Forgets those that were not seen since.
    pub fn forget_before(&self, moment: Timestamp) {
        let state = &mut *self.lock();
        for (group, gateways) in &mut state.groups {
            gateways.retain(|instance, seen| {
                let stays = seen.at >= moment;
                if !stays {
                    forget(&mut state.unsaved, *group, *instance, seen);
                }
                stays
            });
        }
    }

    /// Writes down what is new, in one transaction, and nothing if nothing is.
    pub async fn save(&self, env: &Environment) -> Result<(), Error> {
        let taken = std::mem::take(&mut self.lock().unsaved);
        if taken.is_empty() {
            return Ok(());
        }
        let saved = self.write(env, &taken).await;
        if saved.is_err() {
            self.lock().unsaved.extend(taken);
        }
        saved
    }

    async fn write(
        &self,
        env: &Environment,
        unsaved: &BTreeSet<(GroupId, Instance)>,
    ) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        let groups: BTreeSet<GroupId> = write.groups().await?.iter().map(|one| one.id).collect();
        self.lock().groups.retain(|group, _| groups.contains(group));
        for (group, instance) in unsaved.iter().filter(|(group, _)| groups.contains(group)) {
            match self.to_save(*group, instance) {
                Some(record) => write.put_gateway(&record).await?,
                None => write.delete_gateway(*group, instance).await?,
            }
        }
        env.commit(write).await?;
        Ok(())
    }

    fn to_save(&self, group: GroupId, instance: &Instance) -> Option<GatewayRecord> {
        let mut state = self.lock();
        let seen = state.groups.get_mut(&group)?.get_mut(instance)?;
        // Before it is: whatever becomes of the transaction, to delete a row that is not there does no harm.
        seen.saved = true;
        seen.last.clone()
    }

    pub(super) fn all(&self) -> Vec<(GroupId, Instance, Seen)> {
        let state = self.lock();
        let of_group = |(group, gateways): (&GroupId, &HashMap<Instance, Seen>)| {
            let group = *group;
            let gateways: Vec<_> = gateways
                .iter()
                .map(|(instance, seen)| (group, *instance, seen.clone()))
                .collect();
            gateways
        };
        state.groups.iter().flat_map(of_group).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The gateway, seen at this moment. If there are too many, the one that was silent for longest is forgotten.
    fn seen(&mut self, group: GroupId, instance: Instance, at: Timestamp) -> &mut Seen {
        let gateways = self.groups.entry(group).or_default();
        if gateways.len() >= MAX_OF_GROUP && !gateways.contains_key(&instance) {
            let silent = gateways.iter().min_by_key(|(_, seen)| seen.at);
            let silent = silent.map(|(instance, _)| *instance);
            if let Some(silent) = silent
                && let Some(seen) = gateways.remove(&silent)
            {
                forget(&mut self.unsaved, group, silent, &seen);
            }
        }
        let seen = gateways.entry(instance).or_insert_with(|| Seen {
            gateway: String::new(),
            at,
            polled_at: None,
            last: None,
            saved: false,
        });
        seen.at = at.max(seen.at);
        seen
    }
}

/// Has what was written down of a gateway deleted, if anything was: what is unsaved stays bounded like what is known.
fn forget(
    unsaved: &mut BTreeSet<(GroupId, Instance)>,
    group: GroupId,
    instance: Instance,
    seen: &Seen,
) {
    if seen.saved {
        unsaved.insert((group, instance));
    } else {
        unsaved.remove(&(group, instance));
    }
}
