//! What can be asked of a provider about the clients that are registered there, however it is talked to.

use std::fmt;

use async_trait::async_trait;

use crate::{
    clock::Timestamp,
    ids::{OperationId, ProviderId},
    oauth_client::metadata::ClientMetadata,
    outgoing::OutgoingError,
    secrets::SecretText,
};

/// A provider's side of a client's life.
///
/// No call is repeated here. Whoever calls has written down what is to be done, and keeps what was answered, before
/// anything else is tried.
#[async_trait]
pub trait Registrar: fmt::Debug + Send + Sync {
    /// Registers a client.
    async fn register(
        &self,
        metadata: &ClientMetadata,
        marker: Marker,
    ) -> Result<Registered, ProviderError>;
    /// How a client is registered now.
    async fn read(&self, client: &Known) -> Result<Registered, ProviderError>;
    /// Replaces all that is registered of a client.
    async fn update(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError>;
    /// Gives a client another secret; the one before ends at once. [`ProviderErrorKind::Unsupported`] where the provider
    /// cannot: another client has to be registered then.
    async fn rotate_secret(
        &self,
        client: &Known,
        metadata: &ClientMetadata,
    ) -> Result<Registered, ProviderError>;
    /// Removes a client. [`ProviderErrorKind::Missing`] where there is none.
    async fn delete(&self, client: &Known) -> Result<(), ProviderError>;
    /// The clients that bear a mark of the registry. [`ProviderErrorKind::Unsupported`] where nobody has said how to ask.
    async fn list(&self) -> Result<Vec<Listed>, ProviderError>;
    /// Whether the secret is the client's, asked as that client. [`ProviderErrorKind::Unsupported`] where there is no way to
    /// ask.
    async fn proves(&self, _client_id: &str, _secret: &SecretText) -> Result<bool, ProviderError> {
        Err(ProviderError::unsupported(
            "it cannot be asked whether a secret is a client's: have the client linked by a token of role portal_admin or \
             api_owner",
        ))
    }
}

/// By what a client is recognised that the registry has registered, or may have: the operation that did it, and the provider
/// as this installation knows it, which tells its clients from those of another installation at the same provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The installation's own id of the provider.
    pub provider: ProviderId,
    /// The operation.
    pub operation: OperationId,
}

/// Written as one text, for those who keep no other mark.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.software(), self.operation)
    }
}

impl Marker {
    const BRAND: &'static str = "keysmith-";

    /// What stands in `software_id`.
    #[must_use]
    pub fn software(&self) -> String {
        format!("{}{}", Self::BRAND, self.provider)
    }

    /// The metadata with the mark in it.
    #[must_use]
    pub fn put_into(self, metadata: &ClientMetadata) -> ClientMetadata {
        ClientMetadata {
            software_id: Some(self.software()),
            software_version: Some(self.operation.to_string()),
            ..metadata.clone()
        }
    }

    /// The mark in some metadata.
    #[must_use]
    pub fn found_in(metadata: &ClientMetadata) -> Option<Self> {
        Self::read(
            metadata.software_id.as_deref()?,
            metadata.software_version.as_deref()?,
        )
    }

    /// The mark in one text.
    #[must_use]
    pub fn found_in_text(text: &str) -> Option<Self> {
        let (software, operation) = text.split_once(' ')?;
        Self::read(software, operation.trim())
    }

    fn read(software: &str, operation: &str) -> Option<Self> {
        Some(Self {
            provider: software.strip_prefix(Self::BRAND)?.parse().ok()?,
            operation: operation.parse().ok()?,
        })
    }
}

/// A client as its provider says that it is registered. What is answered counts, not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its name.
    pub client_id: String,
    /// Its secret, where the answer holds one.
    pub client_secret: Option<SecretText>,
    /// When its secret ends; `None` for never.
    pub client_secret_expires_at: Option<Timestamp>,
    /// Where it is managed (RFC 7592), where the provider says so.
    pub registration_client_uri: Option<String>,
    /// What manages it from now on; the one before is void where there is another.
    pub registration_access_token: Option<SecretText>,
    /// All else, without what the fields above hold.
    pub metadata: ClientMetadata,
}

