//! The benchmark: [`cpu`] compares what a request costs in Envoy under each way of authenticating it, `system` measures
//! the registry and the feed at scale, and [`report`] holds what both publish.

pub mod report;
pub mod stats;
