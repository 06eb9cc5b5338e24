//! The chain: each record is MACed together with the one before it, under a key that does not lie in the database. Who
//! can write the database, and nothing else, cannot change, move or remove a record so that it does not show.

use serde_json::{Map, Value};

use super::Entry;
use crate::secrets::Keys;

/// What a record or a head is authenticated with: HMAC-SHA-256.
pub type Mac = [u8; 32];

/// An entry as it is kept: the columns, whatever they hold. What was altered need not mean anything, and is still named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number. Counted from 1, without gaps.
    pub sequence: u64,
    /// The organization's id.
    pub organization: String,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// The token's id.
    pub token: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// What was done.
    pub action: String,
    /// The application's id.
    pub application: Option<String>,
    /// The credential's id.
    pub credential: Option<String>,
    /// The name of what it was done to.
    pub subject: String,
    /// More about it: a JSON object.
    pub detail: String,
    /// Under which version of the key it was MACed; `None` if it never was.
    pub key_version: Option<u32>,
    /// Over the MAC of the record before it and all the above.
    pub mac: Option<Mac>,
}

/// A place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the record.
    pub sequence: u64,
    /// Under which version of the key it was MACed.
    pub key_version: u32,
    /// The record's MAC, which stands for everything up to it.
    pub mac: Mac,
}

impl Link {
    /// Before the first record.
    #[must_use]
    pub const fn start(key_version: u32) -> Self {
        Self {
            sequence: 0,
            key_version,
            mac: [0; 32],
        }
    }
}

/// Where the chain begins and ends, as it is kept. Without it nobody could say whether records are missing at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// The last record.
    pub last: Link,
    /// The record before the first one that is kept.
    pub base: Link,
    /// Under which version of the key this is signed.
    pub key_version: u32,
    /// Over all the above.
    pub signature: Mac,
}

/// The keyring has no key of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no audit key of version {0}")]
pub struct UnknownKey(pub u32);

impl Record {
    /// The entry as the record after `previous`.
    pub(super) fn follow(keys: &Keys, previous: &Link, entry: &Entry) -> Result<Self, UnknownKey> {
        let mut record = Self {
            sequence: previous.sequence.saturating_add(1),
            organization: entry.organization.to_string(),
            at: i64::try_from(entry.at.as_millis()).unwrap_or(i64::MAX),
            token: entry.token.map(|id| id.to_string()),
            address: entry.address.clone(),
            action: entry.action.clone(),
            application: entry.application.map(|id| id.to_string()),
            credential: entry.credential.map(|id| id.to_string()),
            subject: entry.subject.clone(),
            detail: text(&entry.detail),
            key_version: None,
            mac: None,
        };
        record.seal(keys, &previous.mac)?;
        Ok(record)
    }

    /// MACs it, under the latest key, as what follows the record with this MAC.
    pub(super) fn seal(&mut self, keys: &Keys, previous: &Mac) -> Result<(), UnknownKey> {
        let version = keys.audit_key_version();
        self.key_version = Some(version);
        self.mac = Some(self.expected(keys, previous, version)?);
        Ok(())
    }

    /// The MAC that it has to have after the record with this MAC.
    pub(super) fn expected(
        &self,
        keys: &Keys,
        previous: &Mac,
        key_version: u32,
    ) -> Result<Mac, UnknownKey> {
        let mut message = Message::new(b"keysmith-audit-record-1");
        message
            .part(previous)
            .number(self.sequence)
            .number(u64::from(key_version))
            .text(&self.organization)
            .part(&self.at.to_be_bytes())
            .optional(self.token.as_deref())
            .optional(self.address.as_deref())
            .text(&self.action)
            .optional(self.application.as_deref())
            .optional(self.credential.as_deref())
            .text(&self.subject)
            .text(&self.detail);
        message.mac(keys, key_version)
    }

    /// Its place in the chain, if it has one.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        Some(Link {
            sequence: self.sequence,
            key_version: self.key_version?,
            mac: self.mac?,
        })
    }
}

impl ChainState {
    /// Signs that the chain lies between these two.
    pub(crate) fn sign(keys: &Keys, base: Link, last: Link) -> Result<Self, UnknownKey> {
        let key_version = keys.audit_key_version();
        Ok(Self {
            last,
            base,
            key_version,
            signature: Self::signature(keys, &base, &last, key_version)?,
        })
    }

    /// Of a log that has no records.
    pub(crate) fn empty(keys: &Keys) -> Result<Self, UnknownKey> {
        let start = Link::start(keys.audit_key_version());
        Self::sign(keys, start, start)
    }

    /// Whether the registry wrote it.
    pub(super) fn is_genuine(&self, keys: &Keys) -> bool {
        Self::signature(keys, &self.base, &self.last, self.key_version)
            .is_ok_and(|expected| expected == self.signature)
    }

    fn signature(
        keys: &Keys,
        base: &Link,
        last: &Link,
        key_version: u32,
    ) -> Result<Mac, UnknownKey> {
        let mut message = Message::new(b"keysmith-audit-state-1");
        for link in [base, last] {
            message
                .number(link.sequence)
                .number(u64::from(link.key_version))
                .part(&link.mac);
        }
        message.number(u64::from(key_version));
        message.mac(keys, key_version)
    }
}

/// The text that is kept of what there is more about an entry.
pub(super) fn text(detail: &Map<String, Value>) -> String {
    // `Display` of JSON cannot fail where every key is a text.
    serde_json::to_string(detail).unwrap_or_default()
}

/// What is MACed: each part with its length before it, so that no two lists of parts read alike.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new(kind: &[u8]) -> Self {
        let mut message = Self(Vec::with_capacity(512));
        message.part(kind);
        message
    }

    pub(super) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend((bytes.len() as u64).to_be_bytes());
        self.0.extend(bytes);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.part(text.as_bytes())
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.part(&number.to_be_bytes())
    }

    /// Nothing is told from an empty text by how many parts there are.
    pub(super) fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            None => self.number(0),
            Some(text) => self.number(1).text(text),
        }
    }

    pub(super) fn mac(&self, keys: &Keys, key_version: u32) -> Result<Mac, UnknownKey> {
        keys.audit_mac(key_version, &self.0)
            .ok_or(UnknownKey(key_version))
    }
}
