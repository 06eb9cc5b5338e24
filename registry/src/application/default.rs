//! The API key that an application always has, if it must.

use super::{Application, DefaultKey, find};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    credential::{self, Credential, CredentialType},
    edit::Edit,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    ids::{ApplicationId, CredentialId},
    secret::{Part, SecretState},
    store::WriteTransaction,
};

/// The name of the key that is made with the application.
pub(super) const NAME: &str = "default";

/// Makes another of the application's credentials its default, if it is at the expected version.
pub async fn set_default_credential(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
    expected: Option<u64>,
    credential: CredentialId,
) -> Result<Changed<Application>, Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let before = find(write.as_mut(), caller, id).await?;
    let mut application = before.clone();
    if expected.is_some_and(|version| version != application.version) {
        return Err(Error::VersionMismatch(Kind::Application));
    }
    if application.default_key == DefaultKey::None {
        return Err(Conflict::NoDefaultKey.into());
    }
    let chosen = eligible(env, write.as_mut(), &application, credential).await?;
    application.default_credential = Some(chosen);
    application.updated_at = now;
    application.version = application.version.saturating_add(1);
    write.update_application(&application).await?;
    let event = Event::of_application(Action::ApplicationUpdated, &application)
        .changed(&before, &application);
    audit::note(env, write.as_mut(), caller, event).await?;
    let changed = Changed::of(write.as_mut(), application).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// What a change of an application says about its default key.
#[derive(Clone, Copy)]
pub(super) struct DefaultChange {
    pub(super) key: Option<DefaultKey>,
    pub(super) credential: Option<CredentialId>,
}

impl DefaultChange {
    pub(super) async fn apply(
        self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        application: &mut Application,
    ) -> Result<(), Error> {
        application.default_key = self.key.unwrap_or(application.default_key);
        match (application.default_key, self.credential) {
            (DefaultKey::None, None) => application.default_credential = None,
            (DefaultKey::None, Some(_)) => {
                let message = "needs default_key to be required";
                return Err(InvalidField::new("default_credential", message).into());
            }
            (DefaultKey::Required, Some(id)) => {
                let chosen = eligible(env, write, application, id).await?;
                application.default_credential = Some(chosen);
            }
            (DefaultKey::Required, None) if application.default_credential.is_none() => {
                return Err(Conflict::NoDefaultCredential.into());
            }
            (DefaultKey::Required, None) => {}
        }
        Ok(())
    }
}

async fn eligible(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    application: &Application,
    id: CredentialId,
) -> Result<CredentialId, Error> {
    let credential = write.credential(id).await?;
    let own = credential.filter(|one| one.application == application.id);
    let own = own.filter(|credential| {
        may_be_default(credential, env.now()) && has_no_end_of_its_own(env, credential)
    });
    let credential = own.ok_or(Conflict::NotADefault)?;
    if !has_current_secrets(write, &credential).await? {
        return Err(Conflict::DefaultWithoutSecret.into());
    }
    Ok(id)
}

/// Whether the credential has a secret that goes on to work: one of each part, if it is a pair.
async fn has_current_secrets(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<bool, Error> {
    let secrets = write.unrevoked_secrets(credential.id).await?;
    let has = |part: Part| {
        secrets
            .iter()
            .any(|secret| secret.part == part && secret.state == SecretState::Current)
    };
    Ok(has(Part::Value) && (!credential.is_paired || has(Part::Shared)))
}

/// Whether it ends only because nothing may work for ever.
fn has_no_end_of_its_own(env: &Environment, credential: &Credential) -> bool {
    let now = env.now();
    credential.expires_at.is_none()
        || credential.expires_at == credential::latest_end(env, credential, now)
            && !credential.is_expired(now)
}

/// Whether the credential is honoured now, and goes on to be, apart from its end.
fn may_be_default(credential: &Credential, now: Timestamp) -> bool {
    let begun = credential.not_before.is_none_or(|start| start <= now);
    credential.kind == CredentialType::ApiKey && credential.enabled && begun
}

impl Application {
    /// Whether the credential is the one that the application always must have.
    #[must_use]
    pub fn requires(&self, credential: CredentialId) -> bool {
        self.default_key == DefaultKey::Required && self.default_credential == Some(credential)
    }

    /// Refuses a next state of the credential in which it cannot be the application's default, if it is. An end may only
    /// be wished for by leaving it to the longest lifetime.
    pub(crate) fn check_default(
        &self,
        (before, after): (&Credential, &Credential),
        wished_end: &Edit<Option<Timestamp>>,
        now: Timestamp,
    ) -> Result<(), Conflict> {
        let ends = matches!(wished_end, Edit::Set(Some(end)) if before.expires_at != Some(*end));
        if self.requires(after.id) && (ends || !may_be_default(after, now)) {
            return Err(Conflict::DefaultCredential);
        }
        Ok(())
    }
}