/// What the registry knows of a client by which it is managed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub client_id: String,
    /// Where it is managed.
    pub registration_client_uri: Option<String>,
    /// What manages it.
    pub registration_access_token: Option<SecretText>,
}

/// A client that a provider lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, and what manages it as far as the list says.
    pub known: Known,
    /// The operation that registered it.
    pub marker: Marker,
}

/// Why a provider has not done what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct ProviderError {
    /// What it comes to.
    pub kind: ProviderErrorKind,
    /// What the provider calls it (RFC 7591 section 3.2.2, RFC 6749 section 5.2).
    pub code: Option<String>,
    /// For people: what the provider says, bounded and cleaned, or what happened on the way.
    pub description: String,
    /// The status of its answer, where there was one.
    pub status: Option<u16>,
    /// Whether the provider may have got the request, and done what it asks.
    pub may_be_done: bool,
}

/// What a provider's failure comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// It says no to what was asked for: the metadata, for one.
    Refused,
    /// It does not accept the registry's own credentials.
    Forbidden,
    /// There is no such client.
    Missing,
    /// It does not accept what manages the client: there is no such client any more (RFC 7592 section 2.1), or another
    /// token manages it by now.
    Unmanaged,
    /// It cannot be reached, is too slow, or says that it is not well (5xx, 429).
    Unavailable,
    /// What it answers makes no sense.
    Garbage,
    /// It is not able to, as it is configured.
    Unsupported,
}

impl ProviderError {
    /// Bytes of a provider's own words that are repeated at most.
    const MAX_WORDS: usize = 300;

    /// It is not able to.
    #[must_use]
    pub fn unsupported(description: impl Into<String>) -> Self {
        Self {
            kind: ProviderErrorKind::Unsupported,
            code: None,
            description: description.into(),
            status: None,
            may_be_done: false,
        }
    }

    /// What it answers makes no sense. It may have done what was asked.
    #[must_use]
    pub fn garbage(status: u16, description: impl Into<String>) -> Self {
        Self {
            kind: ProviderErrorKind::Garbage,
            code: None,
            description: description.into(),
            status: Some(status),
            may_be_done: true,
        }
    }

    /// What a provider says, so that it can be shown: bounded, and in visible characters.
    #[must_use]
    pub fn words(text: &str) -> String {
        let visible = text
            .chars()
            .map(|it| if it.is_control() { ' ' } else { it });
        let mut words = String::new();
        for character in visible {
            if words.len().saturating_add(character.len_utf8()) > Self::MAX_WORDS {
                break;
            }
            words.push(character);
        }
        words.trim().to_owned()
    }
}

impl From<OutgoingError> for ProviderError {
    fn from(error: OutgoingError) -> Self {
        Self {
            kind: ProviderErrorKind::Unavailable,
            code: None,
            description: error.to_string(),
            status: None,
            may_be_done: !error.was_never_sent(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_mark_is_found_where_it_was_put_and_nowhere_else() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let entropy = SeededEntropy::new(1);
        let marker = Marker {
            provider: ProviderId::generate(at, &entropy).unwrap(),
            operation: OperationId::generate(at, &entropy).unwrap(),
        };
        assert_eq!(Marker::found_in_text(&marker.to_string()), Some(marker));
        assert_eq!(Marker::found_in_text("somebody's own words"), None);
        let marked = marker.put_into(&ClientMetadata::default());
        assert_eq!(Marker::found_in(&marked), Some(marker));
        assert_eq!(Marker::found_in(&ClientMetadata::default()), None);
        let other = ClientMetadata {
            software_id: Some("other".to_owned()),
            ..marked
        };
        assert_eq!(Marker::found_in(&other), None);
    }

    #[test]
    fn what_a_provider_says_is_bounded_and_has_no_control_characters() {
        assert_eq!(ProviderError::words("no\r\nway\u{7}"), "no  way");
        let long = "é".repeat(1_000);
        assert_eq!(ProviderError::words(&long).len(), 300);
    }
}
