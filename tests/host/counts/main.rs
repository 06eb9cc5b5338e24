//! What the filter costs its host, as counts. Nothing here looks at a clock of the machine.
//!
//! Host calls are counted exactly: when the filter makes one less, the test says so too. Bounds on bytes and instructions
//! leave a little room.

mod any_bytes;
mod bytes;
mod callers;
mod deadlines;
mod growth;
mod introspection;
mod issuer_keys;
mod jwt;
mod load;
mod request;
mod resource;
mod scale;
mod usage;
mod wakes;
