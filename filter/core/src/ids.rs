//! Generated identifiers: 128 bits, time-ordered by their maker, written as 26 lower-case Crockford base32 characters.

use alloc::string::String;

use serde::{Deserialize, Serialize};

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of an [`ObjectId`] in text.
pub const TEXT_LENGTH: usize = 26;

/// What stands before the [`ObjectId`] in a credential's id.
pub const CREDENTIAL_PREFIX: &str = "cred_";

/// A generated identifier without its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId(pub [u8; 16]);

impl ObjectId {
    /// The text as ASCII bytes.
    #[must_use]
    pub fn text(&self) -> [u8; TEXT_LENGTH] {
        let mut rest = u128::from_be_bytes(self.0);
        let mut text = [b'0'; TEXT_LENGTH];
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or(0);
            *place = CROCKFORD.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        text
    }

    /// Reads the text back; `None` unless it is exactly what [`Self::text`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LENGTH {
            return None;
        }
        let mut value: u128 = 0;
        for (index, byte) in text.bytes().enumerate() {
            let digit = CROCKFORD.iter().position(|known| *known == byte)?;
            // 26 characters hold 130 bits: the first may carry only three.
            if index == 0 && digit > 7 {
                return None;
            }
            value = (value << 5) | u128::try_from(digit).ok()?;
        }
        Some(Self(value.to_be_bytes()))
    }

    /// The text with `prefix` before it.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> String {
        let mut text = String::with_capacity(prefix.len().saturating_add(TEXT_LENGTH));
        text.push_str(prefix);
        text.extend(self.text().map(char::from));
        text
    }
}
