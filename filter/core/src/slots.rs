//! What each VM of an Envoy process says of itself: how far it has come, and where to wake it.
//!
//! One record in shared data holds them all. A VM that has not been heard of for a while loses its place.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// VMs at most: Envoy's workers, its main thread, and those that are being replaced.
pub const MAX_SLOTS: usize = 512;

/// After how long a silent VM no longer counts, in milliseconds.
pub const SILENT_MS: u64 = 3000;

/// One VM's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The VM's random id.
    pub vm: u64,
    /// The queue by which it is woken.
    pub queue: u32,
    /// Whether it serves requests: the VM on Envoy's main thread never does.
    pub serves: bool,
    /// The generation of the snapshot that it serves; 0 when it has none.
    pub generation: u32,
    /// How many part changes its look-ups reflect.
    pub announced: u64,
    /// The position in the log that its look-ups reflect.
    pub revision: u64,
    /// When it wrote this, on the monotonic clock.
    pub at_ms: u64,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots(pub Vec<Slot>);

impl Slots {
    /// Puts a VM's word in place of its last, and drops the silent. False when there is no place left.
    pub fn put(&mut self, slot: Slot) -> bool {
        let oldest = slot.at_ms.saturating_sub(SILENT_MS);
        self.0
            .retain(|known| known.vm != slot.vm && known.at_ms >= oldest);
        let has_place = self.0.len() < MAX_SLOTS;
        if has_place {
            self.0.push(slot);
        }
        has_place
    }

    /// The lowest position over the VMs that serve and are alive, and how many they are. `None` when there is none. Who
    /// serves another generation is at 0: positions of two logs cannot be compared.
    #[must_use]
    pub fn lowest_revision(&self, generation: u32, now_ms: u64) -> Option<(u64, usize)> {
        let oldest = now_ms.saturating_sub(SILENT_MS);
        let serving = || {
            self.0
                .iter()
                .filter(move |slot| slot.serves && slot.at_ms >= oldest)
        };
        let revision = |slot: &Slot| {
            if slot.generation == generation {
                slot.revision
            } else {
                0
            }
        };
        Some((serving().map(revision).min()?, serving().count()))
    }

    /// Encodes them for shared data.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Decodes them; `None` when the bytes are not slots.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match postcard::take_from_bytes(bytes) {
            Ok((slots, [])) => Some(slots),
            _ => None,
        }
    }
}
