//! What `decide` says, as tables: rules, a request, and the decision in one line each.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[path = "decision/world.rs"]
mod world;

#[path = "decision/basic_auth.rs"]
mod basic_auth;
#[path = "decision/bearer.rs"]
mod bearer;
#[path = "decision/hiding.rs"]
mod hiding;
#[path = "decision/identity.rs"]
mod identity;
#[path = "decision/introspection.rs"]
mod introspection;
#[path = "decision/issuer_keys.rs"]
mod issuer_keys;
#[path = "decision/jwt.rs"]
mod jwt;
#[path = "decision/key_auth.rs"]
mod key_auth;
#[path = "decision/matching.rs"]
mod matching;
#[path = "decision/methods.rs"]
mod methods;
#[path = "decision/pairs.rs"]
mod pairs;
#[cfg(not(target_arch = "wasm32"))]
#[path = "decision/properties.rs"]
mod properties;
#[path = "decision/replies.rs"]
mod replies;
#[path = "decision/resource.rs"]
mod resource;
#[path = "decision/snapshot.rs"]
mod snapshot;
#[path = "decision/tokens.rs"]
mod tokens;
#[path = "decision/usage.rs"]
mod usage;
