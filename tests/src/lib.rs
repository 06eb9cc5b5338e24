//! Boots what a deployment has (a registry, an Envoy with the filter, an upstream) on free ports of the loopback, and
//! gives tests actors who use it: [`admin::Admin`] over the REST API, [`http::Client`] through the gateway.
//!
//! Nothing here guesses how long a thing takes: it is asked again until it is so, with a deadline ([`eventually`]). What a process prints goes to a file
//! in the stack's folder, and is shown when the test fails. Processes end with the value that stands for them.

pub mod admin;
pub mod built;
pub mod demo;
pub mod echo;
pub mod envoy;
pub mod eventually;
pub mod fault;
pub mod feed_proxy;
pub mod http;
pub mod left;
pub mod ports;
pub mod process;
pub mod raw;
pub mod registry;
pub mod stack;

/// Says something on the screen also when the test passes, which hides what it prints.
pub fn say(text: &str) {
    use std::io::{self, Write as _};
    // A closed screen is no failure.
    let _ = io::stderr().write_all(text.as_bytes());
}
