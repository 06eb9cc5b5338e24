//! Which access tokens in the form of a JWT are good.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod jwt {
    mod attacks;
    mod claims;
    mod keys;
    mod support;
    #[cfg(not(target_arch = "wasm32"))]
    mod wycheproof;
}
