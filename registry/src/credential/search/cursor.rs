//! Where a page ended, as a text that means something only to the list it came from.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{CredentialSearch, OrderKey, PlaceInOrder};
use crate::{caller::Caller, clock::Timestamp, error::InvalidField};

/// Longer than any that was ever written.
const MAX_LENGTH: usize = 1024;

/// Where a page ended, and the moment that decides for all pages.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub(super) place: PlaceInOrder,
    pub(super) at: Timestamp,
}

/// To what list a cursor belongs.
pub(super) type Asked = [u8; 8];

#[derive(Serialize, Deserialize)]
struct Layout {
    asked: Asked,
    at: u64,
    key: Key,
    id: String,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Id,
    Text(String),
    Moment(Option<u64>),
}

impl Cursor {
    /// Tells searches apart whose pages do not continue each other.
    pub(super) fn digest(caller: Caller, search: &CredentialSearch) -> Asked {
        let asked = CredentialSearch {
            limit: 0,
            cursor: None,
            ..search.clone()
        };
        let digest = Sha256::digest(format!(
            "{} {:?} {asked:?}",
            caller.organization,
            caller.owner()
        ));
        let mut begin = [0; 8];
        for (place, byte) in begin.iter_mut().zip(digest) {
            *place = byte;
        }
        begin
    }

    pub(super) fn write(self, asked: Asked) -> String {
        let layout = Layout {
            asked,
            at: self.at.as_millis(),
            key: match self.place.key {
                OrderKey::Id => Key::Id,
                OrderKey::Text(text) => Key::Text(text),
                OrderKey::Moment(moment) => Key::Moment(moment.map(Timestamp::as_millis)),
            },
            id: self.place.id.to_string(),
        };
        // Nothing of it fails to be written.
        let bytes = postcard::to_allocvec(&layout).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn read(text: &str, asked: Asked) -> Result<Self, InvalidField> {
        let invalid = || InvalidField::new("cursor", "must be a next_cursor of this list");
        if text.len() > MAX_LENGTH {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let layout: Layout = postcard::from_bytes(&bytes).map_err(|_| invalid())?;
        if layout.asked != asked {
            let message = "belongs to a list with another sort or other filters: ask for the first page without it";
            return Err(InvalidField::new("cursor", message));
        }
        Ok(Self {
            place: PlaceInOrder {
                key: match layout.key {
                    Key::Id => OrderKey::Id,
                    Key::Text(text) => OrderKey::Text(text),
                    Key::Moment(moment) => OrderKey::Moment(moment.map(Timestamp::from_millis)),
                },
                id: layout.id.parse().map_err(|_| invalid())?,
            },
            at: Timestamp::from_millis(layout.at),
        })
    }
}
