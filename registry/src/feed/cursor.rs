//! A position in the feed, as the opaque text that a gateway sends back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::{
    feed::{APPLICATION_BUCKETS, CREDENTIAL_SEGMENTS},
    ids::ObjectId,
};
use serde::{Deserialize, Serialize};

/// The layout of the text's bytes: this one, then the cursor in postcard.
const VERSION: u8 = 1;

/// A position in the feed of one group. Within a snapshot, `revision` is where the changes after it begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) epoch: [u8; 16],
    pub(super) group: ObjectId,
    pub(super) key_version: u32,
    pub(super) revision: u64,
    pub(super) change_id: [u8; 16],
    pub(super) position: Position,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Position {
    /// The changes after the cursor's revision.
    Changes,
    /// The snapshot's applications from this bucket on.
    Applications(u16),
    /// The snapshot's credentials from this segment on.
    Credentials(u16),
    /// The snapshot's issuers.
    Issuers,
}

impl Position {
    const fn exists(self) -> bool {
        match self {
            Self::Changes | Self::Issuers => true,
            Self::Applications(bucket) => bucket < APPLICATION_BUCKETS,
            Self::Credentials(segment) => segment < CREDENTIAL_SEGMENTS,
        }
    }
}

impl Cursor {
    pub(super) fn to_text(self) -> String {
        // Serializing plain values into memory does not fail; if it did, the empty cursor would begin a snapshot.
        let bytes = postcard::to_extend(&self, vec![VERSION]).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor, if the text is exactly what [`Self::to_text`] writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        match postcard::take_from_bytes(bytes.strip_prefix(&[VERSION])?) {
            Ok((cursor, [])) => Some(cursor),
            _ => None,
        }
        .filter(|cursor: &Self| cursor.position.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: Position) -> Cursor {
        Cursor {
            epoch: [1; 16],
            group: ObjectId([2; 16]),
            key_version: 3,
            revision: 1 << 40,
            change_id: [4; 16],
            position,
        }
    }

    #[test]
    fn a_position_that_does_not_exist_is_not_read() {
        for position in [
            Position::Applications(APPLICATION_BUCKETS),
            Position::Applications(u16::MAX),
            Position::Credentials(CREDENTIAL_SEGMENTS),
            Position::Credentials(u16::MAX),
        ] {
            assert_eq!(Cursor::parse(&at(position).to_text()), None);
        }
    }

    #[test]
    fn a_cursor_is_read_back_from_its_text_and_from_nothing_else() {
        for position in [
            Position::Changes,
            Position::Applications(3),
            Position::Credentials(4095),
            Position::Issuers,
        ] {
            let cursor = at(position);
            let text = cursor.to_text();
            assert_eq!(Cursor::parse(&text), Some(cursor));
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
            assert_eq!(Cursor::parse(&text[1..]), None);
            assert_eq!(Cursor::parse(&format!("{text}AAAA")), None);
        }
        assert_eq!(Cursor::parse(""), None);
        assert_eq!(Cursor::parse("42"), None);
    }
}
