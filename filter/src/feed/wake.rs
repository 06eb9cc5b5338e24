//! Waking the other VMs of the process after a change.

use std::collections::BTreeMap;

use filter_core::{names::Names, slots::Slots};

use crate::{abi, shared};

/// After how long a wake-up that had no effect is repeated, in milliseconds.
const AGAIN_AFTER_MS: u64 = 2000;

/// Which VMs were woken for what, and when.
#[derive(Debug, Default)]
pub(crate) struct Wakes(BTreeMap<u64, Wake>);

#[derive(Clone, Copy, Debug)]
struct Wake {
    announced: u64,
    at_ms: u64,
}

impl Wakes {
    /// Wakes every VM but this one. A VM that has not caught up with its last wake-up has that message still, and will
    /// see the newest head when it comes to it: it gets no further one.
    pub(crate) fn wake(&mut self, names: &Names, this: u64, announced: u64, now_ms: u64) {
        let slots = shared::value(&names.slots(), Slots::decode).unwrap_or_default();
        self.0
            .retain(|vm, _| slots.0.iter().any(|slot| slot.vm == *vm));
        for slot in slots.0.iter().filter(|slot| slot.vm != this) {
            let is_waking = self.0.get(&slot.vm).is_some_and(|wake| {
                slot.announced < wake.announced && wake.at_ms + AGAIN_AFTER_MS > now_ms
            });
            if !is_waking && abi::enqueue(slot.queue, b"w").is_ok() {
                let at_ms = now_ms;
                self.0.insert(slot.vm, Wake { announced, at_ms });
            }
        }
    }
}
