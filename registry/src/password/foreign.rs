//! Hashes of chosen passwords that other programs made: what `htpasswd` writes. They are verified until the password is
//! first proven, and then made anew with Argon2id.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use sha1::{Digest as _, Sha1};
use subtle::ConstantTimeEq as _;

use super::PhcString;
use crate::{error::InvalidField, secrets::SecretText};

mod apr1;

/// The most expensive bcrypt that is taken: about a second of one core for each attempt.
const MAX_BCRYPT_COST: u32 = 14;
/// The cheapest that there is.
const MIN_BCRYPT_COST: u32 = 4;
/// bcrypt looks at so many bytes of a password, its closing zero included.
const BCRYPT_BYTES: usize = 72;
/// The most expensive Argon2id that is taken.
const MAX_ARGON2_KIB: u32 = 128 * 1024;
const MAX_ARGON2_PASSES: u32 = 16;
const MAX_ARGON2_LANES: u32 = 16;
/// No hash that is taken is longer.
const MAX_LENGTH: usize = 256;

/// bcrypt's own base64, whose last character may hold bits that mean nothing.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A hash that is not Argon2id.
pub(super) enum ForeignHash<'a> {
    Bcrypt {
        cost: u32,
        salt: [u8; 16],
        hash: [u8; 23],
    },
    Sha1([u8; 20]),
    Apr1 {
        salt: &'a str,
        hash: &'a str,
    },
}

impl<'a> ForeignHash<'a> {
    /// Reads a hash; `None` for Argon2id and for what is no hash at all.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            let hash = STANDARD.decode(encoded).ok()?;
            return Some(Self::Sha1(hash.try_into().ok()?));
        }
        if let Some(rest) = text.strip_prefix("$apr1$") {
            let (salt, hash) = rest.split_once('$')?;
            return apr1::is_well_formed(salt, hash).then_some(Self::Apr1 { salt, hash });
        }
        let rest = ["$2y$", "$2b$", "$2a$"]
            .iter()
            .find_map(|version| text.strip_prefix(version))?;
        let (cost, encoded) = rest.split_once('$')?;
        let (salt, hash) = encoded.split_at_checked(22)?;
        let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
        let cost = digits.then(|| cost.parse().ok()).flatten()?;
        Some(Self::Bcrypt {
            cost,
            salt: BCRYPT_BASE64.decode(salt).ok()?.try_into().ok()?,
            hash: BCRYPT_BASE64.decode(hash).ok()?.try_into().ok()?,
        })
    }

    /// Whether this is the password.
    pub(super) fn verify(&self, password: &SecretText) -> bool {
        let password = password.expose().as_bytes();
        // A zero ends a password for bcrypt: with others after it, other texts would be the same password.
        if password.contains(&0) {
            return false;
        }
        match self {
            Self::Bcrypt { cost, salt, hash } => bcrypt(*cost, *salt, password)
                .is_some_and(|found| found.get(..23).is_some_and(|f| f.ct_eq(hash).into())),
            Self::Sha1(hash) => Sha1::digest(password).as_slice().ct_eq(hash).into(),
            Self::Apr1 { salt, hash } => {
                let found = apr1::hash(password, salt.as_bytes());
                found.as_bytes().ct_eq(hash.as_bytes()).into()
            }
        }
    }
}

fn bcrypt(cost: u32, salt: [u8; 16], password: &[u8]) -> Option<[u8; 24]> {
    if !(MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost) {
        return None;
    }
    let mut bytes = zeroize::Zeroizing::new(password.to_vec());
    bytes.push(0);
    bytes.truncate(BCRYPT_BYTES);
    Some(bcrypt::bcrypt(cost, salt, &bytes))
}

impl PhcString {
    /// Takes a hash that another program made: bcrypt, SHA-1 or apr1 as `htpasswd` writes them, or Argon2id, of a cost that
    /// an attempt may have.
    pub fn from_elsewhere(text: String) -> Result<Self, InvalidField> {
        let invalid = |message: String| Err(InvalidField::new("password_hash", message));
        if text.len() > MAX_LENGTH {
            return invalid(format!("must be at most {MAX_LENGTH} characters"));
        }
        match ForeignHash::parse(&text) {
            Some(ForeignHash::Bcrypt { cost, .. })
                if !(MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost) =>
            {
                invalid(format!(
                    "must have a bcrypt cost of {MIN_BCRYPT_COST} to {MAX_BCRYPT_COST}"
                ))
            }
            Some(_) => Ok(Self(text)),
            None if text.starts_with("$argon2id$") => match argon2_costs(&text) {
                Some((memory, passes, lanes))
                    if memory <= MAX_ARGON2_KIB
                        && passes <= MAX_ARGON2_PASSES
                        && lanes <= MAX_ARGON2_LANES =>
                {
                    Ok(Self(text))
                }
                Some(_) => invalid(format!(
                    "must cost at most m={MAX_ARGON2_KIB}, t={MAX_ARGON2_PASSES}, p={MAX_ARGON2_LANES}"
                )),
                None => invalid("is not a complete Argon2id hash".to_owned()),
            },
            None => invalid(
                "must be bcrypt ($2y$, $2b$, $2a$), {SHA}, $apr1$ or $argon2id$, as a whole"
                    .to_owned(),
            ),
        }
    }

    /// Whether the hash cannot tell this password from others that begin like it, so that it must not be replaced by a hash
    /// that can: bcrypt looks at the first 72 bytes.
    #[must_use]
    pub fn is_cut_for(&self, password: &SecretText) -> bool {
        matches!(
            ForeignHash::parse(&self.0),
            Some(ForeignHash::Bcrypt { .. })
        ) && password.expose().len() >= BCRYPT_BYTES
    }
}

fn argon2_costs(text: &str) -> Option<(u32, u32, u32)> {
    let hash = argon2::PasswordHash::new(text).ok()?;
    let params = argon2::Params::try_from(&hash).ok()?;
    // Without its end there is nothing to compare with.
    hash.salt.as_ref()?;
    hash.hash.as_ref()?;
    Some((params.m_cost(), params.t_cost(), params.p_cost()))
}

#[cfg(test)]
mod tests;
