//! Telling the registry what this gateway's workers have.

use filter_core::{head::Head, names::Names, slots::Slots};

use super::{
    answer::Answer,
    calls::{Call, Client},
};
use crate::shared;

/// How long an acknowledgement waits for the slowest worker, in milliseconds.
const SLOWEST_MS: u64 = 100;
/// The pause after one that failed, in milliseconds.
const PAUSE_MS: u64 = 1000;
/// How often the registry hears of this gateway when nothing changes, in milliseconds.
const HEARTBEAT_MS: u64 = 10_000;

/// What was acknowledged in this leader's term.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgements {
    under_way: Option<Call>,
    last: Option<Acknowledged>,
    changed_ms: u64,
    failed_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Acknowledged {
    revision: u64,
    complete: bool,
    at_ms: u64,
}

impl Acknowledgements {
    /// The shared snapshot has changed: the workers are about to follow.
    pub(crate) fn note_change(&mut self, now_ms: u64) {
        self.changed_ms = now_ms;
    }

    /// Whether the slowest worker is still waited for.
    pub(crate) fn are_awaited(&self, now_ms: u64) -> bool {
        self.changed_ms + 2 * SLOWEST_MS > now_ms
    }

    /// Whether this call is one of these.
    pub(crate) fn owns(&self, call: u32) -> bool {
        self.under_way.is_some_and(|own| own.id == call)
    }

    /// Takes the registry's answer; false when the call is not one of these.
    pub(crate) fn answered(&mut self, call: u32, answer: &Answer, now_ms: u64) -> bool {
        let is_own = self.owns(call);
        if is_own {
            self.under_way = None;
            if !answer.is_success() {
                self.last = None;
                self.failed_ms = now_ms;
            }
        }
        is_own
    }

    /// Reports once when every worker has the head's revision, or what the slowest has when that takes too long. True when
    /// it did, under this sequence.
    pub(crate) fn send(
        &mut self,
        client: &Client,
        names: &Names,
        head: &Head,
        sequence: u64,
        now_ms: u64,
    ) -> bool {
        if let Some(call) = self.under_way {
            if call.deadline_ms > now_ms {
                return false;
            }
            // It vanished, and has to be said again.
            self.under_way = None;
            self.last = None;
        }
        let progress = Progress::read(names, head, now_ms);
        let Progress {
            revision, complete, ..
        } = progress;
        let is_settled = progress.is_everywhere || self.changed_ms + SLOWEST_MS <= now_ms;
        let is_news = self
            .last
            .is_none_or(|last| (last.revision, last.complete) != (revision, complete));
        let is_heartbeat = self
            .last
            .is_some_and(|last| last.at_ms + HEARTBEAT_MS <= now_ms);
        let is_paused = self.failed_ms + PAUSE_MS > now_ms && self.failed_ms > 0;
        if is_paused || !(is_news && is_settled || is_heartbeat) {
            return false;
        }
        self.under_way = client.report(sequence, &progress, &[], now_ms).ok();
        if self.under_way.is_some() {
            self.last = Some(Acknowledged {
                revision,
                complete,
                at_ms: now_ms,
            });
        } else {
            self.failed_ms = now_ms;
        }
        self.under_way.is_some()
    }
}

/// How far the workers are, as every report says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) epoch: [u8; 16],
    pub(crate) revision: u64,
    pub(crate) complete: bool,
    pub(crate) workers: usize,
    /// Whether all of them have all that the leader has.
    is_everywhere: bool,
}

impl Progress {
    /// From what the workers say of themselves.
    pub(crate) fn read(names: &Names, head: &Head, now_ms: u64) -> Self {
        let slots = shared::value(&names.slots(), Slots::decode).unwrap_or_default();
        let serving = head.serving.as_ref();
        let generation = serving.map_or(0, |load| load.generation);
        let (lowest, workers) = slots
            .lowest_revision(generation, now_ms)
            .unwrap_or((head.revision, 0));
        // While another snapshot is loaded, what serves may be of a log that the registry has no longer.
        let complete = serving.is_some() && head.loading.is_none();
        Self {
            epoch: serving.map_or([0; 16], |load| load.epoch),
            revision: if complete { lowest } else { 0 },
            complete,
            workers,
            is_everywhere: lowest >= head.revision,
        }
    }
}
