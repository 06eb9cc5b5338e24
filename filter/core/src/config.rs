//! The filter's configuration: one JSON object, checked whole before anything of it is used.
//!
//! Unknown fields and bad values refuse to load, and the error names the place: `rules[1].key_auth.header: ...`.

mod bearer;
mod error;
mod input;
mod policy;
mod registry;
mod resource;
mod rule;
mod text;

use alloc::string::ToString;

pub use error::ConfigError;
pub use policy::Policy;
pub(crate) use policy::{
    Access, AmbiguousPaths, Applications, Bearer, HostPattern, Issued, KeyAuth, PathPattern,
    Protection, Rule, Unmatched,
};
pub use registry::{GatewayToken, Registry, TokenSource};
pub(crate) use resource::{Document, WELL_KNOWN};

use input::Input;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// How to reach the registry.
    pub registry: Registry,
    /// What is asked of requests.
    pub policy: Policy,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// When it is not JSON, has a field twice or one that does not exist, lacks one, or a value is bad. The error never
    /// repeats a gateway token.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let input: Input = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| ConfigError::unreadable(&error.path().to_string(), error.inner()))?;
        deserializer
            .end()
            .map_err(|error| ConfigError::unreadable(".", &error))?;
        let registry = registry::check(input.registry).map_err(|error| error.within("registry"))?;
        let policy = policy::check(
            input.rules,
            input.unmatched,
            input.ambiguous_paths,
            input.ready_path,
        )?;
        Ok(Self { registry, policy })
    }
}
