//! HTTP Basic credentials (RFC 7617), and the scheme that stands before any credentials (RFC 9110 section 11.4).

use alloc::vec::Vec;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The longest user name and password together, decoded. Longer ones belong to nobody.
pub const MAX_LENGTH: usize = 4096;

/// What an `authorization` header says before and after its first space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Authorization<'a> {
    scheme: &'a [u8],
    /// What follows the scheme and its spaces.
    pub credentials: &'a [u8],
}

impl<'a> Authorization<'a> {
    /// Splits the header's value.
    #[must_use]
    pub fn split(value: &'a [u8]) -> Self {
        let value = value.trim_ascii();
        let end = value
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(value.len());
        let (scheme, rest) = value.split_at_checked(end).unwrap_or((value, &[]));
        Self {
            scheme,
            credentials: rest.trim_ascii_start(),
        }
    }

    /// Whether its scheme is this one; case does not matter.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme.as_bytes())
    }
}

/// A user name and password as presented.
pub struct UserPass {
    decoded: Zeroizing<Vec<u8>>,
    colon: usize,
}

impl UserPass {
    /// Decodes what follows `Basic`. `None` unless it is canonical, padded base64 of something with a colon in it.
    #[must_use]
    pub fn parse(credentials: &[u8]) -> Option<Self> {
        let decoded = Zeroizing::new(STANDARD.decode(credentials).ok()?);
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        Some(Self { decoded, colon })
    }

    /// Up to the first colon. Spaces are part of it.
    #[must_use]
    pub fn username(&self) -> &[u8] {
        self.decoded.get(..self.colon).unwrap_or_default()
    }

    /// After the first colon. Further colons and spaces are part of it.
    #[must_use]
    pub fn password(&self) -> &[u8] {
        self.decoded
            .get(self.colon.saturating_add(1)..)
            .unwrap_or_default()
    }

    /// Whether anybody could own this: neither part empty, no control character (RFC 7617 section 2), not too long.
    #[must_use]
    pub fn is_plausible(&self) -> bool {
        !self.username().is_empty()
            && !self.password().is_empty()
            && self.decoded.len() <= MAX_LENGTH
            && !self.decoded.iter().any(u8::is_ascii_control)
    }
}

impl core::fmt::Debug for UserPass {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("UserPass")
    }
}
