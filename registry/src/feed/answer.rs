//! A page as it is sent: encoded once, however many gateways it goes to.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use filter_core::feed::{Beginning, Body, ChangesPage, KeyPage, Page, PageError, Records};
use zeroize::Zeroizing;

use super::shared::Reading;
use crate::{
    error::Error,
    secrets::Keys,
    store::{SealedDigestKey, StoreError},
};

/// More bytes than a [`Beginning`] takes.
const BEGINNING: usize = 64;

/// An encoded [`Page`]. Its parts, one after the other, are what the wire carries; cloning copies none of them.
#[derive(Clone)]
pub struct Answer {
    head: Bytes,
    records: Bytes,
    tail: Bytes,
    /// At which revision it was read.
    revision: u64,
    /// Where the reader stands, if there was nothing to tell.
    empty_at: Option<u64>,
}

impl Answer {
    /// A page of changes, read at `revision`.
    pub(super) fn of_changes(page: &Page, revision: u64) -> Result<Self, Error> {
        let empty_at = match &page.body {
            Body::Changes(changes) if changes.changes.is_empty() => Some(changes.revision),
            _ => None,
        };
        Ok(Self {
            head: encode(page)?.into_boxed_slice().into(),
            records: Bytes::new(),
            tail: Bytes::new(),
            revision,
            empty_at,
        })
    }

    /// A page of a snapshot, read at `revision`: `page` without its records, and `count` records that are encoded
    /// already. They are the end of the body, and the encoding of a list is its length and then its items.
    pub(super) fn of_records(
        page: &Page,
        count: usize,
        records: Bytes,
        revision: u64,
    ) -> Result<Self, Error> {
        let (head, tail) = around_records(page, count, Vec::new())?;
        Ok(Self {
            head: head.into_boxed_slice().into(),
            records,
            tail: tail.into_boxed_slice().into(),
            revision,
            empty_at: None,
        })
    }

    /// What the wire carries, in order.
    #[must_use]
    pub fn parts(&self) -> [Bytes; 3] {
        [&self.head, &self.records, &self.tail].map(Bytes::clone)
    }

    /// The page, as a gateway reads it.
    pub fn decode(&self) -> Result<Page, PageError> {
        Page::decode(&self.parts().concat())
    }

    /// The position in the log that was reached, if there was nothing to tell.
    pub(super) const fn empty_at(&self) -> Option<u64> {
        self.empty_at
    }
}

/// What comes after a cursor, as it is kept.
#[derive(Clone)]
pub(super) enum Next {
    /// This page.
    Page(Answer),
    /// A page that tells of another key.
    Key(Switch),
    /// A snapshot from its beginning, as was found at this revision: the cursor leads nowhere.
    Begin(u64),
}

impl Reading for Next {
    fn revision(&self) -> u64 {
        match self {
            Self::Page(answer) => answer.revision(),
            Self::Key(switch) => switch.revision,
            Self::Begin(revision) => *revision,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Page(answer) => answer.bytes(),
            Self::Key(_) | Self::Begin(_) => 0,
        }
    }
}

/// The first page of a snapshot as it is kept: without the key, which is opened for each answer and gone with it.
#[derive(Clone)]
pub(super) struct Opening {
    page: Arc<Page>,
    count: usize,
    records: Bytes,
    key: Arc<SealedDigestKey>,
    /// At which revision it was read.
    revision: u64,
}

impl Opening {
    /// `page` without its records and without what begins, as for [`Answer::of_records`].
    pub(super) fn new(
        page: Page,
        count: usize,
        records: Bytes,
        key: SealedDigestKey,
        revision: u64,
    ) -> Self {
        Self {
            page: Arc::new(page),
            count,
            records,
            key: Arc::new(key),
            revision,
        }
    }

    /// The answer, with the key in it.
    pub(super) fn answer(&self, keys: &Keys) -> Result<Answer, Error> {
        let mut page = Page::clone(&self.page);
        // Big enough from the start: a vector that grows leaves copies behind.
        let capacity = encode(&page)?.len().saturating_add(BEGINNING);
        if let Body::Snapshot(snapshot) = &mut page.body {
            let digest_key = self.key.open(keys)?;
            snapshot.begins = Some(Beginning { digest_key });
        }
        let (head, tail) = around_records(&page, self.count, Vec::with_capacity(capacity))?;
        Ok(Answer {
            head: Bytes::from_owner(Zeroizing::new(head)),
            records: self.records.clone(),
            tail: tail.into_boxed_slice().into(),
            revision: self.revision,
            empty_at: None,
        })
    }
}

impl Reading for Opening {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn bytes(&self) -> usize {
        self.records.len()
    }
}

/// A page that tells of another key as it is kept: without it.
#[derive(Clone)]
pub(super) struct Switch {
    /// With changes in the key's place: none.
    page: Arc<Page>,
    /// The position at which gateways go over to it.
    at: u64,
    key: Arc<SealedDigestKey>,
    /// At which revision it was read.
    revision: u64,
}

impl Switch {
    /// A page by `page`, which makes one of a body, that tells of the key at this position. It was read at `revision`.
    pub(super) fn new(
        page: impl FnOnce(Body) -> Page,
        at: u64,
        key: SealedDigestKey,
        revision: u64,
    ) -> Self {
        let nothing = ChangesPage {
            revision: at,
            changes: Vec::new(),
        };
        Self {
            page: Arc::new(page(Body::Changes(nothing))),
            at,
            key: Arc::new(key),
            revision,
        }
    }

    /// The answer, with the key in it.
    pub(super) fn answer(&self, keys: &Keys) -> Result<Answer, Error> {
        let mut page = Page::clone(&self.page);
        // Big enough from the start: a vector that grows leaves copies behind.
        let capacity = encode(&page)?.len().saturating_add(BEGINNING);
        page.body = Body::Key(KeyPage {
            revision: self.at,
            digest_key: self.key.open(keys)?,
        });
        let bytes = encode_into(&page, Vec::with_capacity(capacity))?;
        Ok(Answer {
            head: Bytes::from_owner(Zeroizing::new(bytes)),
            records: Bytes::new(),
            tail: Bytes::new(),
            revision: self.revision,
            empty_at: None,
        })
    }
}

/// What is said of it in logs: a snapshot's first page holds a key.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        write!(f, "Answer({bytes} bytes at revision {})", self.revision)
    }
}

impl Reading for Answer {
    fn revision(&self) -> u64 {
        self.revision
    }

    fn bytes(&self) -> usize {
        self.parts().iter().map(Bytes::len).sum()
    }
}

/// What comes before the encoded records of a page of a snapshot, written into `head`, and what comes after them.
fn around_records(
    page: &Page,
    count: usize,
    head: Vec<u8>,
) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    debug_assert!(
        matches!(&page.body, Body::Snapshot(snapshot) if match &snapshot.records {
            Records::Applications(none) => none.is_empty(),
            Records::Credentials(none) => none.is_empty(),
            Records::Issuers(none) => none.is_empty(),
        })
    );
    let tail = encode(&(&page.next, page.more))?;
    let mut head = encode_into(page, head)?;
    // Without the tail and the length of an empty list.
    head.truncate(head.len().saturating_sub(tail.len()).saturating_sub(1));
    Ok((encode_into(&count, head)?, tail))
}

fn encode_into(value: &impl serde::Serialize, bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    postcard::to_extend(value, bytes).map_err(|_| StoreError::Range("a page of the feed"))
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    encode_into(value, Vec::new())
}
