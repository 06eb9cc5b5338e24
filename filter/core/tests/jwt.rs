//! Which access tokens in the form of a JWT are good.

mod jwt {
    mod attacks;
    mod claims;
    mod keys;
    mod support;
    #[cfg(not(target_arch = "wasm32"))]
    mod wycheproof;
}
