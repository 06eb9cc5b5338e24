//! What gateways look a credential up by.

use filter_core::digest::SecretHash;

use crate::{
    clock::Timestamp,
    credential::Credential,
    error::Error,
    ids::{AccessTokenId, SecretId},
    oauth::OpaqueToken,
    secret::{Part, Secret},
    secrets::Keys,
};

/// One record that gateways hold of a credential.
pub(super) struct Lookup {
    /// By what it is found.
    pub(super) hash: SecretHash,
    /// The secret that has to be presented.
    pub(super) secret: SecretId,
    /// The shared secret that has to be presented with it.
    pub(super) paired: Option<SecretId>,
    /// The access token that has to be presented instead, of the client whose name the secret is.
    pub(super) token: Option<AccessTokenId>,
}

/// The records of the credential at `now`: one for each living secret, or for each that goes with each living shared
/// secret, and one for each access token. In order of version: of two chosen passwords under one user name, the digest
/// belongs to the newer.
pub(super) fn lookups(
    keys: &Keys,
    credential: &Credential,
    (secrets, tokens): (&[Secret], &[OpaqueToken]),
    now: Timestamp,
) -> Result<Vec<Lookup>, Error> {
    let mut lookups = Vec::new();
    if credential.is_expired(now) {
        return Ok(lookups);
    }
    let living = |part: Part| {
        let living = secrets.iter().filter(move |secret| secret.is_living(now));
        living.filter(move |secret| secret.part == part)
    };
    for value in living(Part::Value) {
        let hash = value.lookup_hash(keys)?;
        if !credential.is_paired {
            lookups.push(Lookup {
                hash,
                secret: value.id,
                paired: None,
                token: None,
            });
            continue;
        }
        for shared in living(Part::Shared) {
            lookups.push(Lookup {
                hash: SecretHash::of_pair(&hash, &shared.lookup_hash(keys)?),
                secret: value.id,
                paired: Some(shared.id),
                token: None,
            });
        }
    }
    let newest = living(Part::Value).max_by_key(|secret| secret.version);
    if let Some(client) = newest {
        for token in tokens.iter().filter(|token| token.is_living(now)) {
            lookups.push(Lookup {
                hash: token.lookup_hash(keys)?,
                secret: client.id,
                paired: None,
                token: Some(token.id),
            });
        }
    }
    Ok(lookups)
}
