//! Rotating a credential: a new secret under the same ids.

use std::time::Duration;

use super::{
    Credential, CredentialDetail, CredentialType, Issued, RotatedSecret, Rotation, RotationNote,
    SecretType, find,
    issue::{self, Minted},
    lifetime,
    retire::Retirement,
    versions::MAX_OF_PAIR,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    deployment::{self, Digesters},
    edit::Edit,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    idempotency::{self, Receipt},
    ids::CredentialId,
    oauth_client,
    secret::Part,
    secret_policy::check_username,
    store::{ReadTransaction, WriteTransaction},
};

/// The shortest time of silence after which a retiring secret may end by itself.
const MIN_SILENCE: Duration = Duration::from_hours(24);

/// Gives a credential a new secret, if it is at the expected version.
///
/// Without grace, the current and every retiring secret die at once. With it, the current one retires until the grace
/// period or the credential ends, and the oldest die of those that were retiring already, beyond as many as the settings
/// allow. A retiring secret keeps its user name.
pub async fn rotate(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    rotation: Rotation,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    check_grace(env, &rotation)?;
    // Read first, because hashing a password is slow and needs the user name.
    let known = {
        let mut read = env.store.read().await?;
        find_to_rotate(read.as_mut(), caller, id).await?
    };
    check_version(&known, expected)?;
    if known.kind == CredentialType::OauthClient {
        check_registered(&rotation)?;
        let which = (id, expected);
        return oauth_client::rotate(env, caller, which, rotation, receipt).await;
    }
    let prepared = Prepared::of(env, &known, rotation).await?;

    let mut write = env.store.write().await?;
    let credential = find_to_rotate(write.as_mut(), caller, id).await?;
    check_version(&credential, expected)?;
    let issued = prepared
        .carry_out(env, write.as_mut(), caller, credential)
        .await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// A rotation whose secret is made, and not kept yet.
pub(crate) struct Prepared {
    /// The user name that the credential had.
    username: Option<String>,
    rotation: Rotation,
    minted: Minted,
}

impl Prepared {
    /// With a secret that somebody else has made.
    pub(crate) fn with(known: &Credential, rotation: Rotation, minted: Minted) -> Self {
        Self {
            username: known.username.clone(),
            rotation,
            minted,
        }
    }

    /// Does what is slow, which is why no transaction waits for it.
    pub(crate) async fn of(
        env: &Environment,
        known: &Credential,
        rotation: Rotation,
    ) -> Result<Self, Error> {
        let minted = mint(env, known, rotation.part, rotation.secret.clone()).await?;
        Ok(Self {
            username: known.username.clone(),
            rotation,
            minted,
        })
    }

    /// Gives the credential the secret.
    pub(crate) async fn carry_out(
        self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        caller: Caller,
        mut credential: Credential,
    ) -> Result<Issued, Error> {
        let (now, id) = (env.now(), credential.id);
        let Self {
            rotation, minted, ..
        } = self;
        minted.check_may_be_own(caller)?;
        let before = credential.clone();
        let Rotation {
            part, expires_at, ..
        } = &rotation;
        credential.expires_at = lifetime::rotated(env, &before, *part, expires_at, now)?;
        if credential.is_expired(now) {
            return Err(Conflict::CredentialExpired.into());
        }
        check_default(write, &credential, expires_at).await?;
        if credential.username != self.username {
            // Another rotation came in between, and this one may keep the user name that it read.
            return Err(Error::VersionMismatch(Kind::Credential));
        }
        if credential.is_paired && credential.secret_version >= MAX_OF_PAIR {
            return Err(Conflict::PairExhausted.into());
        }
        credential.secret_version = credential.secret_version.saturating_add(1);
        credential.version = credential.version.saturating_add(1);
        credential.updated_at = now;
        if rotation.part == Part::Value {
            credential.rotated_at = now;
            credential.username.clone_from(&minted.username);
        }
        if rotation.part == Part::Value || credential.expires_at != before.expires_at {
            write.set_rotation_note(id, RotationNote::Nothing).await?;
        }
        let retirement = Retirement::of(env, &rotation, (&before, &credential), now);
        retirement.carry_out(write, id).await?;
        let version = credential.secret_version;
        minted.keep(env, write, &credential, version).await?;
        issue::settle_usernames(env, write, id).await?;
        write.update_credential(&credential).await?;
        let digesters = Digesters::load(write, &env.keys).await?;
        deployment::settle(write, &env.keys, &digesters, &credential, now).await?;
        let event = Event::of_credential(Action::CredentialRotated, &credential)
            .with("part", part_word(rotation.part))
            .with("version", credential.secret_version)
            .with("grace_period", rotation.grace.as_secs())
            .changed(&before, &credential);
        audit::note(env, write, caller, event).await?;
        let secrets = write.unrevoked_secrets(id).await?;
        let counts = write.usage(&[id]).await?;
        Ok(Issued {
            detail: CredentialDetail::new(env, credential, &secrets, now).with_usage(&counts, now),
            secret: minted
                .shown
                .clone()
                .filter(|_| rotation.part == Part::Value),
            shared_secret: minted.shown.filter(|_| rotation.part == Part::Shared),
        })
    }
}

/// The credential, unless it is not there, or was and is deleted.
pub(crate) async fn find_to_rotate(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    id: CredentialId,
) -> Result<Credential, Error> {
    match find(read, caller, id).await {
        // A deleted credential has no application any more, so nobody knows whose developers saw it.
        Err(Error::NotFound(_))
            if caller.owner().is_none() && read.was_credential(id, caller.organization).await? =>
        {
            Err(Conflict::CredentialRevoked.into())
        }
        found => found,
    }
}

/// What an application relies on is given no end by the way.
async fn check_default(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
    wished_end: &Edit<Option<Timestamp>>,
) -> Result<(), Error> {
    if !matches!(wished_end, Edit::Set(Some(_))) {
        return Ok(());
    }
    let application = write.application(credential.application).await?;
    if application.is_some_and(|application| application.requires(credential.id)) {
        return Err(Conflict::DefaultCredential.into());
    }
    Ok(())
}

fn check_grace(env: &Environment, rotation: &Rotation) -> Result<(), InvalidField> {
    let most = env.rotation.max_grace;
    if rotation.grace > most {
        let message = format!("must be at most {} seconds", most.as_secs());
        return Err(InvalidField::new("grace_period", message));
    }
    let silence = rotation.end_after_silence;
    if silence.is_some_and(|silence| !(MIN_SILENCE..rotation.grace).contains(&silence)) {
        let least = MIN_SILENCE.as_secs();
        let message = format!("must be at least {least} seconds, and less than grace_period");
        return Err(InvalidField::new("end_after_silence", message));
    }
    Ok(())
}

pub(crate) fn check_version(credential: &Credential, expected: Option<u64>) -> Result<(), Error> {
    if expected.is_some_and(|version| version != credential.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    Ok(())
}

/// A client's secret is made by its provider, and has one part.
fn check_registered(rotation: &Rotation) -> Result<(), InvalidField> {
    let refused = |field: &'static str| {
        let message = "is not for an OAuth client: its identity provider makes its secret";
        Err(InvalidField::new(field, message))
    };
    match &rotation.secret {
        _ if rotation.part == Part::Shared => refused("part"),
        RotatedSecret::Generated { username: None } => Ok(()),
        RotatedSecret::Generated { .. } => refused("username"),
        RotatedSecret::Own(_) => refused("value"),
        RotatedSecret::Chosen { .. } => refused("password"),
    }
}

const fn part_word(part: Part) -> &'static str {
    match part {
        Part::Value => "value",
        Part::Shared => "shared",
    }
}

async fn mint(
    env: &Environment,
    credential: &Credential,
    part: Part,
    secret: RotatedSecret,
) -> Result<Minted, Error> {
    if part == Part::Shared {
        return mint_shared(env, credential, &secret);
    }
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
        RotatedSecret::Chosen { .. }
            if basic && credential.secret_type == SecretType::Retrievable =>
        {
            let message = "cannot be chosen, because the credential's secrets are retrievable";
            Err(InvalidField::new("password", message).into())
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

fn mint_shared(
    env: &Environment,
    credential: &Credential,
    secret: &RotatedSecret,
) -> Result<Minted, Error> {
    if !credential.is_paired {
        let message = "can only be shared for an API key that has a shared secret";
        return Err(InvalidField::new("part", message).into());
    }
    match secret {
        RotatedSecret::Generated { username: None } => issue::shared(env),
        RotatedSecret::Generated { .. } => {
            Err(InvalidField::new("username", "only a basic credential has one").into())
        }
        RotatedSecret::Own(_) => {
            Err(InvalidField::new("value", "a shared secret is always generated").into())
        }
        RotatedSecret::Chosen { .. } => {
            Err(InvalidField::new("password", "only a basic credential has one").into())
        }
    }
}
