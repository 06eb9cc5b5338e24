//! Says once of each credential that a new secret will soon be due, and that it is.

use super::{Credential, RotationState};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::CredentialId,
    store::WriteTransaction,
};

/// Credentials at most in one transaction, so that others can write in between.
const BATCH: usize = 100;

/// What was said of a credential's next rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationNote {
    /// Nothing.
    Nothing,
    /// That it comes.
    DueSoon,
    /// That it is time.
    Due,
}

/// Of how many living credentials a rotation was announced that has not happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationCounts {
    /// That it comes.
    pub due_soon: u64,
    /// That it is time.
    pub due: u64,
}

/// Forgets what was said of rotations before the settings were others.
pub async fn reconsider_rotations(env: &Environment) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    write
        .forget_untrue_rotation_notes(&env.rotation, env.now())
        .await?;
    env.commit(write).await?;
    Ok(())
}

/// Of how many credentials it was said and is still true. Looks at each of them, so it is not for every few seconds.
pub async fn count_rotations(env: &Environment) -> Result<RotationCounts, Error> {
    let mut read = env.store.read().await?;
    Ok(read.rotation_counts(env.now()).await?)
}

/// Announces what is to be announced now.
pub async fn announce_rotations(env: &Environment) -> Result<(), Error> {
    loop {
        let now = env.now();
        let mut read = env.store.read().await?;
        if read
            .rotations_to_note(&env.rotation, now, 1)
            .await?
            .is_empty()
        {
            return Ok(());
        }
        drop(read);
        let mut write = env.store.write().await?;
        // Asked again, because somebody may have rotated meanwhile.
        let found = write.rotations_to_note(&env.rotation, now, BATCH).await?;
        for id in found {
            announce(env, write.as_mut(), id, now).await?;
        }
        env.commit(write).await?;
    }
}

/// Of an expired credential nothing is said aloud: it has to be prolonged first, and is looked at again then.
async fn announce(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    id: CredentialId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(credential) = write.credential(id).await? else {
        return Ok(());
    };
    let state = env.rotation.age(&credential, now);
    let note = match state {
        RotationState::Due => RotationNote::Due,
        // What was found has at least this.
        _ => RotationNote::DueSoon,
    };
    write.set_rotation_note(id, note).await?;
    if credential.is_expired(now) {
        return Ok(());
    }
    let action = match note {
        RotationNote::Due => Action::RotationDue,
        _ => Action::RotationDueSoon,
    };
    let event = Event::of_credential(action, &credential);
    let registry = Caller::registry(credential.organization);
    audit::note(env, write, registry, event).await?;
    say(&credential, note);
    Ok(())
}

fn say(credential: &Credential, note: RotationNote) {
    let (id, application) = (credential.id, credential.application);
    if note == RotationNote::Due {
        tracing::warn!(credential.id = %id, application.id = %application, "a new secret is due: rotate the credential");
    } else {
        tracing::info!(credential.id = %id, application.id = %application, "a new secret will soon be due");
    }
}
