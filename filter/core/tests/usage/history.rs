//! Any order of counting, pouring, sealing, sending, lost answers, changes of the leader and traps of VMs: every use is
//! applied once, or is still held, or was declared lost, or died with its VM before it was poured.

use std::collections::BTreeMap;

use filter_core::{
    ids::ObjectId,
    usage::{Lane, MAX_COUNTED, MAX_OPEN, Tally, UsageBatch, UseOutcome, Used},
};
use proptest::{collection::vec, prelude::*};

const VMS: usize = 3;
const LANES: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A VM counts this many different uses from a number on.
    Count(usize, u32, u32),
    /// A VM pours what it has into its lane.
    Pour(usize),
    /// Another pours into the same lane in between, and the first tries again.
    PourAgain(usize),
    /// A VM traps, and starts anew.
    Trap(usize),
    /// Whoever leads, or believes to lead, seals a lane and sends the batch.
    Send(usize),
    /// A batch that was sent arrives. It may arrive again, whenever.
    Arrive(usize),
    /// A batch that was sent is lost on the way.
    Drop(usize),
    /// An answer arrives, however late. It may be to a leader that leads no more.
    Answer(usize),
    /// An answer is lost on the way.
    Forget(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let vm = 0..VMS;
    prop_oneof![
        24 => (vm.clone(), 0_u32..20, 1_u32..6).prop_map(|(vm, from, length)| Event::Count(vm, from, length)),
        1 => (vm.clone(), 0_u32..20_000, 5000_u32..9000).prop_map(|(vm, from, length)| Event::Count(vm, from, length)),
        16 => vm.clone().prop_map(Event::Pour),
        4 => vm.clone().prop_map(Event::PourAgain),
        4 => vm.prop_map(Event::Trap),
        16 => (0..LANES).prop_map(Event::Send),
        16 => (0_usize..8).prop_map(Event::Arrive),
        4 => (0_usize..8).prop_map(Event::Drop),
        12 => (0_usize..8).prop_map(Event::Answer),
        4 => (0_usize..8).prop_map(Event::Forget),
    ]
}

type Counts = BTreeMap<Used, u64>;

#[derive(Default)]
struct World {
    now_ms: u64,
    vms: [Tally; VMS],
    /// As shared data holds them.
    lanes: [Option<Vec<u8>>; LANES],
    /// Sent; each may arrive any number of times.
    sent: Vec<UsageBatch>,
    /// Lane and sequence of what was acknowledged.
    answers: Vec<(usize, u64)>,
    counted: Counts,
    died: Counts,
    registry: Registry,
    /// What was declared lost before it came to a batch, or will be.
    lost: u64,
}

/// Applies each batch once, as the real one does.
#[derive(Default)]
struct Registry {
    last: BTreeMap<u8, u64>,
    applied: Counts,
    lost: u64,
}

impl Registry {
    fn apply(&mut self, batch: &UsageBatch) {
        let last = self.last.entry(batch.lane).or_default();
        if batch.sequence <= *last {
            return;
        }
        *last = batch.sequence;
        self.lost += batch.lost;
        for used in &batch.uses {
            *self.applied.entry(used.used()).or_default() += used.count;
        }
    }
}

impl World {
    fn lane(&self, number: usize) -> Lane {
        let bytes = self.lanes[number].as_deref();
        bytes.map_or_else(
            || Lane::made_at(self.now_ms),
            |bytes| Lane::decode(bytes).expect("a lane"),
        )
    }

    fn pour(&mut self, vm: usize) {
        let mut lane = self.lane(vm % LANES);
        self.lost += lane.merge(&self.vms[vm].uses(), self.vms[vm].lost());
        self.lanes[vm % LANES] = Some(lane.encode());
        self.vms[vm].clear();
    }

    fn happen(&mut self, event: Event) {
        self.now_ms += 1;
        match event {
            Event::Count(vm, from, length) => {
                for number in from..from + length {
                    let used = Used {
                        credential: ObjectId(u128::from(number).to_be_bytes()),
                        version: 1,
                        outcome: UseOutcome::Allowed,
                    };
                    self.vms[vm].count(used, self.now_ms);
                    *self.counted.entry(used).or_default() += 1;
                }
            }
            Event::Pour(vm) => self.pour(vm),
            Event::PourAgain(vm) => {
                // The compare-and-swap fails: what was merged is thrown away, and the VM keeps its counts.
                let mut overtaken = self.lane(vm % LANES);
                overtaken.merge(&self.vms[vm].uses(), self.vms[vm].lost());
                self.pour((vm + LANES) % VMS);
                self.pour(vm);
            }
            Event::Trap(vm) => {
                let dead = std::mem::take(&mut self.vms[vm]);
                self.lost += dead.lost();
                for used in dead.uses() {
                    *self.died.entry(used.used()).or_default() += used.count;
                }
            }
            Event::Send(number) => {
                let mut lane = self.lane(number);
                if lane.seal() {
                    self.lanes[number] = Some(lane.encode());
                }
                self.sent
                    .extend(lane.sealed(u8::try_from(number).expect("few")));
            }
            Event::Arrive(which) => {
                if let Some(batch) = pick(&self.sent, which) {
                    self.registry.apply(&self.sent[batch]);
                    let lane = usize::from(self.sent[batch].lane);
                    self.answers.push((lane, self.sent[batch].sequence));
                }
            }
            Event::Drop(which) => {
                pick(&self.sent, which).map(|batch| self.sent.remove(batch));
            }
            Event::Answer(which) => {
                if let Some(answer) = pick(&self.answers, which) {
                    let (number, sequence) = self.answers[answer];
                    let mut lane = self.lane(number);
                    if lane.clear(sequence) {
                        self.lanes[number] = Some(lane.encode());
                    }
                }
            }
            Event::Forget(which) => {
                pick(&self.answers, which).map(|answer| self.answers.remove(answer));
            }
        }
    }

    /// Lets everything arrive.
    fn settle(&mut self) {
        for vm in 0..VMS {
            self.pour(vm);
        }
        for number in 0..LANES {
            loop {
                let mut lane = self.lane(number);
                lane.seal();
                let Some(batch) = lane.sealed(u8::try_from(number).expect("few")) else {
                    break;
                };
                self.registry.apply(&batch);
                lane.clear(batch.sequence);
                self.lanes[number] = Some(lane.encode());
            }
        }
    }

    fn held(&self) -> usize {
        self.lanes.iter().flatten().map(Vec::len).sum()
    }
}

fn pick<T>(list: &[T], which: usize) -> Option<usize> {
    (!list.is_empty()).then(|| which % list.len())
}

fn sum(counts: &Counts) -> u64 {
    counts.values().sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_use_is_applied_once_or_declared_lost(events in vec(event(), 1..80)) {
        let mut world = World { now_ms: 1_700_000_000_000, ..World::default() };
        for event in events {
            world.happen(event);
            if matches!(event, Event::Arrive(_)) {
                for (used, applied) in &world.registry.applied {
                    prop_assert!(*applied <= world.counted[used], "{used:?} after {event:?}");
                }
            }
            prop_assert!(world.held() <= LANES * (MAX_OPEN + 1001) * 41);
        }
        prop_assert!(world.vms.iter().all(|vm| vm.uses().len() <= MAX_COUNTED));
        world.settle();
        let lost = world.lost;
        prop_assert_eq!(sum(&world.registry.applied) + sum(&world.died) + lost, sum(&world.counted));
        let trapped: u64 = world.lost - world.registry.lost;
        prop_assert!(trapped == 0 || !world.died.is_empty());
    }
}
