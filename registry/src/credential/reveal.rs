//! Showing secrets again that are kept so that they can be.

use super::{CredentialDetail, SecretSummary, SecretType, find};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error, InvalidField},
    ids::CredentialId,
    secrets::SecretText,
};

/// A living secret with its text.
#[derive(Clone, Debug)]
pub struct Revealed {
    /// Which secret it is.
    pub summary: SecretSummary,
    /// The user name that belongs to it, for HTTP Basic.
    pub username: Option<String>,
    /// Its text; `None` where it was made while no text might be kept.
    pub text: Option<SecretText>,
}

/// The living secrets of a credential whose secrets are kept to be shown again, if the settings allow that.
pub async fn reveal(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
) -> Result<Vec<Revealed>, Error> {
    let now = env.now();
    let mut write = env.store.write().await?;
    let credential = find(write.as_mut(), caller, id).await?;
    if credential.secret_type == SecretType::Hashed {
        return Err(Conflict::SecretsHashed.into());
    }
    if !env.policy.retrievable_allowed {
        let message = "is retrievable, but the setting allow_retrievable_secrets is not true";
        return Err(InvalidField::new("secret_type", message).into());
    }
    let secrets = write.unrevoked_secrets(id).await?;
    let mut revealed = Vec::new();
    for secret in CredentialDetail::living(&secrets, now) {
        if let Some(summary) = SecretSummary::of(secret) {
            revealed.push(Revealed {
                summary,
                username: secret.username.clone(),
                text: secret.recover(&env.keys)?,
            });
        }
    }
    let event = Event::of_credential(Action::CredentialRevealed, &credential);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(revealed)
}
