//! Writing down what is known of gateways.

use std::collections::{BTreeMap, BTreeSet};

use super::{Gateways, Instance, POLL_AHEAD, sharing};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    gateway::{GatewayPoll, GatewayRecord},
    ids::GroupId,
    store::{Witness, WriteTransaction},
    usage::{Day, LostUsage},
};

/// What is to be written down.
#[derive(Default)]
struct Unsaved {
    heard: BTreeSet<(GroupId, Instance)>,
    gone: BTreeMap<(GroupId, Instance), Timestamp>,
    forgotten: BTreeMap<GroupId, Timestamp>,
    /// Everything that was heard before is in this.
    at: Option<Timestamp>,
}

impl Gateways {
    /// Writes down what is new, in one transaction, and nothing if nothing is. Where registries share the database, it says
    /// every now and then in any case that there is nothing else.
    pub async fn save(&self, env: &Environment) -> Result<(), Error> {
        let _mine = self.exchange.lock().await;
        let Some(unsaved) = self.take(env.now()) else {
            return Ok(());
        };
        let saved = self.write(env, &unsaved).await;
        let state = &mut *self.lock();
        if saved.is_ok() {
            // Not before it is written down, because somebody may look in between.
            let written = &unsaved.forgotten;
            state
                .forgotten
                .retain(|group, until| written.get(group).is_none_or(|saved| saved < until));
            let written = &unsaved.gone;
            state
                .gone
                .retain(|key, until| written.get(key).is_none_or(|deleted| deleted < until));
            state.told_at = unsaved.at;
        } else {
            state.unsaved.extend(unsaved.heard);
        }
        saved
    }

    /// `None` where there is nothing to write.
    fn take(&self, now: Timestamp) -> Option<Unsaved> {
        let state = &mut *self.lock();
        let is_due = self.is_shared && sharing::is_due(state.told_at, now);
        let nothing =
            state.unsaved.is_empty() && state.gone.is_empty() && state.forgotten.is_empty();
        (is_due || !nothing).then(|| Unsaved {
            heard: std::mem::take(&mut state.unsaved),
            // Stays until it is deleted: what is read meanwhile is not known again.
            gone: state.gone.clone(),
            forgotten: state.forgotten.clone(),
            at: Some(now),
        })
    }

    async fn write(&self, env: &Environment, unsaved: &Unsaved) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        let write_to = write.as_mut();
        let groups: BTreeSet<GroupId> = write_to.groups().await?.iter().map(|one| one.id).collect();
        self.lock().groups.retain(|group, _| groups.contains(group));
        let exists = |group: &GroupId| groups.contains(group);
        if self.is_shared {
            // What is written is what both know.
            self.learn(write_to).await?;
        }
        // Unless another registry has heard of it since.
        let is_gone = |key: &(GroupId, Instance)| self.lock().gone.contains_key(key);
        for key in unsaved.gone.keys() {
            if is_gone(key) {
                write_to.delete_gateway(key.0, &key.1).await?;
            }
        }
        for (group, instance) in unsaved.heard.iter().filter(|(group, _)| exists(group)) {
            let (record, poll) = self.to_save(*group, instance);
            if let Some(record) = record {
                write_to.put_gateway(&record).await?;
            }
            if let Some(poll) = poll {
                write_to.put_gateway_poll(&poll).await?;
            }
        }
        for (group, until) in unsaved.forgotten.iter().filter(|(group, _)| exists(group)) {
            note_lost(write_to, *group, *until).await?;
        }
        if self.is_shared {
            self.bear_witness(write_to, &groups, env.now(), unsaved.at)
                .await?;
        }
        env.commit(write).await?;
        Ok(())
    }

    /// Says up to when everything is written down that was heard here, and gives those up that have not said so for long: what
    /// they had heard last is not known, so nothing is known to have been silent.
    async fn bear_witness(
        &self,
        write: &mut dyn WriteTransaction,
        groups: &BTreeSet<GroupId>,
        now: Timestamp,
        told_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let registry = self.registry;
        let told_at = told_at.unwrap_or(now);
        // First of all: what this one has heard, it knows, however long it has said nothing.
        write.put_witness(Witness { registry, told_at }).await?;
        let before = now.before(sharing::WITNESS_SILENT_AFTER);
        if write.forget_witnesses(before).await? > 0 {
            tracing::warn!(
                "another registry on this database has stopped without a word: what gateways told it last is lost"
            );
            for group in groups {
                note_lost(write, *group, now).await?;
            }
        }
        write.announce_gateways().await?;
        Ok(())
    }

    /// After the last save: nothing more is heard here, and nothing is lost.
    pub async fn leave(&self, env: &Environment) -> Result<(), Error> {
        if !self.is_shared {
            return Ok(());
        }
        let mut write = env.store.write().await?;
        write.delete_witness(&self.registry).await?;
        env.commit(write).await?;
        Ok(())
    }

    fn to_save(
        &self,
        group: GroupId,
        instance: &Instance,
    ) -> (Option<GatewayRecord>, Option<GatewayPoll>) {
        let mut state = self.lock();
        let gateways = state.groups.get_mut(&group);
        let Some(seen) = gateways.and_then(|gateways| gateways.get_mut(instance)) else {
            return (None, None);
        };
        // Before it is: whatever becomes of the transaction, to delete a row that is not there does no harm.
        seen.saved = true;
        let is_ahead = seen.answered_by > seen.answered_by_saved;
        let polled_at = seen.polled_at.filter(|_| self.is_shared && is_ahead);
        let poll = polled_at.map(|polled_at| GatewayPoll {
            group,
            instance: *instance,
            gateway: seen.gateway.clone(),
            polled_at,
            answered_by: seen.answered_by.after(POLL_AHEAD),
        });
        if let Some(poll) = &poll {
            seen.answered_by_saved = poll.answered_by;
        }
        (seen.last.clone(), poll)
    }
}

/// Notes that a group's gateways may have used, up to this moment, what nobody heard of.
async fn note_lost(
    write: &mut dyn WriteTransaction,
    group: GroupId,
    until: Timestamp,
) -> Result<(), Error> {
    let lost = LostUsage {
        group,
        day: Day::of(until),
        count: 0,
        last: until,
    };
    Ok(write.add_lost_usage(&lost).await?)
}
