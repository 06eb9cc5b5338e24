//! One secret of a credential: current, retiring or revoked.

use std::time::Duration;

use filter_core::{digest::SecretHash, feed::CredentialKind};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    clock::Timestamp,
    credential::CredentialType,
    entropy::Entropy,
    error::Error,
    ids::{CredentialId, OrganizationId, SecretId},
    password::{HashedPassword, PhcString, SlowHash},
    sealing::{Place, SealError, Sealer},
    secrets::{Fingerprint, Keys, SecretText},
};

/// Bytes of a value that its display may show at its end, if it is at least four times as long.
const SHOWN: usize = 4;

/// A secret as it is kept. It stays when it is revoked, and its credential deleted, so that its value is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Of which credential.
    pub credential: CredentialId,
    /// Which of the credential's secrets it is, counting from 1.
    pub version: u32,
    /// Which part of a pair it is.
    pub part: Part,
    /// Whether it works.
    pub state: SecretState,
    /// Where it came from.
    pub origin: Origin,
    /// The user name that belongs to it, for HTTP Basic.
    pub username: Option<String>,
    /// [`Material`], sealed.
    pub sealed: Vec<u8>,
    /// By which the value is recognised.
    pub fingerprint: Fingerprint,
    /// What may be shown of it.
    pub display: Display,
    /// The value itself, sealed, where it may be shown again.
    pub recoverable: Option<Vec<u8>>,
    /// Since when it is known to be in the wrong hands.
    pub leaked_at: Option<Timestamp>,
    /// While it is retiring: for how long nobody must have used it before it may end by itself.
    pub end_after_silence: Option<Duration>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which part of a key and its shared secret a secret is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The key, the token or the password.
    #[default]
    Value,
    /// The secret that must be presented together with a key.
    Shared,
}

/// Whether a secret works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// It is the credential's secret.
    Current,
    /// It was the credential's secret, and works until then.
    Retiring {
        /// Never later than the credential's own expiry at the time of the rotation.
        until: Timestamp,
    },
    /// It never works again.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}

/// Where a secret came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The registry made it.
    Generated,
    /// The caller's own API key.
    Own,
    /// A password that a person chose.
    Chosen,
    /// No secret but the name of a client at its issuer, by which gateways find whose tokens they are.
    Registered,
}

/// What may be shown of a secret: its beginning and its end, both empty for a password that was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Display {
    /// Brand and type of a generated secret.
    pub prefix: String,
    /// The last four characters.
    pub last_four: String,
}

/// What is kept of a secret, sealed.
#[derive(Clone, Debug)]
pub enum Material {
    /// Of a value found by its digest.
    Value(SecretHash),
    /// Of a chosen password.
    Password(HashedPassword),
}

impl Secret {
    /// Whether it works at `now`, as far as it decides itself.
    #[must_use]
    pub fn is_living(&self, now: Timestamp) -> bool {
        match self.state {
            SecretState::Current => true,
            SecretState::Retiring { until } => now < until,
            SecretState::Revoked { .. } => false,
        }
    }

    /// Whether it was the credential's secret and still works at `now`.
    #[must_use]
    pub fn is_retiring(&self, now: Timestamp) -> bool {
        self.state != SecretState::Current && self.is_living(now)
    }

    /// Opens what is kept of it.
    pub fn material(&self, keys: &Keys) -> Result<Material, SealError> {
        let id = self.id.to_string();
        Material::from_bytes(&keys.open(place(&id), &self.sealed)?).ok_or(SealError::Open(COLUMN))
    }

    /// Its text, where that is kept to be shown again.
    pub fn recover(&self, keys: &Keys) -> Result<Option<SecretText>, SealError> {
        let Some(sealed) = &self.recoverable else {
            return Ok(None);
        };
        let plain = keys.open(recoverable_place(&self.id.to_string()), sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| SealError::Open(RECOVERABLE))?;
        Ok(Some(SecretText::new(text.to_owned())))
    }

