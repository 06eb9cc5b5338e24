//! Which gateways were seen, and what they said.
//!
//! It is kept in memory, where a report costs nothing, and written down every now and then: a process that crashes loses
//! what was reported in the last moments, and every gateway reports again soon. Where several registries share a database,
//! each learns what the others have written down (`sharing`).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, SemaphorePermit, watch};

use super::{GatewayRecord, Report, acknowledged::Acknowledged, report::check_name};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::{Error, InvalidField},
    ids::{GroupId, TokenId},
};

mod saving;
mod sharing;

/// For how long a gateway that is silent is known at least. One that may admit requests for longer is known as long as that.
pub const GATEWAYS_KEPT: Duration = Duration::from_hours(24);
/// For how long one is known that may admit requests for ever.
const UNBOUNDED_KEPT: Duration = Duration::from_hours(30 * 24);
/// What a gateway waits at most for an answer beyond the wait that it asks for.
const ANSWER_MARGIN: Duration = Duration::from_secs(6);
/// The longest wait that it can ask for, and the margin: for one of whose polls this process knows nothing.
const LONGEST_ANSWER: Duration = Duration::from_secs(66);
/// Reports that are further apart leave a gap.
const GAP: Duration = Duration::from_mins(1);
/// Requests at most that wait for gateways.
const MAX_WAITERS: usize = if cfg!(test) { 2 } else { 1024 };
/// Gateways known at most of one group, so that whoever has its token can forget only others of that group.
const MAX_OF_GROUP: usize = if cfg!(test) { 8 } else { 4096 };

/// By how much what is written down of a poll is ahead of it, so that not every poll is.
const POLL_AHEAD: Duration = Duration::from_secs(20);
/// Later than everything.
const ALWAYS: Timestamp = Timestamp::from_millis(u64::MAX);

/// The start of a gateway's process.
pub(crate) type Instance = [u8; 16];

/// The gateways that are known. One for each process of the registry.
#[derive(Debug)]
pub struct Gateways {
    state: Mutex<State>,
    /// Raised with each report.
    reports: watch::Sender<u64>,
    waiters: Semaphore,
    /// Random, one for each start of a registry.
    registry: [u8; 16],
    /// Whether other registries may share the database.
    is_shared: bool,
    /// Whether one did when that was last looked at.
    has_others: AtomicBool,
    /// For who writes down what is known here, or takes in what others have written: one at a time.
    exchange: AsyncMutex<()>,
    /// Told when there is something to write down that others wait for.
    prompt: Notify,
}

impl Default for Gateways {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            reports: watch::Sender::new(0),
            waiters: Semaphore::new(MAX_WAITERS),
            registry: [0; 16],
            is_shared: false,
            has_others: AtomicBool::new(false),
            exchange: AsyncMutex::new(()),
            prompt: Notify::new(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    groups: HashMap<GroupId, HashMap<Instance, Seen>>,
    /// Those of which something is not written down yet.
    unsaved: BTreeSet<(GroupId, Instance)>,
    /// Those of which what was written down up to this moment is to be deleted.
    gone: BTreeMap<(GroupId, Instance), Timestamp>,
    /// Where gateways were forgotten that may have used what they did not report, until when, while that is not written down.
    forgotten: BTreeMap<GroupId, Timestamp>,
    /// When everything was last written down that was heard here.
    told_at: Option<Timestamp>,
}

/// What is known of one gateway.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) gateway: String,
    pub(crate) at: Timestamp,
    pub(super) polled_at: Option<Timestamp>,
    /// When it was first seen; `None` if that was by an earlier process.
    pub(super) began_at: Option<Timestamp>,
    /// Until when an answer of the registry may have reached it.
    pub(super) answered_by: Timestamp,
    pub(super) acknowledged: Acknowledged,
    /// Whether the position that it last reported is one that this log has not reached: it is of a log that was rolled back.
    pub(super) is_ahead: bool,
    pub(super) last: Option<GatewayRecord>,
    /// Whether something may be written down that is to be deleted when this is forgotten.
    saved: bool,
    /// Until when an answer may reach it, by what is written down of its polls.
    answered_by_saved: Timestamp,
}

impl Gateways {
    /// The gateways that were written down.
    pub async fn load(env: &Environment) -> Result<Self, Error> {
        let known = Self {
            registry: env.entropy.bytes()?,
            is_shared: env.store.is_shared(),
            ..Self::default()
        };
        known.learn(env.store.read().await?.as_mut()).await?;
        Ok(known)
    }

