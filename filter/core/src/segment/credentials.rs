//! A segment of credentials: neighbours in digest order.

use alloc::{string::String, vec::Vec};
use core::cmp::Ordering;

use super::{
    HEADER_LENGTH, Header, array, heap_text, is_header_text, partition_point, push_short,
    push_text, short_number,
};
use crate::{
    digest::Digest,
    feed::{Credential, CredentialKind},
    ids::{CREDENTIAL_PREFIX, ObjectId},
};

/// The table's byte in a part's header.
pub const TABLE: u8 = 1;

/// Bytes of one record; what its heap holds comes on top.
pub const RECORD_LENGTH: usize = 56;

/// The longest identifier.
pub const MAX_IDENTIFIER_LENGTH: usize = 64;
/// The longest list of scopes, joined by spaces.
pub const MAX_SCOPES_LENGTH: usize = 2048;

const ID: usize = 16;
const APPLICATION: usize = 32;
const VERSION: usize = 36;
const NOT_BEFORE: usize = 40;
const EXPIRES_AT: usize = 46;
const FLAGS: usize = 52;
const HEAP: usize = 53;

const ENABLED: u8 = 0b100;
const HAS_HEAP: u8 = 0b1000;
const KIND: u8 = 0b1_0011;
const MAX_TIME: u64 = (1 << 48) - 1;

/// Packs credentials into a segment. Records whose texts may not stand in a header are left out: what cannot be sent
/// upstream is not honoured.
#[must_use]
pub fn pack(generation: u32, revision: u64, mut credentials: Vec<Credential>) -> Vec<u8> {
    credentials.retain(is_sound);
    credentials.sort_unstable_by_key(|credential| credential.digest.0);
    credentials.dedup_by_key(|credential| credential.digest.0);
    let records_length = credentials.len().saturating_mul(RECORD_LENGTH);
    let heap_start = HEADER_LENGTH.saturating_add(records_length);
    let mut bytes = Vec::with_capacity(heap_start);
    let mut heap = Vec::new();
    let count = u32::try_from(credentials.len()).unwrap_or(0);
    let header = Header {
        count,
        generation,
        revision,
    };
    header.write(TABLE, &mut bytes);
    for credential in &credentials {
        push_record(
            credential,
            heap_start.saturating_add(heap.len()),
            &mut bytes,
            &mut heap,
        );
    }
    bytes.append(&mut heap);
    bytes
}

fn is_sound(credential: &Credential) -> bool {
    let joined = credential.scopes.iter().fold(0_usize, |sum, scope| {
        sum.saturating_add(scope.len()).saturating_add(1)
    });
    credential
        .identifier
        .as_ref()
        .is_none_or(|text| is_header_text(text, MAX_IDENTIFIER_LENGTH))
        && joined <= MAX_SCOPES_LENGTH
        && credential
            .scopes
            .iter()
            .all(|scope| is_header_text(scope, MAX_SCOPES_LENGTH))
}

fn push_record(credential: &Credential, heap_at: usize, bytes: &mut Vec<u8>, heap: &mut Vec<u8>) {
    let kind = match credential.kind {
        CredentialKind::ApiKey => 0,
        CredentialKind::BearerToken => 1,
        CredentialKind::BasicGenerated => 2,
        CredentialKind::BasicChosen => 3,
        CredentialKind::ApiKeyPair => 0b1_0000,
        CredentialKind::OauthClient => 0b1_0001,
    };
    let has_heap = credential.identifier.is_some()
        || !credential.scopes.is_empty()
        || credential.kind == CredentialKind::OauthClient;
    let enabled = if credential.enabled { ENABLED } else { 0 };
    let heap_flag = if has_heap { HAS_HEAP } else { 0 };
    bytes.extend(credential.digest.0);
    bytes.extend(credential.id.0);
    bytes.extend(credential.application.to_le_bytes());
    bytes.extend(credential.version.to_le_bytes());
    push_short::<6>(bytes, credential.not_before.min(MAX_TIME));
    push_short::<6>(bytes, credential.expires_at.min(MAX_TIME));
    bytes.push(kind | enabled | heap_flag);
    push_short::<3>(bytes, u64::try_from(heap_at).unwrap_or(0));
    if has_heap {
        push_text(heap, credential.identifier.as_deref().unwrap_or_default());
        push_text(heap, &credential.scopes.join(" "));
    }
    if credential.kind == CredentialKind::OauthClient {
        heap.extend(credential.tokens_valid_from.to_le_bytes());
    }
}

/// Unpacks a segment, for changing it. Empty when the bytes are not one.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Vec<Credential> {
    let Some(header) = Header::read(bytes, TABLE) else {
        return Vec::new();
    };
    let count = usize::try_from(header.count).unwrap_or(0);
    (0..count)
        .map_while(|index| record(bytes, index))
        .map(CredentialView::to_record)
        .collect()
}

/// Finds a digest in a segment. Two digests are equal by a constant-time comparison.
#[must_use]
pub fn find<'a>(bytes: &'a [u8], digest: &Digest) -> Option<CredentialView<'a>> {
    let header = Header::read(bytes, TABLE)?;
    let count = usize::try_from(header.count).ok()?;
    let at = partition_point(count, |index| {
        record(bytes, index).is_some_and(|view| view.order(digest) == Ordering::Less)
    });
    let view = record(bytes, at).filter(|_| at < count)?;
    (view.digest()? == *digest).then_some(view)
}

