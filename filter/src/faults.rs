//! Traps on demand, for the tests that see a VM die. Only in builds with the feature `faults`, never in a release.

use filter_core::request::pairs::Pairs;

use crate::{abi, shared};

/// The request header that asks for a trap: `worker` traps the VM that serves the request, `leader` the one that polls.
const HEADER: &[u8] = b"x-keysmith-fault";
const LEADER: &[u8] = b"keysmith/fault/leader";

/// Traps this VM, or leaves word for the leader.
pub(crate) fn inject(pairs: Pairs<'_>) {
    for (name, value) in pairs {
        if name == HEADER && value == b"worker" {
            std::process::abort();
        }
        if name == HEADER && value == b"leader" {
            let _ = abi::set_shared_data(LEADER, b"trap", 0);
        }
    }
}

/// Traps the leader if it was asked for.
pub(crate) fn trap_leader() {
    if shared::value(LEADER, |word| (!word.is_empty()).then_some(())).is_some() {
        let _ = abi::set_shared_data(LEADER, b"", 0);
        std::process::abort();
    }
}
