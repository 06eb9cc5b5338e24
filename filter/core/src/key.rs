//! The format of generated secrets: `<brand>_<type>_<random><check>`.
//!
//! `brand` is 1 to 16 of `[a-z0-9]`, `type` two letters, `random` 27 characters of base62 (over 160 bits), `check` the
//! CRC-32 of everything before it as 6 characters of base62. The check lets the filter and secret scanners reject a
//! mistyped or invented value without hashing it; it protects nothing by itself.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Characters of `random`. 62^27 is over 2^160.
pub const RANDOM_LENGTH: usize = 27;
/// Characters of `check`. 62^6 is over 2^32.
pub const CHECK_LENGTH: usize = 6;
/// The longest brand.
pub const MAX_BRAND_LENGTH: usize = 16;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a generated secret is for; the two letters in its middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretType {
    /// `ak`: API key.
    ApiKey,
    /// `bt`: opaque bearer token.
    BearerToken,
    /// `cs`: OAuth client secret.
    ClientSecret,
    /// `pw`: generated password of an HTTP Basic credential.
    Password,
    /// `gt`: a gateway's token for the feed.
    GatewayToken,
    /// `at`: a token for the registry's API.
    AdminToken,
    /// `rt`: OAuth registration access token.
    RegistrationToken,
}

impl SecretType {
    /// Every type, for tables and documentation.
    pub const ALL: [Self; 7] = [
        Self::ApiKey,
        Self::BearerToken,
        Self::ClientSecret,
        Self::Password,
        Self::GatewayToken,
        Self::AdminToken,
        Self::RegistrationToken,
    ];

    /// The two letters that stand for this type.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ApiKey => "ak",
            Self::BearerToken => "bt",
            Self::ClientSecret => "cs",
            Self::Password => "pw",
            Self::GatewayToken => "gt",
            Self::AdminToken => "at",
            Self::RegistrationToken => "rt",
        }
    }

    fn from_code(code: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.code().as_bytes() == code)
    }
}

/// What a presented value looks like, before anything is known about who owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Exactly the generated format, check included.
    Generated(SecretType),
    /// It begins like a generated secret and is not one: mistyped, cut, or invented. Nobody can own it.
    Malformed,
    /// Not our format: a caller's own value.
    Foreign,
}

/// Tells a generated secret from a malformed one and from a caller's own value.
///
/// Values that begin with `<brand>_<type>_` of any brand are either exactly right or [`Shape::Malformed`], and are never
/// accepted as a caller's own.
#[must_use]
pub fn shape(value: &[u8]) -> Shape {
    let mut parts = value.splitn(3, |byte| *byte == b'_');
    let (Some(brand), Some(code), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Shape::Foreign;
    };
    let Some(kind) = SecretType::from_code(code) else {
        return Shape::Foreign;
    };
    if !is_brand(brand) {
        return Shape::Foreign;
    }
    let Some(body_length) = value.len().checked_sub(CHECK_LENGTH) else {
        return Shape::Malformed;
    };
    let (Some(body), Some(check)) = (value.get(..body_length), value.get(body_length..)) else {
        return Shape::Malformed;
    };
    let right_length = rest.len() == RANDOM_LENGTH.saturating_add(CHECK_LENGTH);
    if right_length && rest.iter().all(u8::is_ascii_alphanumeric) && checksum(body) == check {
        Shape::Generated(kind)
    } else {
        Shape::Malformed
    }
}

/// Whether `brand` may stand at the front of generated secrets.
#[must_use]
pub fn is_brand(brand: &[u8]) -> bool {
    (1..=MAX_BRAND_LENGTH).contains(&brand.len())
        && brand
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A generated secret in plain text. It is shown in one response and dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct PlainSecret(alloc::string::String);

impl PlainSecret {
    /// Forms a secret from `brand`, its type and uniformly random bytes.
    ///
    /// Each character consumes bytes until one is below 248, so that all 62 are equally likely; `None` when `entropy`
    /// ends too early (64 bytes are enough but for one case in 2^100) or `brand` is not a brand.
    #[must_use]
    pub fn generate(brand: &str, kind: SecretType, entropy: &[u8]) -> Option<Self> {
        if !is_brand(brand.as_bytes()) {
            return None;
        }
        let mut text = alloc::string::String::with_capacity(64);
        text.push_str(brand);
        text.push('_');
        text.push_str(kind.code());
        text.push('_');
        let characters = entropy
            .iter()
            .filter(|byte| **byte < 248)
            .filter_map(|byte| BASE62.get(usize::from(*byte % 62)))
            .take(RANDOM_LENGTH);
        let before = text.len();
        text.extend(characters.map(|byte| char::from(*byte)));
        if text.len().checked_sub(before) != Some(RANDOM_LENGTH) {
            return None;
        }
        let check = checksum(text.as_bytes());
        text.extend(check.iter().map(|byte| char::from(*byte)));
        Some(Self(text))
    }

    /// The one way to the text: for the response that shows it and for hashing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainSecret")
    }
}

/// CRC-32 (IEEE) as six base62 characters, most significant first.
fn checksum(body: &[u8]) -> [u8; CHECK_LENGTH] {
    let mut rest = crc32(body);
    let mut check = [b'0'; CHECK_LENGTH];
    for place in check.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).unwrap_or(0);
        *place = BASE62.get(digit).copied().unwrap_or(b'0');
        rest /= 62;
    }
    check
}

/// CRC-32 (IEEE 802.3) by half bytes. Its table is 64 bytes; a faster library's is 16 KB, which costs a request more
/// in cache misses than the few dozen bytes of a value take this way.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let step = |crc: u32, half: u32| {
        let entry = usize::try_from((crc ^ half) & 15).unwrap_or(0);
        (crc >> 4) ^ TABLE.get(entry).copied().unwrap_or(0)
    };
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        let low = step(crc, u32::from(*byte));
        step(low, u32::from(*byte >> 4))
    });
    !crc
}
