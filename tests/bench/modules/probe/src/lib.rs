//! The reference module of the benchmark: what any filter must do that checks a hashed key in Envoy, and nothing else.
//!
//! Two entries (the stream is announced, its headers come), one call that returns data (all header pairs), one
//! HMAC-SHA-256 of the key's SHA-256, one look-up, and the header edits that Keysmith makes for the same request. There
//! are no rules, no feed, no clock, no expiry and no metrics. The host is reached through Keysmith's own ABI file.

#[path = "../../../../../filter/src/abi.rs"]
#[expect(dead_code, reason = "the product calls more of the host")]
mod abi;
mod callbacks;
mod table;