    /// Notes that a gateway begins to poll, and waits so long for a change.
    pub fn polled(
        &self,
        group: GroupId,
        gateway: &str,
        instance: Instance,
        wait: Duration,
        at: Timestamp,
    ) -> Result<(), InvalidField> {
        check_name(gateway)?;
        let mut state = self.lock();
        let seen = state.seen(group, instance, at);
        gateway.clone_into(&mut seen.gateway);
        seen.polled_at = Some(at);
        let answered_by = at.after(wait).after(ANSWER_MARGIN);
        seen.answered_by = answered_by.max(seen.answered_by);
        if self.is_shared && seen.answered_by > seen.answered_by_saved {
            state.unsaved.insert((group, instance));
        }
        Ok(())
    }

    /// Notes a report that was checked, unless it is not newer than the last one from the same start of the gateway. `head` is
    /// the log's last revision.
    pub(super) fn reported(
        &self,
        group: GroupId,
        token: TokenId,
        report: Report,
        head: u64,
        at: Timestamp,
    ) {
        let mut state = self.lock();
        let instance = report.instance;
        let seen = state.seen(group, instance, at);
        if let Some(last) = &seen.last
            && report.sequence <= last.report.sequence
        {
            return;
        }
        seen.gateway.clone_from(&report.gateway);
        seen.answered_by = at.after(ANSWER_MARGIN).max(seen.answered_by);
        seen.is_ahead = report.revision > head;
        let last = seen.last.as_ref();
        if last.is_some_and(|last| last.report.epoch != report.epoch) {
            seen.acknowledged = Acknowledged::default();
        }
        let is_receipt = last.is_none_or(|last| !last.report.says_the_same(&report));
        if report.complete && !seen.is_ahead {
            seen.acknowledged.note(report.revision, at);
        }
        let reporting_since = last
            .filter(|last| last.seen_at.after(GAP) >= at)
            .map_or(at, |last| last.reporting_since);
        seen.last = Some(GatewayRecord {
            group,
            token,
            report,
            seen_at: at,
            reporting_since,
        });
        state.unsaved.insert((group, instance));
        drop(state);
        self.heard();
        if is_receipt && self.has_others.load(Ordering::Relaxed) {
            self.prompt.notify_one();
        }
    }

    /// Wakes who waits for gateways.
    fn heard(&self) {
        self.reports
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes with each report.
    pub(crate) fn reports(&self) -> watch::Receiver<u64> {
        self.reports.subscribe()
    }

    /// A place among those who wait for gateways; `None` when all are taken.
    pub(crate) fn waiter(&self) -> Option<SemaphorePermit<'_>> {
        self.waiters.try_acquire().ok()
    }

