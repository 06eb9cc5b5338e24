//! What all VMs of a process share: memory, queues, calls under way, metrics, clocks and randomness.

use std::collections::{BTreeMap, VecDeque};

use crate::pairs::Pair;

/// Unix time in milliseconds when the monotonic clock shows zero.
pub const WALL_START_MS: u64 = 1_700_000_000_000;

/// One process.
#[derive(Debug, Default)]
pub struct Process {
    /// The monotonic clock.
    pub now_ms: u64,
    /// Values by name, each with its number for compare-and-swap.
    pub shared: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    /// In the order of their numbers, which start at 1.
    pub queues: Vec<Queue>,
    /// Calls that have no answer yet, by their numbers.
    pub calls: BTreeMap<u32, Call>,
    /// The most messages that any queue held at once.
    pub deepest_queue: usize,
    /// The names of metrics, in the order of their numbers, which start at 1.
    pub metrics: Vec<String>,
    /// What counters show, by their numbers.
    pub counters: BTreeMap<u32, i64>,
    last_call: u32,
    last_cas: u32,
    randomness: u64,
}

/// A queue and who reads it.
#[derive(Debug)]
pub struct Queue {
    /// Its name.
    pub name: Vec<u8>,
    /// The VM and root that registered it last.
    pub reader: (usize, u32),
    /// What it holds.
    pub messages: VecDeque<Vec<u8>>,
    /// Messages of which the reader was not told yet.
    pub untold: usize,
}

/// An HTTP call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The VM and root that made it.
    pub caller: (usize, u32),
    /// Where to.
    pub cluster: String,
    /// Its headers.
    pub headers: Vec<Pair>,
    /// Its body.
    pub body: Vec<u8>,
    /// After how long the host answers it in the registry's stead, in milliseconds.
    pub timeout_ms: u32,
    /// When it was made.
    pub at_ms: u64,
}

impl Call {
    /// Its path, with the query.
    pub fn path(&self) -> &str {
        let path = self.headers.iter().find(|(name, _)| name == b":path");
        path.map_or("", |(_, value)| std::str::from_utf8(value).expect("text"))
    }

    /// A parameter of the query; empty when it is missing.
    pub fn parameter(&self, name: &str) -> &str {
        let query = self.path().split_once('?').map_or("", |(_, query)| query);
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }
}

impl Process {
    /// Unix time in nanoseconds.
    pub(crate) fn wall_ns(&self) -> u64 {
        (WALL_START_MS + self.now_ms) * 1_000_000
    }

    pub(crate) fn random_byte(&mut self) -> u8 {
        // SplitMix64: the same in every run.
        self.randomness = self.randomness.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.randomness;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed.to_le_bytes()[7]
    }

    /// Sets a value as Envoy does: zero sets it in any case, and so does any number when there is no value. False when
    /// the number is another.
    pub(crate) fn set_shared(&mut self, name: Vec<u8>, value: Vec<u8>, cas: u32) -> bool {
        let known = self.shared.get(&name).map(|(_, known)| *known);
        if cas != 0 && known.is_some_and(|known| known != cas) {
            return false;
        }
        self.last_cas += 1;
        self.shared.insert(name, (value, self.last_cas));
        true
    }

    /// The queue's number. The last to register is the one who is told.
    pub(crate) fn register_queue(&mut self, name: Vec<u8>, reader: (usize, u32)) -> u32 {
        let known = self.queues.iter().position(|queue| queue.name == name);
        let at = known.unwrap_or(self.queues.len());
        if let Some(queue) = self.queues.get_mut(at) {
            queue.reader = reader;
        } else {
            self.queues.push(Queue {
                name,
                reader,
                messages: VecDeque::new(),
                untold: 0,
            });
        }
        u32::try_from(at + 1).expect("few queues")
    }

    pub(crate) fn queue(&mut self, number: u32) -> Option<&mut Queue> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.queues.get_mut(at)
    }

    pub(crate) fn enqueue(&mut self, number: u32, message: Vec<u8>) -> bool {
        let Some(queue) = self.queue(number) else {
            return false;
        };
        queue.messages.push_back(message);
        queue.untold += 1;
        let depth = queue.messages.len();
        self.deepest_queue = self.deepest_queue.max(depth);
        true
    }

    pub(crate) fn start_call(&mut self, call: Call) -> u32 {
        self.last_call += 1;
        self.calls.insert(self.last_call, call);
        self.last_call
    }

    /// The number of a metric, which is made when there is none of this name.
    pub(crate) fn metric(&mut self, name: &str) -> u32 {
        let known = self.metrics.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.metrics.push(name.to_owned());
            self.metrics.len() - 1
        });
        u32::try_from(at + 1).expect("few metrics")
    }

    /// What the counter of this name shows.
    pub fn counter(&self, name: &str) -> i64 {
        let at = self.metrics.iter().position(|known| known == name);
        let number = u32::try_from(at.expect("a metric") + 1).expect("few metrics");
        self.counters.get(&number).copied().unwrap_or(0)
    }

    /// Bytes of all names and values in shared data.
    pub fn shared_bytes(&self) -> usize {
        self.shared
            .iter()
            .map(|(name, (value, _))| name.len() + value.len())
            .sum()
    }
}
