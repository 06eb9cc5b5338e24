//! A bounded memory: by number and roughly by bytes, beyond either of which the oldest go.

use alloc::collections::{BTreeMap, VecDeque};

/// By what something is remembered: a digest under a key that never leaves the VM.
pub(crate) type Id = [u8; 16];

/// What is remembered takes roughly so many bytes.
pub(crate) trait Weight {
    fn weight(&self) -> usize;
}

/// Values by their ids.
#[derive(Debug)]
pub(crate) struct Memory<V> {
    known: BTreeMap<Id, V>,
    order: VecDeque<Id>,
    bytes: usize,
    capacity: usize,
    max_bytes: usize,
}

impl<V: Weight> Memory<V> {
    /// An empty memory for so many values, and so many bytes.
    pub(crate) const fn new(capacity: usize, max_bytes: usize) -> Self {
        Self {
            known: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            capacity,
            max_bytes,
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&V> {
        self.known.get(&id)
    }

    /// Remembers a value, instead of an earlier one.
    pub(crate) fn put(&mut self, id: Id, value: V) {
        self.bytes = self.bytes.saturating_add(value.weight());
        match self.known.insert(id, value) {
            Some(before) => self.lighten(&before),
            None => self.order.push_back(id),
        }
        while self.order.len() > self.capacity || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(gone) = self.known.remove(&oldest) {
                self.lighten(&gone);
            }
        }
    }

    fn lighten(&mut self, gone: &V) {
        self.bytes = self.bytes.saturating_sub(gone.weight());
    }
}
