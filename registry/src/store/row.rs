//! What the store hands out and takes in, beyond the product's own nouns.

use std::collections::BTreeMap;

use filter_core::{
    digest::Digest,
    feed::{CredentialKind, Issuer},
    ids::ObjectId,
};

use super::RenderedCredential;
use crate::{
    clock::Timestamp,
    credential::Credential,
    ids::{AccessTokenId, CredentialId, GroupId, SecretId, TokenId},
    secret::Secret,
    token::Token,
};

/// What a commit is stamped with.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Random: tells this revision from one with the same number in a database that was rolled back.
    pub change_id: [u8; 16],
    /// When it happened.
    pub at: Timestamp,
}

/// The log's identity and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The identity of the log.
    pub epoch: [u8; 16],
    /// Its last revision.
    pub revision: u64,
    /// The random id of the changes at that revision.
    pub change_id: [u8; 16],
}

/// A group's digest key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDigestKey {
    /// Whose key it is.
    pub group: GroupId,
    /// Which of the group's keys it is, counting from 1.
    pub version: u32,
    /// The key.
    pub sealed: Vec<u8>,
}

/// A secret that a group's gateways honour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Where.
    pub group: GroupId,
    /// By which digest it is found there.
    pub digest: [u8; 16],
    /// Which secret.
    pub secret: SecretId,
    /// The shared secret that has to be presented with it, for a pair.
    pub paired: Option<SecretId>,
    /// The access token that is found there, of the client whose name is the secret.
    pub token: Option<AccessTokenId>,
    /// The version of the group's key that the digest is made under.
    pub key_version: u32,
}

/// What a commit has changed, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedChange {
    /// When.
    pub at: Timestamp,
    /// For which groups that exist.
    pub groups: Vec<GroupId>,
}

/// What was said of a credential in a group, against what it does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// In which group.
    pub group: GroupId,
    /// Whether it is to be honoured there.
    pub wanted: bool,
}

/// Which positions in the log last told groups of a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// Of its secrets that are deployed.
    pub deployed: BTreeMap<GroupId, u64>,
    /// That one of its secrets was withdrawn.
    pub withdrawn: BTreeMap<GroupId, u64>,
    /// Of its application.
    pub admitted: BTreeMap<GroupId, u64>,
}

/// A stretch of an application's credentials, in order of creation.
#[derive(Clone, Copy, Debug)]
pub struct CredentialRange {
    /// Those created after this one.
    pub after: Option<CredentialId>,
    /// The last one.
    pub to: CredentialId,
}

impl CredentialRange {
    /// Every id sorts after the empty text.
    pub(super) fn after_text(&self) -> String {
        self.after.map(|id| id.to_string()).unwrap_or_default()
    }
}

/// An application as gateways know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationRow {
    /// Its number.
    pub number: u32,
    /// Its id.
    pub id: ObjectId,
    /// Its name.
    pub name: String,
    /// Its custom id.
    pub custom_id: Option<String>,
    /// Whether its credentials are honoured.
    pub enabled: bool,
}

/// A deployed secret, with what gateways know of its credential: what its record is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialRow {
    /// By which it is found.
    pub digest: Digest,
    /// How it is presented.
    pub kind: CredentialKind,
    /// The number of its application.
    pub application: u32,
    /// The credential's id.
    pub id: ObjectId,
    /// The credential's identifier.
    pub identifier: String,
    /// Which of the credential's secrets it is.
    pub version: u32,
    /// Whether the credential is honoured.
    pub enabled: bool,
    /// From when the credential is honoured.
    pub not_before: Option<Timestamp>,
    /// Until when the credential is honoured.
    pub expires_at: Option<Timestamp>,
    /// Until when the secret works, if it is retiring.
    pub retiring_until: Option<Timestamp>,
    /// What the credential may be used for.
    pub scopes: Vec<String>,
    /// Since when an OAuth client's tokens must have been issued.
    pub tokens_valid_from: Option<Timestamp>,
}

/// A change and the present state of what changed; `None` where the group knows it no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// The change's position in the log.
    pub revision: u64,
    /// What changed.
    pub subject: Subject,
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The application with this number.
    Application(u32, Option<ApplicationRow>),
    /// The secret with this digest.
    Secret(Digest, Option<RenderedCredential>),
    /// The group's gateways look up under this version of its key from here on.
    Key(u32),
    /// The issuer with this name.
    Issuer(String, Option<Issuer>),
}

/// A chosen password that may be verified, with its credential.
#[derive(Clone, Debug)]
pub struct PasswordRow {
    /// The secret.
    pub secret: Secret,
    /// Its credential.
    pub credential: Credential,
    /// Whether the application's credentials are honoured.
    pub application_enabled: bool,
}

/// A token with the digest by which it was found.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The token.
    pub token: Token,
    /// Its digest.
    pub digest: [u8; 32],
}

/// An idempotent request, running or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Who sent it.
    pub token: TokenId,
    /// Of which attempt this is, so that one that was given up does not answer for its successor.
    pub attempt: [u8; 16],
    /// What its body was.
    pub body_digest: [u8; 32],
    /// The sealed answer, once there is one.
    pub answer: Option<Vec<u8>>,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// Until when things are forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// Changes before this.
    pub changes_before: Timestamp,
    /// Idempotent requests before this.
    pub requests_before: Timestamp,
    /// Which batches of gateways were applied, where that was before this and the gateway is not known any more.
    pub batches_before: Timestamp,
    /// What gateways lost on the days before this one.
    pub lost_before: Timestamp,
}
