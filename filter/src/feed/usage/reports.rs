//! The leader's part: what the lanes hold goes to the registry, batch after batch.
//!
//! Nothing is remembered here that matters: a batch stays sealed in its lane until the registry has it, so that after a
//! lost answer, a trap or a change of the leader the same batch goes out again under the same sequence.

use filter_core::{
    names::Names,
    usage::{LANES, Lane, MAX_BATCHES, UsageBatch},
};

use crate::{
    abi::{self, Failure, Level},
    feed::{answer::Answer, calls::Call, pause},
    shared::{self, Change},
};

/// The first and the longest pause after a report that failed, in milliseconds.
const PAUSE_MS: (u64, u64) = (1000, 30_000);
/// For how long a report waits at most while workers are about to follow a change, in milliseconds.
const GIVE_WAY_MS: u64 = 1000;

/// The report under way, and when the next is due.
#[derive(Debug, Default)]
pub(crate) struct UsageReports {
    under_way: Option<UnderWay>,
    due_ms: u64,
    failures: u32,
    first_lane: u8,
}

#[derive(Debug)]
struct UnderWay {
    call: Call,
    /// The lane and sequence of each batch.
    batches: Vec<(u8, u64)>,
    has_more: bool,
}

/// What is to be sent.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) batches: Vec<UsageBatch>,
    has_more: bool,
}

impl UsageReports {
    /// Whether this call is one of these.
    pub(crate) fn owns(&self, call: u32) -> bool {
        self.under_way
            .as_ref()
            .is_some_and(|own| own.call.id == call)
    }

    /// Takes the registry's answer to a call that it [owns](Self::owns): what the registry has is dropped. `interval_ms` is
    /// the time until the next report, where nothing is left.
    pub(crate) fn answered(
        &mut self,
        names: &Names,
        answer: &Answer,
        interval_ms: u64,
        now_ms: u64,
    ) {
        let Some(sent) = self.under_way.take() else {
            return;
        };
        if !answer.is_success() {
            self.fail(answer.status, now_ms);
            return;
        }
        self.failures = 0;
        for (lane, sequence) in sent.batches {
            // Should it stay, it is sent again, and the registry knows it.
            let _ = shared::update(&names.usage(lane), |bytes| {
                let mut lane = bytes.and_then(Lane::decode)?;
                lane.clear(sequence).then(|| lane.encode())
            });
        }
        let pause = if sent.has_more { 0 } else { interval_ms };
        self.due_ms = now_ms.saturating_add(pause);
    }

    /// Tries again later. Status 0 is none.
    fn fail(&mut self, status: u16, now_ms: u64) {
        if (400..429).contains(&status) && self.failures == 0 {
            let text = format!("keysmith: the registry refuses usage (status {status})");
            abi::log(Level::Warn, &text);
        }
        let (first, longest) = PAUSE_MS;
        let pause = pause::after(self.failures, first, longest);
        self.failures = self.failures.saturating_add(1);
        self.due_ms = now_ms.saturating_add(pause);
    }

    /// What to send now, if it is time and there is anything. `gives_way` while acknowledgements should go first.
    pub(crate) fn due(
        &mut self,
        names: &Names,
        gives_way: bool,
        interval_ms: u64,
        now_ms: u64,
    ) -> Option<Parcel> {
        if let Some(sent) = &self.under_way {
            if sent.call.deadline_ms <= now_ms {
                self.under_way = None;
                self.fail(0, now_ms);
            }
            return None;
        }
        let waits = if gives_way { GIVE_WAY_MS } else { 0 };
        if now_ms < self.due_ms.saturating_add(waits) {
            return None;
        }
        let parcel = self.seal(names);
        if parcel.batches.is_empty() {
            self.due_ms = now_ms.saturating_add(interval_ms);
            return None;
        }
        Some(parcel)
    }

    /// Closes a batch in every lane that has something, and takes as many as one report holds.
    fn seal(&mut self, names: &Names) -> Parcel {
        let mut parcel = Parcel {
            batches: Vec::new(),
            has_more: false,
        };
        for step in 0..LANES {
            let lane = (self.first_lane.wrapping_add(step)) % LANES;
            if parcel.batches.len() >= MAX_BATCHES {
                self.first_lane = lane;
                parcel.has_more = true;
                break;
            }
            if let Some((batch, has_more)) = seal(names, lane) {
                parcel.batches.push(batch);
                parcel.has_more |= has_more;
            }
        }
        parcel
    }

    /// Notes what became of sending it.
    pub(crate) fn sent(&mut self, parcel: &Parcel, call: Result<Call, Failure>, now_ms: u64) {
        match call {
            Ok(call) => {
                let batches = parcel.batches.iter();
                self.under_way = Some(UnderWay {
                    call,
                    batches: batches.map(|batch| (batch.lane, batch.sequence)).collect(),
                    has_more: parcel.has_more,
                });
            }
            Err(_) => self.fail(0, now_ms),
        }
    }
}

/// The sealed batch of a lane, sealed now if need be, and whether there is more behind it.
fn seal(names: &Names, number: u8) -> Option<(UsageBatch, bool)> {
    let mut sealed = None;
    let change = shared::update(&names.usage(number), |bytes| {
        sealed = None;
        let mut lane = bytes.and_then(Lane::decode)?;
        let is_new = lane.seal();
        sealed = lane.sealed(number).map(|batch| (batch, lane.has_more()));
        is_new.then(|| lane.encode())
    });
    sealed.filter(|_| change != Change::Failed)
}
