//! The benchmark: [`cpu`] compares what a request costs in Envoy under each way of authenticating it, [`system`] measures
//! the registry and the feed at scale, and [`report`] holds what both publish.

pub mod alone;
pub mod report;
pub mod stats;

pub mod cpu;
pub mod load;
pub mod random;
pub mod variant;

pub mod checker;
pub mod server;
pub mod upstream;

pub mod seed;
pub mod system;
