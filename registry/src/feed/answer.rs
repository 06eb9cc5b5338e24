//! A page as it is sent: encoded once, however many gateways it goes to.

use std::fmt;

use bytes::Bytes;
use filter_core::feed::{Body, Page, PageError, Records};

use super::shared::Reading;
use crate::{error::Error, store::StoreError};

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
            head: encode(page)?.into(),
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
        debug_assert!(
            matches!(&page.body, Body::Snapshot(snapshot) if match &snapshot.records {
                Records::Applications(none) => none.is_empty(),
                Records::Credentials(none) => none.is_empty(),
            })
        );
        let tail = encode(&(&page.next, page.more))?;
        let mut head = encode(page)?;
        // Without the tail and the length of an empty list.
        head.truncate(head.len().saturating_sub(tail.len()).saturating_sub(1));
        head.extend(encode(&count)?);
        Ok(Self {
            head: head.into(),
            records,
            tail: tail.into(),
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

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    postcard::to_allocvec(value).map_err(|_| StoreError::Range("a page of the feed"))
}
