//! Identity providers that others wrote, on free ports of the loopback, each in a folder of its own; and where the client
//! libraries lie that are tried against the registry's own endpoints.
//!
//! `make peers` fetches what they need. Nothing here is asynchronous, so that tests may hold their clock: starting one
//! blocks the thread for about a second.

mod django_toolkit;
mod node;
mod oidc_provider;
mod options;
mod process;
mod tools;

pub use self::{
    django_toolkit::DjangoToolkit,
    node::{NodeScript, run_node},
    oidc_provider::OidcProvider,
    options::{Client, Options},
};

#[cfg(test)]
mod tests;
