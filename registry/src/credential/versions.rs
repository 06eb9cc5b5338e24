//! Which secrets are meant by the version in a record for gateways, and in what gateways report.

use super::Credential;
use crate::secret::Part;

/// Bits of a pair's version that are the key's; the shared secret's lie above.
const BITS: u32 = 16;
/// The highest version of either part of a pair.
pub(super) const MAX_OF_PAIR: u32 = (1 << BITS) - 1;

/// Where the version of one part lies in the version of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    /// By how many bits it is shifted up.
    pub shift: u32,
    /// What remains of it after shifting down.
    pub mask: u32,
}

impl VersionPlace {
    /// Of this part of the credential's secrets.
    #[must_use]
    pub const fn of(credential: &Credential, part: Part) -> Self {
        match (credential.is_paired, part) {
            (false, _) => Self {
                shift: 0,
                mask: u32::MAX,
            },
            (true, Part::Value) => Self {
                shift: 0,
                mask: MAX_OF_PAIR,
            },
            (true, Part::Shared) => Self {
                shift: BITS,
                mask: MAX_OF_PAIR,
            },
        }
    }
}

/// The version of the record for a value, and for the shared secret that goes with it.
pub(crate) const fn version_of_record(value: u32, shared: Option<u32>) -> u32 {
    match shared {
        None => value,
        Some(shared) => (shared << BITS) | value,
    }
}

/// The versions of the value, and of the shared secret where there is one, that a record's version stands for.
#[must_use]
pub const fn secrets_of_version(is_paired: bool, version: u32) -> (u32, Option<u32>) {
    if is_paired {
        (version & MAX_OF_PAIR, Some(version >> BITS))
    } else {
        (version, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairs_version_holds_those_of_both_parts() {
        assert_eq!(version_of_record(3, Some(2)), 0x0002_0003);
        assert_eq!(version_of_record(3, None), 3);
        assert_eq!(secrets_of_version(true, 0x0002_0003), (3, Some(2)));
        assert_eq!(secrets_of_version(true, u32::MAX), (65_535, Some(65_535)));
        assert_eq!(secrets_of_version(false, 0x0002_0003), (0x0002_0003, None));
    }
}
