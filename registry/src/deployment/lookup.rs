//! What gateways look a credential up by.

use filter_core::digest::SecretHash;

use crate::{
    clock::Timestamp,
    credential::Credential,
    error::Error,
    ids::SecretId,
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
}

/// The records of the credential at `now`: one for each living secret, or for each that goes with each living shared
/// secret. In order of version: of two chosen passwords under one user name, the digest belongs to the newer.
pub(super) fn lookups(
    keys: &Keys,
    credential: &Credential,
    secrets: &[Secret],
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
            });
            continue;
        }
        for shared in living(Part::Shared) {
            lookups.push(Lookup {
                hash: SecretHash::of_pair(&hash, &shared.lookup_hash(keys)?),
                secret: value.id,
                paired: Some(shared.id),
            });
        }
    }
    Ok(lookups)
}