    /// Under which hash a gateway looks it up: by its value, or by the user name where the password was chosen.
    pub fn lookup_hash(&self, keys: &Keys) -> Result<SecretHash, SealError> {
        if self.origin == Origin::Chosen {
            let username = self.username.as_deref().unwrap_or_default();
            return Ok(SecretHash::of_username(username.as_bytes()));
        }
        match self.material(keys)? {
            Material::Value(hash) => Ok(hash),
            Material::Password(_) => Err(SealError::Open(COLUMN)),
        }
    }
}

impl Origin {
    /// How a secret of this origin must be presented.
    #[must_use]
    pub const fn presented_as(self, credential: CredentialType) -> CredentialKind {
        match (credential, self) {
            (CredentialType::ApiKey, _) => CredentialKind::ApiKey,
            (CredentialType::OauthClient, Self::Registered) => CredentialKind::OauthClient,
            // An access token of the built-in authorization server that is looked up, not read.
            (CredentialType::BearerToken | CredentialType::OauthClient, _) => {
                CredentialKind::BearerToken
            }
            (CredentialType::Basic, Self::Chosen) => CredentialKind::BasicChosen,
            (CredentialType::Basic, _) => CredentialKind::BasicGenerated,
        }
    }
}

impl Display {
    /// Of a generated secret: `ks_ak_` and its end.
    #[must_use]
    pub fn of_generated(secret: &SecretText) -> Self {
        let text = secret.expose();
        let prefix = text
            .match_indices('_')
            .nth(1)
            .and_then(|(index, _)| text.get(..=index))
            .unwrap_or_default();
        Self {
            prefix: prefix.to_owned(),
            last_four: end(text),
        }
    }

    /// Of a caller's own value: its end, unless it is so short that this would say much.
    #[must_use]
    pub fn of_own(secret: &SecretText) -> Self {
        Self {
            prefix: String::new(),
            last_four: end(secret.expose()),
        }
    }
}

fn end(text: &str) -> String {
    let long = text.len() >= SHOWN.saturating_mul(4);
    text.len()
        .checked_sub(SHOWN)
        .filter(|_| long)
        .and_then(|from| text.get(from..))
        .unwrap_or_default()
        .to_owned()
}

/// Seals the text of the secret with this id, so that it can be shown again.
pub(crate) fn seal_text(
    id: SecretId,
    text: &SecretText,
    sealer: &Sealer,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealError> {
    let row = id.to_string();
    let place = recoverable_place(&row);
    sealer.seal(place, text.expose().as_bytes(), entropy)
}

const COLUMN: &str = "secrets.sealed";
const RECOVERABLE: &str = "secrets.recoverable";

const fn recoverable_place(row: &str) -> Place<'_> {
    Place {
        column: RECOVERABLE,
        row,
    }
}

const fn place(row: &str) -> Place<'_> {
    Place {
        column: COLUMN,
        row,
    }
}

/// How [`Material`] is written before it is sealed.
#[derive(Serialize, Deserialize)]
enum Layout<'a> {
    Value([u8; 32]),
    Password { phc: &'a str, slow_hash: [u8; 32] },
}

impl Material {
    /// By which the value is recognised if it is ever presented for registration again.
    #[must_use]
    pub fn fingerprint(&self, keys: &Keys) -> Fingerprint {
        match self {
            Self::Value(hash) => keys.fingerprint(hash),
            Self::Password(hashed) => keys.password_fingerprint(&hashed.slow_hash.0),
        }
    }

    /// Seals it for the secret with this id.
    pub fn seal(
        &self,
        id: SecretId,
        sealer: &Sealer,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        let layout = match self {
            Self::Value(hash) => Layout::Value(*hash.expose()),
            Self::Password(hashed) => Layout::Password {
                phc: hashed.phc.expose(),
                slow_hash: hashed.slow_hash.0,
            },
        };
        let plain = postcard::to_allocvec(&layout)
            .map(Zeroizing::new)
            .map_err(|_| SealError::Seal(COLUMN))?;
        Ok(sealer.seal(place(&id.to_string()), &plain, entropy)?)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(match postcard::from_bytes(bytes).ok()? {
            Layout::Value(hash) => Self::Value(SecretHash::from_bytes(hash)),
            Layout::Password { phc, slow_hash } => Self::Password(HashedPassword {
                phc: PhcString::from_sealed(phc.to_owned()),
                slow_hash: SlowHash(slow_hash),
            }),
        })
    }
}
