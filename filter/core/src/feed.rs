//! What crosses the wire from the registry to a gateway: `GET /v1/feed`, encoded with postcard.
//!
//! These are plain values. They are checked when they are packed into a [`crate::segment`].

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    digest::{Digest, DigestKey},
    ids::ObjectId,
    jwt::{ClientClaim, TokenDigest, VerificationKey},
};

/// The version of everything in this module. A page of another version is refused.
pub const FORMAT: u8 = 3;

/// The media type of an encoded [`Page`].
pub const MEDIA_TYPE: &str = "application/vnd.keysmith.feed.v3";

/// Into how many parts applications are divided: `index % APPLICATION_BUCKETS`. A power of two.
pub const APPLICATION_BUCKETS: u16 = 1024;

/// Into how many parts credentials are divided: the first 12 bits of the digest.
pub const CREDENTIAL_SEGMENTS: u16 = 4096;

/// Records at most in one page, unless a single bucket or segment holds more.
pub const MAX_PAGE_RECORDS: usize = 1000;

/// Encoded bytes at most in one page, unless a single bucket or segment needs more.
pub const MAX_PAGE_BYTES: usize = 64 * 1024;

/// Issuers at most. They are one part of the snapshot, so that they travel on one page.
pub const MAX_ISSUERS: usize = 64;

/// Encoded bytes of all issuers with their keys, at most.
pub const MAX_ISSUERS_BYTES: usize = 256 * 1024;

/// The bucket that holds the application with this index.
#[must_use]
pub fn application_bucket(index: u32) -> u16 {
    let [low, high, ..] = index.to_le_bytes();
    u16::from_le_bytes([low, high]) & (APPLICATION_BUCKETS - 1)
}

/// The segment that holds this digest: the digests of a segment are neighbours in digest order.
#[must_use]
pub fn credential_segment(digest: &Digest) -> u16 {
    let [first, second, ..] = digest.0;
    u16::from_be_bytes([first, second]) >> 4
}

/// One answer of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// [`FORMAT`].
    pub format: u8,
    /// The identity of the log; another database has another.
    pub epoch: [u8; 16],
    /// The name of the gateway group that the token decides.
    pub group: String,
    /// What the page holds.
    pub body: Body,
    /// Opaque: send it back as `after`.
    pub next: String,
    /// Whether the next page is there already, so that the poll for it need not wait.
    pub more: bool,
}

/// The content of a [`Page`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Part of a full snapshot. The first has `begins` set, and answers a cursor that does not match exactly, or none.
    Snapshot(SnapshotPage),
    /// What changed after the cursor, in order; empty when the wait ended without a change.
    Changes(ChangesPage),
    /// The group's digests are found under another key from here on. Nothing else is on the page.
    Key(KeyPage),
}

/// Whole buckets or segments, each as it stood at `revision`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPage {
    /// Present on the first page of a snapshot, and only there.
    pub begins: Option<Beginning>,
    /// The revision of the log that this page reflects: that of the snapshot's beginning or a later one, in any order from
    /// page to page. The changes that follow the snapshot start at its beginning, and a bucket or segment ignores those it
    /// already reflects.
    pub revision: u64,
    /// The first bucket or segment that this page holds.
    pub from: u16,
    /// The first bucket or segment that it does not hold. Those between that have no record are empty.
    pub to: u16,
    /// The records, ordered by bucket or segment.
    pub records: Records,
}

/// What a snapshot is made under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    /// The group's key for the digests of this snapshot and of the changes after it.
    pub digest_key: DigestKey,
}

/// The records of a [`SnapshotPage`]. Applications come before credentials, and those before issuers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Records {
    /// In bucket order.
    Applications(Vec<Application>),
    /// In digest order.
    Credentials(Vec<Credential>),
    /// All of them, in the order of their names: the page is `from` 0 `to` 1.
    Issuers(Vec<Issuer>),
}

/// Where a group goes over to another key for its digests. By then each of its secrets has been told under both, so that
/// nothing has to be told anew; what is under the old one is removed once every gateway has passed this position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPage {
    /// The position in the log that is reached.
    pub revision: u64,
    /// The group's key for everything that was told and for the changes after it.
    pub digest_key: DigestKey,
}

/// Changes in log order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesPage {
    /// The position in the log that is reached when all changes of this page are applied.
    pub revision: u64,
    /// Empty when there was nothing to tell this group.
    pub changes: Vec<Change>,
}

/// One change and its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its position in the log. Several changes may share one: they were one transaction.
    pub revision: u64,
    /// What changed.
    pub operation: Operation,
}

