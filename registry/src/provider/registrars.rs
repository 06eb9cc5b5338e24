//! Who talks to which provider.

use std::fmt;

use async_trait::async_trait;

use super::{Provider, registrar::Registrar};
use crate::{environment::Environment, error::Error};

/// Finds for a provider what talks to it.
#[async_trait]
pub trait Registrars: fmt::Debug + Send + Sync {
    /// What talks to this provider.
    async fn of(&self, env: &Environment, provider: &Provider)
    -> Result<Box<dyn Registrar>, Error>;
}

/// Talks to providers as they are configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Configured;

#[async_trait]
impl Registrars for Configured {
    async fn of(
        &self,
        env: &Environment,
        provider: &Provider,
    ) -> Result<Box<dyn Registrar>, Error> {
        super::registrar(env, provider)
    }
}
