//! The issuers of access tokens, all in one part. They are few, and read once a change rather than once a request.

use alloc::vec::Vec;

use super::{HEADER_LENGTH, Header};
use crate::feed::{Issuer, MAX_ISSUERS, MAX_ISSUERS_BYTES};

/// The table's byte in the part's header.
pub const TABLE: u8 = 3;

/// Packs issuers, in the order of their names. Those beyond [`MAX_ISSUERS`] or [`MAX_ISSUERS_BYTES`] are left out: their
/// tokens are not honoured.
#[must_use]
pub fn pack(generation: u32, revision: u64, mut issuers: Vec<Issuer>) -> Vec<u8> {
    issuers.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    issuers.dedup_by(|one, other| one.name == other.name);
    issuers.truncate(MAX_ISSUERS);
    let mut encoded = encode(&issuers);
    while encoded.len() > MAX_ISSUERS_BYTES {
        issuers.pop();
        encoded = encode(&issuers);
    }
    let mut bytes = Vec::with_capacity(HEADER_LENGTH.saturating_add(encoded.len()));
    let header = Header {
        count: u32::try_from(issuers.len()).unwrap_or(0),
        generation,
        revision,
    };
    header.write(TABLE, &mut bytes);
    bytes.append(&mut encoded);
    bytes
}

fn encode(issuers: &[Issuer]) -> Vec<u8> {
    postcard::to_allocvec(issuers).unwrap_or_default()
}

/// Unpacks them. Empty when the bytes are not such a part.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Vec<Issuer> {
    if Header::read(bytes, TABLE).is_none() {
        return Vec::new();
    }
    let encoded = bytes.get(HEADER_LENGTH..).unwrap_or_default();
    match postcard::take_from_bytes(encoded) {
        Ok((issuers, [])) => issuers,
        _ => Vec::new(),
    }
}