/// What changed, as the state that results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The application is now this.
    PutApplication(Application),
    /// The application with this index is gone.
    RemoveApplication(u32),
    /// The credential's secret is now this.
    PutCredential(Credential),
    /// No credential has this digest any more.
    RemoveCredential(Digest),
    /// The issuer is now this.
    PutIssuer(Issuer),
    /// Tokens of the issuer with this name are not accepted any more.
    RemoveIssuer(String),
}

/// State that an application's credentials share, so that disabling or renaming it is one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// By which credentials refer to it. Never reused within an epoch.
    pub index: u32,
    /// The application's id, for rules that name it.
    pub id: ObjectId,
    /// Sent upstream as `X-Consumer-Username`.
    pub name: String,
    /// Sent upstream as `X-Consumer-Custom-ID`, when there is one.
    pub custom_id: Option<String>,
    /// Whether its credentials are honoured.
    pub enabled: bool,
}

/// One secret of a credential, current or retiring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// By which a presented value finds it.
    pub digest: Digest,
    /// How it must be presented.
    pub kind: CredentialKind,
    /// The [`Application::index`] it belongs to.
    pub application: u32,
    /// The credential's id.
    pub id: ObjectId,
    /// Sent upstream as `X-Credential-Identifier`; `None` when it equals the id.
    pub identifier: Option<String>,
    /// Counts the credential's secrets: one more at each rotation, so a remembered verdict never outlives its secret.
    pub version: u32,
    /// Whether it is honoured.
    pub enabled: bool,
    /// Unix milliseconds from which it is honoured; 0 for always.
    pub not_before: u64,
    /// Unix milliseconds from which it is no longer honoured (the sooner of its expiry and the end of its grace
    /// period); 0 for never.
    pub expires_at: u64,
    /// What it may be used for, each a scope token (RFC 6749 section 3.3), ordered.
    pub scopes: Vec<String>,
    /// Of an OAuth client: Unix milliseconds before which its tokens must not have been issued; 0 for any time.
    pub tokens_valid_from: u64,
}

/// Who issues access tokens to OAuth clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// Its name: what its tokens say in `iss`, and rules in `issuers`, byte for byte.
    pub name: String,
    /// Which claim names the client that a token was issued to.
    pub client_claim: ClientClaim,
    /// Whether its tokens say in their header that they are access tokens (RFC 9068 section 2.1), and others are refused.
    pub types_its_tokens: bool,
    /// Whether the registry asks it about tokens that are no JWTs (RFC 7662).
    pub introspects: bool,
    /// What its tokens are verified with.
    pub keys: Vec<VerificationKey>,
    /// The tokens that were revoked before they end, ordered.
    pub revoked: Vec<TokenDigest>,
}

/// How a credential must be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CredentialKind {
    /// As an API key; also as a bearer token where the rule accepts that.
    ApiKey,
    /// As `Authorization: Bearer`.
    BearerToken,
    /// As HTTP Basic with a generated password, found by user name and password.
    BasicGenerated,
    /// As HTTP Basic with a chosen password, found by user name; the registry verifies the password.
    BasicChosen,
    /// As an API key together with its shared secret, found by both ([`SecretHash::of_pair`]); nothing is found by the
    /// key alone. The record's version is that of the shared secret in the upper half, that of the key in the lower.
    ///
    /// [`SecretHash::of_pair`]: crate::digest::SecretHash::of_pair
    ApiKeyPair,
    /// As an access token that an issuer gave to an OAuth client, found by both ([`SecretHash::of_client`]): nothing is
    /// proven by that alone, the token must be.
    ///
    /// [`SecretHash::of_client`]: crate::digest::SecretHash::of_client
    OauthClient,
}

/// Why a page could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The bytes are not a page.
    #[error("the answer is not a feed page")]
    Malformed,
    /// The page is of another [`FORMAT`].
    #[error("the feed page has format {0}, this build reads format {FORMAT}")]
    Format(u8),
}

impl Page {
    /// Encodes the page as the registry sends it.
    ///
    /// # Errors
    /// [`PageError::Malformed`] when memory does not suffice.
    pub fn encode(&self) -> Result<Vec<u8>, PageError> {
        postcard::to_allocvec(self).map_err(|_| PageError::Malformed)
    }

    /// Decodes a page, which must fill `bytes` exactly.
    ///
    /// # Errors
    /// When the bytes are not a page of this [`FORMAT`].
    pub fn decode(bytes: &[u8]) -> Result<Self, PageError> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(PageError::Format(other)),
            None => return Err(PageError::Malformed),
        }
        match postcard::take_from_bytes(bytes) {
            Ok((page, [])) => Ok(page),
            _ => Err(PageError::Malformed),
        }
    }
}
