//! Packed parts of a snapshot, usable exactly as they are copied out of Envoy's shared data.
//!
//! A part is a header, fixed-size records ordered by their key, and a heap for what varies in length:
//!
//! ```text
//! format u8 | table u8 | 0 u16 | count u32 | generation u32 | 0 u32 | revision u64 | records | heap      (little endian)
//! ```
//!
//! Reading never trusts the bytes: shared data could be written by another Wasm module that guessed a name.

pub mod applications;
pub mod credentials;
pub mod issuers;

use alloc::vec::Vec;

use crate::feed::{APPLICATION_BUCKETS, CREDENTIAL_SEGMENTS};

/// The version of the packed layout. It stands in the names of shared data too, so that two builds never mix.
pub const LAYOUT: u8 = 3;

/// Bytes before the first record.
pub const HEADER_LENGTH: usize = 24;

/// Names one part of the shared snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A segment of credentials, `0..CREDENTIAL_SEGMENTS`.
    Credentials(u16),
    /// A bucket of applications, `0..APPLICATION_BUCKETS`, in one of the two application tables.
    Applications(Table, u16),
    /// All issuers, in one of the two tables.
    Issuers(Table),
}

/// Which of the two tables of applications and issuers: one serves while the next snapshot fills the other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Table {
    /// The first.
    Even,
    /// The second.
    Odd,
}

impl Table {
    /// The table that this one is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// The number of the first part with issuers.
const ISSUERS: u16 = CREDENTIAL_SEGMENTS + 2 * APPLICATION_BUCKETS;

impl Part {
    /// How many parts there are.
    pub const COUNT: usize = ISSUERS as usize + 2;

    /// The part with this [`Self::number`].
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        let above = number.saturating_sub(CREDENTIAL_SEGMENTS);
        if number < CREDENTIAL_SEGMENTS {
            Self::Credentials(number)
        } else if above < APPLICATION_BUCKETS {
            Self::Applications(Table::Even, above)
        } else if number < ISSUERS {
            Self::Applications(Table::Odd, above.saturating_sub(APPLICATION_BUCKETS))
        } else if number == ISSUERS {
            Self::Issuers(Table::Even)
        } else {
            Self::Issuers(Table::Odd)
        }
    }

    /// A dense number, for names and tables: below [`Self::COUNT`].
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Credentials(segment) => segment % CREDENTIAL_SEGMENTS,
            Self::Applications(table, bucket) => {
                let table = match table {
                    Table::Even => 0,
                    Table::Odd => APPLICATION_BUCKETS,
                };
                CREDENTIAL_SEGMENTS
                    .wrapping_add(table)
                    .wrapping_add(bucket % APPLICATION_BUCKETS)
            }
            Self::Issuers(Table::Even) => ISSUERS,
            Self::Issuers(Table::Odd) => ISSUERS.wrapping_add(1),
        }
    }
}

/// The first bytes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Records in the part.
    pub count: u32,
    /// The snapshot load that wrote the part. A part of a higher generation is never replaced by one of a lower.
    pub generation: u32,
    /// The position in the log that the part reflects. Changes up to it are already in.
    pub revision: u64,
}

impl Header {
    /// Reads a header; `None` when the bytes are too short or of another layout or table.
    #[must_use]
    pub fn read(bytes: &[u8], table: u8) -> Option<Self> {
        if bytes.get(..2)? != [LAYOUT, table] {
            return None;
        }
        Some(Self {
            count: u32::from_le_bytes(array(bytes, 4)?),
            generation: u32::from_le_bytes(array(bytes, 8)?),
            revision: u64::from_le_bytes(array(bytes, 16)?),
        })
    }

    fn write(self, table: u8, out: &mut Vec<u8>) {
        out.extend([LAYOUT, table, 0, 0]);
        out.extend(self.count.to_le_bytes());
        out.extend(self.generation.to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.revision.to_le_bytes());
    }
}

/// `N` bytes at `offset`.
pub(crate) fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.get(..N)?.try_into().ok()
}

/// A little-endian number of fewer than eight bytes at `offset`.
pub(crate) fn short_number<const N: usize>(bytes: &[u8], offset: usize) -> Option<u64> {
    let short: [u8; N] = array(bytes, offset)?;
    let mut full = [0_u8; 8];
    for (place, byte) in full.iter_mut().zip(short) {
        *place = byte;
    }
    Some(u64::from_le_bytes(full))
}

/// Writes the low `N` bytes of a number, little endian.
pub(crate) fn push_short<const N: usize>(out: &mut Vec<u8>, number: u64) {
    out.extend(number.to_le_bytes().iter().take(N));
}

/// A text in the heap: its length in two bytes, then the text.
fn heap_text(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(array(bytes, offset)?));
    bytes.get(offset.checked_add(2)?..)?.get(..length)
}

fn push_text(heap: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    heap.extend(length.to_le_bytes());
    heap.extend(text.as_bytes().iter().take(usize::from(length)));
}

/// Whether a text may stand in a header sent upstream: visible ASCII, not empty, of bounded length.
fn is_header_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The first index in `0..count` for which `is_before` no longer holds; `is_before` must hold for a leading part only.
fn partition_point(count: usize, mut is_before: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (0_usize, count);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low
}
