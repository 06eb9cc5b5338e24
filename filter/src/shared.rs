//! Shared data by compare-and-swap.

use crate::abi::{self, Failure};

/// How often a swap is tried again when another VM was faster.
const ATTEMPTS: usize = 16;

/// Passed as the number of a value that does not exist, so that creating it fails when another VM created it meanwhile.
const NEW: u32 = u32::MAX;

/// A value and its number; `None` and the number for a new one when it does not exist.
///
/// # Errors
/// When the host cannot tell: that is not the same as there being none.
pub(crate) fn read(name: &[u8]) -> Result<(Option<Vec<u8>>, u32), Failure> {
    match abi::shared_data(name) {
        Ok((value, cas)) => Ok((Some(value), cas)),
        Err(Failure::NotFound) => Ok((None, NEW)),
        Err(failure) => Err(failure),
    }
}

/// A value as `decode` reads it; `None` when it does not exist, cannot be read or is not one.
pub(crate) fn value<T>(name: &[u8], decode: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let (bytes, _) = read(name).ok()?;
    decode(&bytes?)
}

/// What became of a change to shared data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is in.
    Written,
    /// There was nothing to write.
    Unneeded,
    /// Other VMs were faster every time, or the host refused.
    Failed,
}

/// Changes a value from what it is; `change` may run several times, and returns `None` when nothing is to be written.
pub(crate) fn update(
    name: &[u8],
    mut change: impl FnMut(Option<&[u8]>) -> Option<Vec<u8>>,
) -> Change {
    for _ in 0..ATTEMPTS {
        let Ok((value, cas)) = read(name) else {
            return Change::Failed;
        };
        let Some(new) = change(value.as_deref()) else {
            return Change::Unneeded;
        };
        match abi::set_shared_data(name, &new, cas) {
            Ok(()) => return Change::Written,
            Err(Failure::CasMismatch) => {}
            Err(_) => return Change::Failed,
        }
    }
    Change::Failed
}
