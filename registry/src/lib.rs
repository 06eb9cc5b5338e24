//! The registry: where credentials are created, rotated and deleted, and from which gateways follow them.
//!
//! A request comes in through [`api`], becomes one call of a use case, which writes its rows and a change in one
//! transaction; the feed translates changes for gateways.

pub mod config;
