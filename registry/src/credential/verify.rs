//! Verifying chosen passwords, which gateways ask for because they hold nothing to check them with.

use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::{CredentialId, GroupId, SecretId},
    password::{PhcString, Salts},
    secret::{Material, SecretState},
    secret_policy::check_username,
    secrets::SecretText,
};

/// Whether a user name and password prove anybody's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do not. Why is never said.
    Refused,
    /// They do.
    Verified {
        /// Whose they are.
        credential: CredentialId,
        /// The version by which gateways know the user name's record, to which the verdict is bound.
        version: u32,
        /// The version of the secret that the password is: a lower one during a grace period.
        secret_version: u32,
        /// The password is retiring: the verdict must not be remembered longer than this.
        until: Option<Timestamp>,
    },
}

/// A hash that a password may match.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Of which credential.
    pub credential: CredentialId,
    /// Of which secret.
    pub secret: SecretId,
    /// The version by which gateways know the user name's record.
    pub version: u32,
    /// The secret's own version.
    pub secret_version: u32,
    /// The hash.
    pub phc: PhcString,
    /// The hash is another program's, and the password was never proven here.
    pub is_unproven: bool,
    /// Until when it counts, if it is retiring.
    pub until: Option<Timestamp>,
}

/// The hashes that a password for this user name may match now, for a gateway of the group: none, one, or two during a
/// grace period.
pub async fn candidates(
    env: &Environment,
    group: GroupId,
    username: &str,
) -> Result<Vec<Candidate>, Error> {
    let now = env.now();
    // Nobody has any other, and not every database can be asked for it.
    if check_username(username.to_owned()).is_err() {
        return Ok(Vec::new());
    }
    let mut read = env.store.read().await?;
    let rows = read.passwords(group, username).await?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for row in rows {
        let honoured = row.application_enabled && row.credential.is_honoured(now);
        if !honoured || !row.secret.is_living(now) {
            continue;
        }
        let Material::Password(hashed) = row.secret.material(&env.keys)? else {
            continue;
        };
        // The newest comes first, and the record that gateways hold for the user name is its.
        let version = candidates
            .first()
            .map_or(row.secret.version, |newest| newest.version);
        candidates.push(Candidate {
            credential: row.credential.id,
            secret: row.secret.id,
            version,
            secret_version: row.secret.version,
            is_unproven: hashed.slow_hash.0
                == env
                    .keys
                    .foreign_password_hash(username, hashed.phc.expose()),
            phc: hashed.phc.clone(),
            until: match row.secret.state {
                SecretState::Retiring { until } => Some(until),
                _ => None,
            },
        });
    }
    Ok(candidates)
}

/// Verifies a password for a gateway of the group.
pub async fn verify(
    env: &Environment,
    group: GroupId,
    username: &str,
    password: SecretText,
) -> Result<Verdict, Error> {
    for candidate in candidates(env, group, username).await? {
        let matches = env
            .passwords
            .verify(password.clone(), candidate.phc.clone())
            .await?;
        if !matches {
            continue;
        }
        if candidate.phc.is_cut_for(&password) {
            // It cannot be told from others that begin like it.
        } else if candidate.is_unproven {
            if !prove(env, username, password, &candidate).await? {
                tracing::warn!(
                    credential = %candidate.credential,
                    "an imported password was refused, because the user name once had it: rotate the credential"
                );
                return Ok(Verdict::Refused);
            }
        } else if env.passwords.is_outdated(&candidate.phc)
            && let Err(error) = rehash(env, username, password, &candidate).await
        {
            // The password is right all the same, and the next verification tries again.
            tracing::warn!(%error, credential = %candidate.credential, "a password's hash could not be renewed");
        }
        return Ok(Verdict::Verified {
            credential: candidate.credential,
            version: candidate.version,
            secret_version: candidate.secret_version,
            until: candidate.until,
        });
    }
    Ok(Verdict::Refused)
}

/// Replaces a hash that was made at a lower cost. The secret stays the same, so no gateway hears of it.
async fn rehash(
    env: &Environment,
    username: &str,
    password: SecretText,
    candidate: &Candidate,
) -> Result<(), Error> {
    let material = anew(env, username, password).await?;
    let mut write = env.store.write().await?;
    let sealer = env.sealer(write.as_mut()).await?;
    let sealed = material.seal(candidate.secret, &sealer, env.entropy.as_ref())?;
    write.reseal_secret(candidate.secret, &sealed).await?;
    env.commit(write).await?;
    Ok(())
}

/// Replaces a hash that another program made, and keeps by what the password is recognised from now on. Whether it may be
/// this secret at all: it may be a password that the user name once had.
async fn prove(
    env: &Environment,
    username: &str,
    password: SecretText,
    candidate: &Candidate,
) -> Result<bool, Error> {
    let material = anew(env, username, password).await?;
    let fingerprint = material.fingerprint(&env.keys);
    let mut write = env.store.write().await?;
    let owner = write.fingerprint_owner(&fingerprint).await?;
    if owner.is_some_and(|owner| owner != candidate.secret) {
        return Ok(false);
    }
    write
        .set_proven_fingerprint(candidate.secret, &fingerprint)
        .await?;
    let sealer = env.sealer(write.as_mut()).await?;
    let sealed = material.seal(candidate.secret, &sealer, env.entropy.as_ref())?;
    write.reseal_secret(candidate.secret, &sealed).await?;
    env.commit(write).await?;
    Ok(true)
}

async fn anew(env: &Environment, username: &str, password: SecretText) -> Result<Material, Error> {
    let salts = Salts {
        phc: env.entropy.bytes()?,
        slow_hash: env.keys.password_salt(username),
    };
    Ok(Material::Password(
        env.passwords.hash(password, salts).await?,
    ))
}