fn record(bytes: &[u8], index: usize) -> Option<CredentialView<'_>> {
    let start = index
        .checked_mul(RECORD_LENGTH)?
        .checked_add(HEADER_LENGTH)?;
    let record = bytes.get(start..)?.get(..RECORD_LENGTH)?;
    Some(CredentialView {
        part: bytes,
        record,
    })
}

/// One credential, read in place.
#[derive(Clone, Copy)]
pub struct CredentialView<'a> {
    part: &'a [u8],
    record: &'a [u8],
}

/// What goes upstream as `X-Credential-Identifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identifier<'a> {
    /// Chosen by the caller.
    Chosen(&'a str),
    /// The credential's own id.
    Generated(ObjectId),
}

impl Identifier<'_> {
    /// The text, as it goes upstream.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Chosen(text) => String::from(*text),
            Self::Generated(id) => id.with_prefix(CREDENTIAL_PREFIX),
        }
    }
}

impl<'a> CredentialView<'a> {
    fn order(&self, digest: &Digest) -> Ordering {
        let own = self.record.get(..16).unwrap_or_default();
        own.cmp(digest.0.as_slice())
    }

    fn digest(&self) -> Option<Digest> {
        array(self.record, 0).map(Digest)
    }

    fn flags(&self) -> u8 {
        self.record.get(FLAGS).copied().unwrap_or(0)
    }

    /// How it must be presented.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        match self.flags() & KIND {
            0 => CredentialKind::ApiKey,
            1 => CredentialKind::BearerToken,
            2 => CredentialKind::BasicGenerated,
            0b1_0000 => CredentialKind::ApiKeyPair,
            0b1_0001 => CredentialKind::OauthClient,
            _ => CredentialKind::BasicChosen,
        }
    }

    /// The credential's id.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId(array(self.record, ID).unwrap_or_default())
    }

    /// The snapshot load that wrote it, which tells the table of its application.
    pub(crate) fn generation(&self) -> u32 {
        Header::read(self.part, TABLE).map_or(0, |header| header.generation)
    }

    /// The index of its application.
    #[must_use]
    pub fn application(&self) -> u32 {
        array(self.record, APPLICATION).map_or(u32::MAX, u32::from_le_bytes)
    }

    /// Counts the credential's secrets.
    #[must_use]
    pub fn version(&self) -> u32 {
        array(self.record, VERSION).map_or(0, u32::from_le_bytes)
    }

    /// Whether it is honoured.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.flags() & ENABLED != 0
    }

    /// Unix milliseconds from which it is honoured; 0 for always.
    #[must_use]
    pub fn not_before(&self) -> u64 {
        short_number::<6>(self.record, NOT_BEFORE).unwrap_or(u64::MAX)
    }

    /// Unix milliseconds from which it is no longer honoured; 0 for never.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        short_number::<6>(self.record, EXPIRES_AT).unwrap_or(1)
    }

    /// Sent upstream as `X-Credential-Identifier`.
    #[must_use]
    pub fn identifier(&self) -> Identifier<'a> {
        match self.heap_texts() {
            Some((identifier, _)) if !identifier.is_empty() => Identifier::Chosen(identifier),
            _ => Identifier::Generated(self.id()),
        }
    }

    /// What it may be used for, joined by spaces; empty when nothing is said.
    #[must_use]
    pub fn scopes(&self) -> &'a str {
        self.heap_texts().map_or("", |(_, scopes)| scopes)
    }

    /// Of an OAuth client: Unix milliseconds before which its tokens must not have been issued; 0 for any time.
    #[must_use]
    pub fn tokens_valid_from(&self) -> u64 {
        if self.kind() == CredentialKind::OauthClient {
            self.behind_texts()
                .and_then(|at| array(self.part, at))
                .map_or(u64::MAX, u64::from_le_bytes)
        } else {
            0
        }
    }

    /// Where the heap goes on after identifier and scopes.
    fn behind_texts(&self) -> Option<usize> {
        let (identifier, scopes) = self.heap_texts()?;
        let texts = identifier.len().checked_add(scopes.len())?.checked_add(4)?;
        self.heap_start()?.checked_add(texts)
    }

    fn heap_start(&self) -> Option<usize> {
        usize::try_from(short_number::<3>(self.record, HEAP)?).ok()
    }

    fn heap_texts(&self) -> Option<(&'a str, &'a str)> {
        if self.flags() & HAS_HEAP == 0 {
            return None;
        }
        let at = self.heap_start()?;
        let identifier = heap_text(self.part, at)?;
        let scopes = heap_text(self.part, at.checked_add(2)?.checked_add(identifier.len())?)?;
        Some((
            core::str::from_utf8(identifier).ok()?,
            core::str::from_utf8(scopes).ok()?,
        ))
    }

    fn to_record(self) -> Credential {
        let identifier = match self.identifier() {
            Identifier::Chosen(text) => Some(String::from(text)),
            Identifier::Generated(_) => None,
        };
        Credential {
            digest: self.digest().unwrap_or(Digest([0; 16])),
            kind: self.kind(),
            application: self.application(),
            id: self.id(),
            identifier,
            version: self.version(),
            enabled: self.enabled(),
            not_before: self.not_before(),
            expires_at: self.expires_at(),
            scopes: self
                .scopes()
                .split_ascii_whitespace()
                .map(String::from)
                .collect(),
            tokens_valid_from: self.tokens_valid_from(),
        }
    }
}

impl core::fmt::Debug for CredentialView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CredentialView")
            .field("id", &self.id())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
