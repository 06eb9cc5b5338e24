//! The Proxy-Wasm module.
