//! What registries that share a database know of each other's gateways.
//!
//! Each writes down what it hears, together with what is written already: of a gateway that reports now here and now there, the
//! report with the highest sequence counts, and the latest moment of everything. Each takes in what the others write as soon as
//! they announce it, and every few seconds in any case. Nothing that cannot be undone is done on that alone: who is about to
//! holds the turn to write, reads everything once more, and wants every registry to have said lately that it has written down all
//! it heard. One that stops without a word is waited for, and what it may have heard last counts as lost.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use super::{Acknowledged, Gateways, Instance, LONGEST_ANSWER, State};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    gateway::{GatewayPoll, GatewayRecord},
    ids::GroupId,
    store::ReadTransaction,
};

/// How often a registry says that it has written everything down.
const WITNESS_EVERY: Duration = Duration::from_secs(10);
/// Within which every registry must have said so before something is done that cannot be undone. Clocks may differ by a minute.
const WITNESS_FRESH: Duration = Duration::from_secs(90);
/// By how much the clocks of registries may differ.
const CLOCKS_DIFFER: Duration = Duration::from_mins(1);
/// A registry that has not said so for this long has stopped.
pub(super) const WITNESS_SILENT_AFTER: Duration = Duration::from_mins(3);

/// Whether it is time to say that everything is written down.
pub(super) fn is_due(told_at: Option<Timestamp>, now: Timestamp) -> bool {
    told_at.is_none_or(|at| at.after(WITNESS_EVERY) <= now || at > now)
}

/// What is written down.
struct Written {
    /// The log's last revision.
    head: u64,
    reports: Vec<GatewayRecord>,
    polls: Vec<GatewayPoll>,
}

impl Written {
    async fn read(read: &mut dyn ReadTransaction) -> Result<Self, Error> {
        Ok(Self {
            head: read.head().await?.revision,
            reports: read.gateways().await?,
            polls: read.gateway_polls().await?,
        })
    }

    fn keys(&self) -> BTreeSet<(GroupId, Instance)> {
        let reports = self.reports.iter();
        let reports = reports.map(|one| (one.group, one.report.instance));
        let polls = self.polls.iter().map(|one| (one.group, one.instance));
        reports.chain(polls).collect()
    }
}

impl Gateways {
    /// Waits until there is something to write down that other registries wait for.
    pub(crate) async fn prompted(&self) {
        self.prompt.notified().await;
    }

    /// Takes in what other registries have written down since.
    pub async fn refresh(&self, env: &Environment) -> Result<(), Error> {
        if !self.is_shared {
            return Ok(());
        }
        let _mine = self.exchange.lock().await;
        let mut read = env.store.read().await?;
        let witnesses = read.witnesses().await?;
        let others = witnesses.iter().any(|one| one.registry != self.registry);
        // Once more after the last one has left.
        if !self.has_others.swap(others, Ordering::Relaxed) && !others {
            return Ok(());
        }
        let written = Written::read(read.as_mut()).await?;
        drop(read);
        let known = written.keys();
        let mut state = self.lock();
        state.take_in(&written);
        state.drop_those_forgotten(&known);
        drop(state);
        self.heard();
        Ok(())
    }

    /// Takes in everything that is written down as the transaction sees it.
    pub(super) async fn learn(&self, read: &mut dyn ReadTransaction) -> Result<(), Error> {
        let written = Written::read(read).await?;
        self.lock().take_in(&written);
        Ok(())
    }

    /// Whether all is known here that any registry has heard of gateways, up to a moment ago, as long as the transaction
    /// lasts. To be asked in the transaction that does what cannot be undone.
    pub(crate) async fn knows_all(
        &self,
        read: &mut dyn ReadTransaction,
        now: Timestamp,
    ) -> Result<bool, Error> {
        if !self.is_shared {
            return Ok(true);
        }
        self.learn(read).await?;
        let witnesses = read.witnesses().await?;
        let fresh = now.before(WITNESS_FRESH);
        let mut others = witnesses.iter().filter(|one| one.registry != self.registry);
        Ok(others.all(|one| one.told_at >= fresh))
    }

