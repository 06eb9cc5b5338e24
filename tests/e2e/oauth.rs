//! Access tokens at the real Envoy: of the registry's own authorization server, and of identity providers that others wrote,
//! where the registry has registered clients; and everything that must stop them.

mod builtin;
mod deletion;
mod django;
mod library;
mod oidc;
mod scene;
