//! What the filter costs its host, as counts. Nothing here looks at a clock of the machine.
//!
//! The numbers are what the module does today. One that is too low fails as well as one that is too high: when the
//! filter gets cheaper, the constant says so.

mod any_bytes;
mod bytes;
mod callers;
mod deadlines;
mod load;
mod request;
mod scale;
mod wakes;
