//! Rotating a credential: a new secret under the same ids.

use std::time::Duration;

use super::{
    Credential, CredentialDetail, CredentialType, Issued, RotatedSecret, Rotation, find,
    issue::{self, Minted},
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    deployment::{self, Digesters},
    environment::Environment,
    error::{Error, InvalidField, Kind},
    idempotency::{self, Receipt},
    ids::CredentialId,
    secret::SecretState,
    secret_policy::check_username,
    store::WriteTransaction,
};

/// The longest grace period.
pub const MAX_GRACE: Duration = Duration::from_hours(90 * 24);

/// Gives a credential a new secret, if it is at the expected version.
///
/// Without grace, the current and every retiring secret die at once. With it, the current one retires until the grace
/// period or the credential ends, and one that was retiring already dies. A retiring secret keeps its user name.
pub async fn rotate(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    rotation: Rotation,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    if rotation.grace > MAX_GRACE {
        let most = MAX_GRACE.as_secs();
        return Err(
            InvalidField::new("grace_period", format!("must be at most {most} seconds")).into(),
        );
    }
    // Read first, because hashing a password is slow and needs the user name.
    let known = {
        let mut read = env.store.read().await?;
        find(read.as_mut(), caller.organization, id).await?
    };
    check_version(&known, expected)?;
    let minted = mint(env, &known, rotation.secret).await?;

    let mut write = env.store.write().await?;
    let now = env.now();
    let mut credential = find(write.as_mut(), caller.organization, id).await?;
    check_version(&credential, expected)?;
    if credential.username != known.username {
        // Another rotation came in between, and this one may keep the user name that it read.
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    credential.secret_version = credential.secret_version.saturating_add(1);
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = now;
    credential.rotated_at = now;
    credential.username.clone_from(&minted.username);
    retire(write.as_mut(), &credential, rotation.grace, now).await?;
    minted.keep(env, write.as_mut(), &credential).await?;
    issue::settle_usernames(env, write.as_mut(), id).await?;
    write.update_credential(&credential).await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    deployment::settle(write.as_mut(), &env.keys, &digesters, &credential, now).await?;
    let event = Event::of_credential(Action::CredentialRotated, &credential)
        .with("version", credential.secret_version)
        .with("grace_period", rotation.grace.as_secs())
        .changed(&known, &credential);
    audit::note(env, write.as_mut(), caller, event).await?;
    let secrets = write.unrevoked_secrets(id).await?;
    let issued = Issued {
        detail: CredentialDetail::new(credential, &secrets, now),
        secret: minted.shown,
    };
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

fn check_version(credential: &Credential, expected: Option<u64>) -> Result<(), Error> {
    if expected.is_some_and(|version| version != credential.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    Ok(())
}

async fn mint(
    env: &Environment,
    credential: &Credential,
    secret: RotatedSecret,
) -> Result<Minted, Error> {
    let kind = credential.kind;
    let basic = kind == CredentialType::Basic;
    let next_username = |username: Option<String>| match username {
        Some(username) => check_username(username).map(Some),
        None => Ok(credential.username.clone()),
    };
    match secret {
        RotatedSecret::Generated { username: Some(_) } if !basic => {
            Err(InvalidField::new("username", "only a basic credential has one").into())
        }
        RotatedSecret::Generated { username } => {
            issue::generated(env, kind, next_username(username)?)
        }
        RotatedSecret::Own(value) if kind == CredentialType::ApiKey => issue::own(env, value),
        RotatedSecret::Own(_) => {
            Err(InvalidField::new("value", "only an API key can be the caller's own").into())
        }
        RotatedSecret::Chosen { username, password } if basic => {
            let username = next_username(username)?.unwrap_or_default();
            issue::chosen(env, username, password).await
        }
        RotatedSecret::Chosen { .. } => {
            Err(InvalidField::new("password", "only a basic credential has one").into())
        }
    }
}

async fn retire(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
    grace: Duration,
    now: Timestamp,
) -> Result<(), Error> {
    let end = now.after(grace);
    let until = credential.expires_at.map_or(end, |expiry| expiry.min(end));
    for secret in write.unrevoked_secrets(credential.id).await? {
        let state = match secret.state {
            SecretState::Current if until > now => SecretState::Retiring { until },
            _ => SecretState::Revoked { at: now },
        };
        write.set_secret_state(secret.id, state).await?;
    }
    Ok(())
}