    /// Looks at the gateways of groups.
    pub(crate) fn look<T>(&self, with: impl FnOnce(Known<'_>) -> T) -> T {
        with(Known(&self.lock()))
    }

    /// How many gateways are silent, of those that may admit requests.
    #[must_use]
    pub fn silent(&self, now: Timestamp) -> usize {
        self.look(|known| known.silent(now))
    }

    /// Notes that what a gateway counted was not kept: until it is, its reports leave a gap.
    pub(crate) fn usage_not_kept(&self, group: GroupId, instance: &Instance, at: Timestamp) {
        let mut state = self.lock();
        let gateways = state.groups.get_mut(&group);
        let seen = gateways.and_then(|gateways| gateways.get_mut(instance));
        if let Some(last) = seen.and_then(|seen| seen.last.as_mut()) {
            last.reporting_since = at;
            state.unsaved.insert((group, *instance));
        }
    }

    /// Since when all gateways of the group that may admit requests have reported without a gap, and no other may have admitted
    /// any; `None` if one does not, or if there is none.
    pub fn reporting_since(&self, group: GroupId, now: Timestamp) -> Option<Timestamp> {
        self.look(|known| {
            let mut latest = None;
            let mut quiet_since = known.0.forgotten.get(&group).copied();
            for (_, seen) in known.of(group) {
                if let Some(end) = seen.may_admit_until().filter(|end| *end <= now) {
                    quiet_since = quiet_since.max(Some(end));
                    continue;
                }
                latest = latest.max(Some(seen.reporting_since(now)?));
            }
            latest.map(|latest| quiet_since.map_or(latest, |quiet| quiet.max(latest)))
        })
    }

    /// Forgets a gateway, such as one that is known to be gone. It is known again when it is heard of again. False if none has
    /// this start.
    pub fn forget(&self, instance: Instance, now: Timestamp) -> bool {
        let state = &mut *self.lock();
        let mut is_known = false;
        for (group, gateways) in &mut state.groups {
            if let Some(seen) = gateways.remove(&instance) {
                note(&mut state.forgotten, *group, &seen, now);
                // Whatever another registry has heard of it since: it is heard of again if that is so.
                state.unsaved.remove(&(*group, instance));
                forget(&mut state.gone, *group, instance, &seen, ALWAYS);
                is_known = true;
            }
        }
        is_known
    }

    /// Forgets those that were not heard of for a day, unless they may still admit requests.
    pub fn forget_silent(&self, now: Timestamp) {
        let state = &mut *self.lock();
        for (group, gateways) in &mut state.groups {
            gateways.retain(|instance, seen| {
                let end = seen.may_admit_until();
                let end = end.unwrap_or_else(|| seen.at.after(UNBOUNDED_KEPT));
                let stays = end.max(seen.at.after(GATEWAYS_KEPT)) >= now;
                if !stays {
                    note(&mut state.forgotten, *group, seen, now);
                    state.unsaved.remove(&(*group, *instance));
                    forget(&mut state.gone, *group, *instance, seen, seen.at);
                }
                stays
            });
        }
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gateways that are known, while nothing is noted.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a>(&'a State);

impl<'a> Known<'a> {
    /// Those of one group.
    pub(crate) fn of(self, group: GroupId) -> impl Iterator<Item = (Instance, &'a Seen)> {
        let gateways = self.0.groups.get(&group).into_iter().flatten();
        gateways.map(|(instance, seen)| (*instance, seen))
    }

    /// One of them.
    pub(crate) fn one(self, group: GroupId, instance: &Instance) -> Option<&'a Seen> {
        self.0.groups.get(&group)?.get(instance)
    }

    /// How many are silent, of those that may admit requests.
    pub(crate) fn silent(self, now: Timestamp) -> usize {
        let all = self.0.groups.values().flat_map(HashMap::values);
        let may_admit = |seen: &&Seen| seen.may_admit_until().is_none_or(|end| end > now);
        all.filter(may_admit)
            .filter(|seen| seen.is_silent(now))
            .count()
    }
}

impl Seen {
    /// Since when it has reported what it counts without a gap; `None` while it does not. A poll is no report, and a filter that
    /// does not say for how long it goes on without the registry is too old to count.
    fn reporting_since(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.last.as_ref()?;
        let counts = last.report.max_staleness.is_some();
        let is_heard = last.seen_at.after(GAP) >= now && !self.is_silent(now);
        (counts && is_heard).then_some(last.reporting_since)
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
                note(&mut self.forgotten, group, &seen, at);
                self.unsaved.remove(&(group, silent));
                forget(&mut self.gone, group, silent, &seen, seen.at);
            }
        }
        let seen = gateways.entry(instance).or_insert_with(|| Seen {
            gateway: String::new(),
            at,
            polled_at: None,
            began_at: Some(at),
            answered_by: at,
            acknowledged: Acknowledged::default(),
            is_ahead: false,
            last: None,
            saved: false,
            answered_by_saved: Timestamp::from_millis(0),
        });
        seen.at = at.max(seen.at);
        seen
    }
}

/// Notes until when a gateway that is forgotten may have admitted requests: nobody knows what it did not report any more.
fn note(forgotten: &mut BTreeMap<GroupId, Timestamp>, group: GroupId, seen: &Seen, now: Timestamp) {
    let until = seen.may_admit_until().map_or(now, |end| end.min(now));
    let latest = forgotten.entry(group).or_insert(until);
    *latest = until.max(*latest);
}

/// Has what was written down of a gateway up to this moment deleted, if anything was: what is to be deleted stays bounded like
/// what is known.
fn forget(
    gone: &mut BTreeMap<(GroupId, Instance), Timestamp>,
    group: GroupId,
    instance: Instance,
    seen: &Seen,
    until: Timestamp,
) {
    if seen.saved {
        gone.insert((group, instance), until);
    }
}
