//! What a credential means, written once and used by both the registry and the filter.
//!
//! Data flows one way: the registry mints a [`key`], keeps its hash and publishes a [`digest`] per gateway group as
//! [`feed`] pages; the filter packs them into [`segment`]s, and [`decide`]s each request against them under a
//! [`config`]ured policy. [`sync`] holds the steps by which the segments follow the feed.
//!
//! This crate performs no I/O, reads no clock, draws no randomness, and does not panic on any input.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

extern crate alloc;

pub mod basic;
pub mod config;
pub mod cookie;
pub mod decide;
pub mod denial;
pub mod digest;
pub mod feed;
pub mod gateway;
pub mod head;
pub mod identity;
pub mod ids;
pub mod introspections;
pub mod jwt;
pub mod key;
pub mod lease;
mod memory;
pub mod names;
pub mod path;
pub mod query;
pub mod request;
pub mod segment;
pub mod slots;
pub mod snapshot;
pub mod sync;
pub mod tokens;
pub mod usage;
pub mod verdicts;
