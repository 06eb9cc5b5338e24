//! How long to wait after a call that failed.

use crate::abi;

/// Twice as long after each failure in a row, from `first_ms` to `longest_ms`; and spread out, so that gateways do not
/// return all at once.
pub(crate) fn after(failures: u32, first_ms: u64, longest_ms: u64) -> u64 {
    let pause = first_ms
        .saturating_mul(1 << failures.min(10))
        .min(longest_ms);
    let spread = abi::random::<1>().map_or(0, |[byte]| pause * u64::from(byte) / 512);
    pause - spread
}
