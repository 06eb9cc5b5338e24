//! Where a credential's secrets come from, and how they come to their end.

use std::collections::BTreeSet;

use filter_core::{digest::SecretHash, key::SecretType};

use super::{Credential, CredentialType};
use crate::{
    caller::Caller,
    deployment::{self, Digesters},
    environment::Environment,
    error::{Conflict, Error, InvalidField},
    ids::{CredentialId, SecretId},
    oauth_client,
    password::{HashedPassword, PhcString, Salts, SlowHash},
    sealing::Sealer,
    secret::{self, Display, Material, Origin, Part, Secret, SecretState},
    secrets::{Fingerprint, SecretText},
    store::WriteTransaction,
};

/// A secret that is not kept yet.
pub(crate) struct Minted {
    /// What is shown of it this once.
    pub(crate) shown: Option<SecretText>,
    pub(super) username: Option<String>,
    part: Part,
    material: Material,
    origin: Origin,
    display: Display,
}

/// The name of a client at its issuer, and the secret that it got there, if any.
pub(crate) fn registered(issuer: &str, client_id: &str, secret: Option<SecretText>) -> Minted {
    Minted {
        shown: secret,
        username: None,
        part: Part::Value,
        material: Material::Value(SecretHash::of_client(issuer, client_id)),
        origin: Origin::Registered,
        // What there is to be shown of a client is shown of its registration.
        display: Display::default(),
    }
}

impl Minted {
    /// Own values are weaker than generated ones as a rule, so not everybody may bring them.
    pub(super) fn check_may_be_own(&self, caller: Caller) -> Result<(), Error> {
        if self.origin == Origin::Own && !caller.grants() {
            let message = "can be one's own for a token of role portal_admin or api_owner: leave it out, and the \
                           registry makes one";
            return Err(Error::NotAllowed(InvalidField::new("value", message)));
        }
        Ok(())
    }
}

/// A secret that the registry makes.
pub(super) fn generated(
    env: &Environment,
    kind: CredentialType,
    username: Option<String>,
) -> Result<Minted, Error> {
    let kind = match kind {
        CredentialType::ApiKey => SecretType::ApiKey,
        CredentialType::Basic => SecretType::Password,
        CredentialType::BearerToken => SecretType::BearerToken,
        CredentialType::OauthClient => {
            let message = "cannot be oauth_client: its secret is made where it is registered";
            return Err(InvalidField::new("type", message).into());
        }
    };
    let text = env.policy.generate(kind, env.entropy.as_ref())?;
    let bytes = text.expose().as_bytes();
    let hash = match &username {
        Some(username) => SecretHash::of_basic(username.as_bytes(), bytes),
        None => SecretHash::of_value(bytes),
    };
    Ok(Minted {
        display: Display::of_generated(&text),
        shown: Some(text),
        username,
        part: Part::Value,
        material: Material::Value(hash),
        origin: Origin::Generated,
    })
}

/// A secret that the registry makes, to be presented together with a key.
pub(super) fn shared(env: &Environment) -> Result<Minted, Error> {
    let text = env
        .policy
        .generate(SecretType::ClientSecret, env.entropy.as_ref())?;
    Ok(Minted {
        display: Display::of_generated(&text),
        material: Material::Value(SecretHash::of_value(text.expose().as_bytes())),
        shown: Some(text),
        username: None,
        part: Part::Shared,
        origin: Origin::Generated,
    })
}

/// A caller's own API key.
pub(super) fn own(env: &Environment, value: SecretText) -> Result<Minted, Error> {
    env.policy.check_own_key(&value)?;
    Ok(Minted {
        display: Display::of_own(&value),
        material: Material::Value(SecretHash::of_value(value.expose().as_bytes())),
        shown: Some(value),
        username: None,
        part: Part::Value,
        origin: Origin::Own,
    })
}

/// A password that somebody chose. Nothing is shown of it, not even its end.
pub(super) async fn chosen(
    env: &Environment,
    username: String,
    password: SecretText,
) -> Result<Minted, Error> {
    env.policy.check_password(&password)?;
    let salts = Salts {
        phc: env.entropy.bytes()?,
        slow_hash: env.keys.password_salt(&username),
    };
    Ok(Minted {
        shown: None,
        username: Some(username),
        part: Part::Value,
        material: Material::Password(env.passwords.hash(password, salts).await?),
        origin: Origin::Chosen,
        display: Display::default(),
    })
}

impl Minted {
    /// A caller's own value of which only the hash is known. Nothing can be shown of it.
    pub(super) fn of_hash(hash: SecretHash) -> Self {
        Self {
            shown: None,
            username: None,
            part: Part::Value,
            material: Material::Value(hash),
            origin: Origin::Own,
            display: Display::default(),
        }
    }

    /// A chosen password of which only what another program made of it is known.
    pub(super) fn of_foreign(env: &Environment, username: String, phc: PhcString) -> Self {
        let slow_hash = env.keys.foreign_password_hash(&username, phc.expose());
        Self {
            shown: None,
            username: Some(username),
            part: Part::Value,
            material: Material::Password(HashedPassword {
                phc,
                slow_hash: SlowHash(slow_hash),
            }),
            origin: Origin::Chosen,
            display: Display::default(),
        }
    }

    /// By which the value is recognised.
    pub(super) fn fingerprint(&self, env: &Environment) -> Fingerprint {
        self.material.fingerprint(&env.keys)
    }

    /// The same of what is kept as this secret. A client's name is no secret and may be linked again, so nothing is ever
    /// recognised by it.
    fn fingerprint_as(&self, env: &Environment, id: SecretId) -> Fingerprint {
        match self.origin {
            // No issuer has an empty name.
            Origin::Registered => env
                .keys
                .fingerprint(&SecretHash::of_client("", &id.to_string())),
            Origin::Generated | Origin::Own | Origin::Chosen => self.fingerprint(env),
        }
    }

