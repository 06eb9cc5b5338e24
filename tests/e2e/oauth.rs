//! Access tokens of identity providers that others wrote, at the real Envoy: clients that the registry has registered there,
//! tokens that the providers issued, and everything that must stop them.

mod django;
mod oidc;
mod scene;