    /// A moment at which it is as late by every registry's clock: what has ended by then has ended wherever it was heard of.
    pub(crate) fn cautious(&self, now: Timestamp) -> Timestamp {
        if self.is_shared {
            now.before(CLOCKS_DIFFER)
        } else {
            now
        }
    }

    /// Forgets what was heard of a log that is gone: no position in it is one in this log.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.lock();
        let state = &mut *state;
        for (group, gateways) in &mut state.groups {
            for (instance, seen) in gateways {
                seen.acknowledged = Acknowledged::default();
                if let Some(last) = &mut seen.last {
                    last.report.complete = false;
                    state.unsaved.insert((*group, *instance));
                }
            }
        }
    }
}

impl State {
    fn take_in(&mut self, written: &Written) {
        for record in &written.reports {
            self.take_in_report(record, written.head);
        }
        for poll in &written.polls {
            self.take_in_poll(poll);
        }
    }

    /// Whether it is to be deleted as it is written down.
    fn is_gone(&mut self, key: (GroupId, Instance), heard_at: Timestamp) -> bool {
        match self.gone.get(&key) {
            Some(until) if heard_at <= *until => true,
            Some(_) => {
                // Another registry has heard of it since.
                self.gone.remove(&key);
                false
            }
            None => false,
        }
    }

    fn take_in_report(&mut self, record: &GatewayRecord, head: u64) {
        let (group, report) = (record.group, &record.report);
        if self.is_gone((group, report.instance), record.seen_at) {
            return;
        }
        let is_new = !self.knows(group, &report.instance);
        let seen = self.seen(group, report.instance, record.seen_at);
        seen.saved = true;
        if is_new {
            seen.began_at = None;
        }
        seen.answered_by = record.seen_at.after(LONGEST_ANSWER).max(seen.answered_by);
        let Some(last) = &mut seen.last else {
            seen.gateway.clone_from(&report.gateway);
            seen.is_ahead = report.revision > head;
            seen.acknowledged = Acknowledged::since(report.revision);
            seen.last = Some(record.clone());
            return;
        };
        let since = last.reporting_since.max(record.reporting_since);
        last.reporting_since = since;
        if report.sequence <= last.report.sequence {
            return;
        }
        seen.gateway.clone_from(&report.gateway);
        seen.is_ahead = report.revision > head;
        if last.report.epoch != report.epoch {
            seen.acknowledged = Acknowledged::default();
        }
        if report.complete && !seen.is_ahead {
            seen.acknowledged.note(report.revision, record.seen_at);
        }
        *last = GatewayRecord {
            reporting_since: since,
            ..record.clone()
        };
    }

    fn take_in_poll(&mut self, poll: &GatewayPoll) {
        if self.is_gone((poll.group, poll.instance), poll.polled_at) {
            return;
        }
        let is_new = !self.knows(poll.group, &poll.instance);
        let seen = self.seen(poll.group, poll.instance, poll.polled_at);
        seen.saved = true;
        if is_new {
            seen.began_at = None;
            seen.gateway.clone_from(&poll.gateway);
        }
        seen.polled_at = seen.polled_at.max(Some(poll.polled_at));
        seen.answered_by = poll.answered_by.max(seen.answered_by);
        seen.answered_by_saved = poll.answered_by.max(seen.answered_by_saved);
    }

    fn knows(&self, group: GroupId, instance: &Instance) -> bool {
        let gateways = self.groups.get(&group);
        gateways.is_some_and(|gateways| gateways.contains_key(instance))
    }

    /// Forgets what was written down and is not any more, because another registry has forgotten it, unless it was heard of here
    /// since.
    fn drop_those_forgotten(&mut self, written: &BTreeSet<(GroupId, Instance)>) {
        let unsaved = &self.unsaved;
        for (group, gateways) in &mut self.groups {
            gateways.retain(|instance, seen| {
                let key = (*group, *instance);
                !seen.saved || unsaved.contains(&key) || written.contains(&key)
            });
        }
    }
}
