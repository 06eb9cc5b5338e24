//! Creating a credential.

use super::{
    Credential, CredentialDetail, CredentialType, Deploy, Issued, NewCredential, NewSecret,
    SecretType,
    issue::{self, Minted},
    value,
};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    idempotency::{self, Receipt},
    ids::CredentialId,
    label::{self, Labels},
    scope::Scopes,
    secret_policy::check_username,
};

/// Creates a credential with its first secret, which works at once everywhere the application is admitted.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewCredential,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let now = env.now();
    let id = CredentialId::generate(now, env.entropy.as_ref())?;
    let identifier = new.identifier.map(value::identifier).transpose()?;
    value::period(new.secret.kind(), new.not_before, new.expires_at, now)?;
    let mut credential = Credential {
        id,
        organization: caller.organization,
        application: new.application,
        kind: new.secret.kind(),
        name: value::name(new.name)?,
        identifier: identifier.unwrap_or_else(|| id.to_string()),
        username: None,
        description: label::description(new.description)?,
        labels: Labels::parse(new.labels)?,
        enabled: new.enabled,
        not_before: new.not_before,
        expires_at: new.expires_at,
        scopes: Scopes::default(),
        deploy: match &new.gateway_groups {
            None => Deploy::Automatic,
            Some(_) => Deploy::Chosen,
        },
        is_paired: false,
        secret_type: SecretType::default(),
        secret_version: 1,
        rotate_every: None,
        rotated_at: now,
        last_used_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    // Before the transaction: hashing a password is slow.
    let minted = mint(env, new.secret).await?;
    credential.username.clone_from(&minted.username);

    let mut write = env.store.write().await?;
    let application =
        crate::application::find(write.as_mut(), caller.organization, new.application).await?;
    credential.scopes = value::scopes(new.scopes, &application)?;
    value::check_names_are_free(write.as_mut(), &credential).await?;
    write.insert_credential(&credential).await?;
    let chosen = new.gateway_groups.unwrap_or_default();
    deployment::choose(write.as_mut(), &application, id, &chosen).await?;
    minted.keep(env, write.as_mut(), &credential).await?;
    issue::settle_usernames(env, write.as_mut(), id).await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    deployment::settle(write.as_mut(), &env.keys, &digesters, &credential, now).await?;
    let event = Event::of_credential(Action::CredentialCreated, &credential).made(&credential);
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

async fn mint(env: &Environment, secret: NewSecret) -> Result<Minted, Error> {
    let kind = secret.kind();
    match secret {
        NewSecret::GeneratedApiKey | NewSecret::BearerToken => issue::generated(env, kind, None),
        NewSecret::OwnApiKey(value) => issue::own(env, value),
        NewSecret::GeneratedPassword { username } => {
            issue::generated(env, kind, Some(check_username(username)?))
        }
        NewSecret::ChosenPassword { username, password } => {
            issue::chosen(env, check_username(username)?, password).await
        }
    }
}

impl NewSecret {
    /// The type of credential that has such a secret.
    #[must_use]
    pub const fn kind(&self) -> CredentialType {
        match self {
            Self::GeneratedApiKey | Self::OwnApiKey(_) => CredentialType::ApiKey,
            Self::GeneratedPassword { .. } | Self::ChosenPassword { .. } => CredentialType::Basic,
            Self::BearerToken => CredentialType::BearerToken,
        }
    }
}