    /// Refuses a value that is or was a secret.
    pub(super) async fn check_is_unknown(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
    ) -> Result<(), Error> {
        if self.origin == Origin::Registered
            || write
                .fingerprint_owner(&self.fingerprint(env))
                .await?
                .is_none()
        {
            return Ok(());
        }
        Err(match self.material {
            Material::Value(_) => Conflict::Value.into(),
            Material::Password(_) => Conflict::Password.into(),
        })
    }

    /// Refuses another credential's user name before anything is said of the password: whoever may make credentials could
    /// otherwise try passwords of somebody else's, as fast as they are hashed.
    async fn check_username_is_own(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        id: CredentialId,
    ) -> Result<(), Error> {
        let Some(username) = self.username.as_deref() else {
            return Ok(());
        };
        match write.username_owner(username).await? {
            Some(holder) if holder != id => {
                check_username_is_free(env, write, Some(username)).await
            }
            _ => Ok(()),
        }
    }

    /// Refuses what gateways would find another credential by.
    pub(super) async fn check_lookup_is_free(
        &self,
        write: &mut dyn WriteTransaction,
        digesters: &Digesters,
        kind: CredentialType,
    ) -> Result<(), Error> {
        let hash = match &self.material {
            Material::Value(hash) => hash.clone(),
            Material::Password(_) => {
                SecretHash::of_username(self.username.as_deref().unwrap_or_default().as_bytes())
            }
        };
        deployment::check_is_free(write, digesters, kind, &hash).await
    }

    /// Keeps it as the credential's current secret of this version, unless its value is or was one.
    pub(super) async fn keep(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        credential: &Credential,
        version: u32,
    ) -> Result<SecretId, Error> {
        self.check_username_is_own(env, write, credential.id)
            .await?;
        self.check_is_unknown(env, write).await?;
        let now = env.now();
        let id = SecretId::generate(now, env.entropy.as_ref())?;
        let sealer = env.sealer(write).await?;
        let secret = Secret {
            id,
            organization: credential.organization,
            credential: credential.id,
            version,
            part: self.part,
            state: SecretState::Current,
            origin: self.origin,
            username: self.username.clone(),
            sealed: self.material.seal(id, &sealer, env.entropy.as_ref())?,
            fingerprint: self.fingerprint_as(env, id),
            display: self.display.clone(),
            recoverable: self.recoverable(env, credential, id, &sealer)?,
            leaked_at: None,
            end_after_silence: None,
            created_at: now,
        };
        write.insert_secret(&secret).await?;
        Ok(id)
    }

    /// Its text, sealed, where the credential wants that and the settings still allow it. That they do not is no reason to
    /// make no secret: a credential must be able to lose one that leaked.
    fn recoverable(
        &self,
        env: &Environment,
        credential: &Credential,
        id: SecretId,
        sealer: &Sealer,
    ) -> Result<Option<Vec<u8>>, Error> {
        let wanted = credential.secret_type == crate::credential::SecretType::Retrievable;
        match &self.shown {
            Some(text) if wanted && env.policy.retrievable_allowed => {
                let sealed = secret::seal_text(id, text, sealer, env.entropy.as_ref())?;
                Ok(Some(sealed))
            }
            _ => Ok(None),
        }
    }
}

/// Keeps for the credential the user names of its unrevoked secrets, and no others. One that another credential has with
/// a living secret is refused.
pub(super) async fn settle_usernames(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: CredentialId,
) -> Result<(), Error> {
    write.release_usernames(credential).await?;
    for username in usernames(write, credential).await? {
        check_username_is_free(env, write, Some(&username)).await?;
        write.claim_username(&username, credential).await?;
    }
    Ok(())
}

/// Refuses a user name that a credential has with a living secret.
pub(super) async fn check_username_is_free(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    username: Option<&str>,
) -> Result<(), Error> {
    let Some(username) = username else {
        return Ok(());
    };
    if let Some(holder) = write.username_owner(username).await? {
        // A retiring secret may have held it until now.
        let digesters = Digesters::load(write, &env.keys).await?;
        end_retired(env, write, &digesters, holder).await?;
    }
    if write.username_owner(username).await?.is_some() {
        return Err(Conflict::Username.into());
    }
    Ok(())
}

/// Ends what time has ended: revokes the credential's retiring secrets that are past their end, frees the user names
/// that were only theirs, and withdraws them, and an expired credential altogether, from gateways.
pub(crate) async fn end_retired(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    digesters: &Digesters,
    id: CredentialId,
) -> Result<(), Error> {
    let now = env.now();
    let Some(credential) = write.credential(id).await? else {
        return Ok(());
    };
    for secret in write.unrevoked_secrets(id).await? {
        if !secret.is_living(now) {
            write
                .set_secret_state(secret.id, SecretState::Revoked { at: now })
                .await?;
        }
    }
    write.release_usernames(id).await?;
    for username in usernames(write, id).await? {
        write.claim_username(&username, id).await?;
    }
    deployment::settle(write, &env.keys, digesters, &credential, now).await?;
    // Nothing is found by them any more.
    write.delete_ended_access_tokens(id, now).await?;
    oauth_client::release(env, write, &credential).await
}

async fn usernames(
    write: &mut dyn WriteTransaction,
    credential: CredentialId,
) -> Result<BTreeSet<String>, Error> {
    let secrets = write.unrevoked_secrets(credential).await?;
    Ok(secrets
        .into_iter()
        .filter_map(|secret| secret.username)
        .collect())
}
