//! The records of the feed as the store keeps them: rendered once, when something changes, and read by every page.

use filter_core::{digest::Digest, feed, ids::CREDENTIAL_PREFIX};

use super::{CredentialRow, StoreError};
use crate::clock::Timestamp;

/// A deployed secret with its record for gateways: [`feed::Credential`] in postcard, as it goes on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedCredential {
    /// By which it is found.
    pub digest: Digest,
    /// The record.
    pub record: Vec<u8>,
}

impl RenderedCredential {
    /// The record as a value.
    pub fn decode(&self) -> Result<feed::Credential, StoreError> {
        match postcard::take_from_bytes::<feed::Credential>(&self.record) {
            Ok((credential, [])) if credential.digest == self.digest => Ok(credential),
            _ => Err(StoreError::Unreadable("deployed_secrets.record")),
        }
    }
}

/// Renders what gateways know of a deployed secret.
pub(crate) fn render(row: CredentialRow) -> Result<Vec<u8>, StoreError> {
    postcard::to_allocvec(&credential(row))
        .map_err(|_| StoreError::Unreadable("deployed_secrets.record"))
}

fn credential(row: CredentialRow) -> feed::Credential {
    let id_text = row.id.with_prefix(CREDENTIAL_PREFIX);
    // The sooner of the credential's expiry and the end of the secret's grace period.
    let end = row.expires_at.into_iter().chain(row.retiring_until).min();
    feed::Credential {
        digest: row.digest,
        kind: row.kind,
        application: row.application,
        id: row.id,
        identifier: (row.identifier != id_text).then_some(row.identifier),
        version: row.version,
        enabled: row.enabled,
        not_before: row.not_before.map_or(0, Timestamp::as_millis),
        expires_at: end.map_or(0, Timestamp::as_millis),
        scopes: row.scopes,
        tokens_valid_from: row.tokens_valid_from.map_or(0, Timestamp::as_millis),
    }
}
