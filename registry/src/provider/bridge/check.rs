//! Trying a bridge out, so that its author learns what is wrong with it.
//!
//! A client is registered, changed, given another secret and removed, as the registry would do it; beside that the bridge
//! is asked what it must refuse. The registry itself is more tolerant than this, because it also has to get along with the
//! bridges that there are.

mod judge;
mod refusals;
mod steps;
mod talk;
mod wire;

use self::{steps::Trial, wire::Wire};
use super::Bridge;
use crate::{
    error::InvalidField,
    oauth_client::metadata::ClientMetadata,
    outgoing::Outgoing,
    provider::{
        configuration::{HttpBridge, Secrets},
        exchange::headers,
        registrar::Marker,
    },
    secrets::SecretText,
};

/// A bridge that is to be tried.
#[derive(Debug)]
pub struct Check {
    bridge: Bridge,
    wire: Wire,
    secrets: Vec<SecretText>,
}

/// What came of one thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStep {
    /// What was tried.
    pub step: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// For people: what the bridge did, what is wrong with that, and where the rule is. Never a secret.
    pub detail: String,
}

/// What came of one thing that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It is as it must be.
    Ok,
    /// It is not.
    Wrong,
    /// The registry gets along with it, and it would better be otherwise.
    Advice,
    /// It was not tried.
    Skipped,
}

impl CheckOutcome {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::Advice => "advice",
            Self::Skipped => "skipped",
        }
    }
}

impl Check {
    /// Of the bridge that is configured so.
    ///
    /// # Errors
    /// Names what cannot be used.
    pub fn new(
        outgoing: Outgoing,
        configuration: &HttpBridge,
        secrets: &Secrets,
    ) -> Result<Self, InvalidField> {
        let bridge = Bridge::new(outgoing.clone(), configuration, secrets)?;
        let wire = Wire {
            outgoing,
            base: bridge.base.clone(),
            dialect: bridge.dialect,
            headers: headers(secrets)?,
        };
        let hidden = secrets.headers.values();
        let hidden = hidden.map(|header| SecretText::new(header.0.clone()));
        Ok(Self {
            bridge,
            wire,
            secrets: hidden.collect(),
        })
    }

    /// Tries everything, and removes what was registered. The two marks are those of the clients that are registered.
    pub async fn run(self, metadata: &ClientMetadata, marks: [Marker; 2]) -> Vec<CheckStep> {
        Trial::new(self, metadata, marks).run().await
    }
}
