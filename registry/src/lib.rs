//! The registry: where credentials are created, rotated and deleted, and from which gateways follow them.
//!
//! A request comes in through [`api`], becomes one call of a use case, which writes its rows and a change in one
//! transaction; the feed translates changes for gateways.

pub mod config;

pub mod caller;
pub mod change;
pub mod clock;
pub mod entropy;
pub mod environment;
pub mod error;
pub mod ids;
pub mod keys;
pub mod secrets;

pub mod sealing;

mod csv;
pub mod edit;
pub mod label;
pub mod listing;
pub mod registration;
pub mod scope;

pub mod application;
pub mod audit;
pub mod backup;
pub mod consumer;
pub mod credential;
pub mod export;
pub mod gateway;
pub mod leak;
pub mod lifetime;
pub mod oauth;
pub mod oauth_client;
pub mod organization;
pub mod outgoing;
pub mod owner;
pub mod password;
pub mod provider;
pub mod secret;
pub mod secret_policy;
pub mod sweep;
pub mod token;
pub mod usage;

pub mod deployment;
pub mod feed;
pub mod idempotency;
pub mod issuers;
pub mod journal;
pub mod jwks;
pub mod propagation;
pub mod store;

pub mod api;
pub mod operations;
pub mod verification;

pub mod inspect;
pub mod listener;
pub mod serve;
pub mod shutdown;
mod start;
pub mod telemetry;
pub mod tls;

pub mod cli;

#[cfg(test)]
mod testing;
