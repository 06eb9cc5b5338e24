//! A Proxy-Wasm host that counts.
//!
//! It runs the filter's module as Envoy does: several VMs (one on the main thread, one for each worker) over one shared
//! memory, with queues, timers and calls. Clocks and randomness are the test's. Each time the host enters a VM it notes
//! what the VM asked for, and how many instructions it took, so that tests can say what something costs without a clock.

pub mod entry;
pub mod gateway;
mod imports;
mod memory;
pub mod pairs;
pub mod process;
pub mod registry;
pub mod secrets;
pub mod vm;
