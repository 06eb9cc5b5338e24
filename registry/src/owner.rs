//! Whose applications a developer sees.

use std::{fmt, str::FromStr};

use crate::error::InvalidField;

/// Characters at most in an owner's name.
pub const MAX_LENGTH: usize = 64;

/// Who owns an application within its organization: a team, or a person.
///
/// Kept in place, so that it is as cheap to pass on as the rest of what is known of a caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    length: u8,
    bytes: [u8; MAX_LENGTH],
}

impl Owner {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.bytes.get(..usize::from(self.length));
        name.and_then(|name| str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl FromStr for Owner {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut bytes = [0; MAX_LENGTH];
        let place = bytes.get_mut(..text.len());
        match place {
            Some(place) if !text.is_empty() && text.bytes().all(is_allowed) => {
                place.copy_from_slice(text.as_bytes());
                Ok(Self { length, bytes })
            }
            _ => Err(InvalidField::new(
                "owner",
                format!("must be 1 to {MAX_LENGTH} visible ASCII characters without '\"' and '\\'"),
            )),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_short_word_in_visible_ascii() {
        let longest = "x".repeat(MAX_LENGTH);
        for name in ["team-a", "ann@example.com", "idp:4711/ann", &longest] {
            assert_eq!(name.parse::<Owner>().unwrap().as_str(), name);
        }
        for name in [
            "",
            "two words",
            "quo\"te",
            "ümlaut",
            "line\n",
            &"x".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(name.parse::<Owner>().unwrap_err().field, "owner", "{name}");
        }
    }
}
