//! The registry over HTTP, as those who call it see it. One binary, so that it links once.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a failure there is a failed test"
)]

mod access;
mod access_tokens;
mod apisix;
mod applications;
mod audit;
mod backup;
mod cli;
mod credentials;
mod default_key;
mod deployments;
mod document;
mod errors;
mod export;
mod feed;
mod garbage;
mod gateways;
mod idempotency;
mod identity_providers;
mod impact;
mod import;
mod keys;
mod leaks;
mod lifecycle;
mod lifetimes;
mod limits;
mod listing;
mod matrix;
mod nul;
mod oauth;
mod opaque_tokens;
mod operations;
mod organizations;
mod outage;
mod owners;
mod pairs;
mod passwords;
mod registration;
mod replicas;
mod rotation;
mod search;
mod signing_keys;
mod support;
mod tls;
mod tokens;
mod usage;
