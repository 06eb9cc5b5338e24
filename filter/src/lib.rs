//! The Proxy-Wasm module: what Envoy calls, and what is asked of Envoy.
//!
//! Everything that can be decided without the host is in `filter-core`. Here a request becomes two entries into the VM
//! ([`callbacks`]), one look at its headers ([`request`]), and the edits or the answer that the decision asks for; and
//! [`feed`] keeps this VM's view of the credentials current, elects the VM that polls the registry, and acknowledges.
#![deny(clippy::indexing_slicing)]

mod abi;
mod callbacks;
mod feed;
mod metrics;
mod pairs;
mod request;
mod roots;
mod shared;
mod signature;
mod vm;
mod waiting;
mod word;
