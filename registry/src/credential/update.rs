//! Changing a credential, but not its secret.

use super::{
    Credential, CredentialDetail, CredentialPatch, RotationNote, detail, find, lifetime, schedule,
    value,
};
use crate::{
    application::Application,
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    deployment::{self, Digesters},
    edit::Edit,
    environment::Environment,
    error::{Error, Kind},
    ids::CredentialId,
    label::{self, Labels},
    store::WriteTransaction,
};

/// Changes a credential, if it is at the expected version.
pub async fn update(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    patch: CredentialPatch,
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    let before = find(write.as_mut(), caller, id).await?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    let application = crate::application::find(write.as_mut(), caller, before.application).await?;
    let credential = change(env, write.as_mut(), caller, (&application, before), patch).await?;
    let detail = detail(env, write.as_mut(), credential, env.now()).await?;
    let changed = Changed::of(write.as_mut(), detail).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// The same in a transaction that does more, of a credential that the application has.
pub(crate) async fn change(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (application, before): (&Application, Credential),
    patch: CredentialPatch,
) -> Result<Credential, Error> {
    let now = env.now();
    let is_rescheduled = patch.rotate_every != Edit::Keep || patch.expires_at != Edit::Keep;
    let wished_end = patch.expires_at.clone();
    let mut credential = apply(env, before.clone(), patch, application)?;
    application.check_default((&before, &credential), &wished_end, now)?;
    credential.updated_at = now;
    credential.version = credential.version.saturating_add(1);
    value::check_names_are_free(write, &credential).await?;
    write.update_credential(&credential).await?;
    if is_rescheduled {
        write
            .set_rotation_note(credential.id, RotationNote::Nothing)
            .await?;
    }
    let digesters = Digesters::load(write, &env.keys).await?;
    deployment::settle(write, &env.keys, &digesters, &credential, now).await?;
    let event =
        Event::of_credential(Action::CredentialUpdated, &credential).changed(&before, &credential);
    audit::note(env, write, caller, event).await?;
    Ok(credential)
}

fn apply(
    env: &Environment,
    mut credential: Credential,
    patch: CredentialPatch,
    application: &Application,
) -> Result<Credential, Error> {
    if let Some(name) = patch.name {
        credential.name = value::name(name)?;
    }
    if let Some(description) = patch.description {
        credential.description = label::description(description)?;
    }
    if let Some(labels) = patch.labels {
        credential.labels = Labels::parse(labels)?;
    }
    if let Some(scopes) = patch.scopes {
        credential.scopes = value::scopes(scopes, application)?;
    }
    if let Edit::Set(every) = patch.rotate_every {
        credential.rotate_every = schedule::every(every)?;
    }
    credential.enabled = patch.enabled.unwrap_or(credential.enabled);
    // A period that is not mentioned stays as it is, also when it is over.
    if patch.not_before != Edit::Keep || patch.expires_at != Edit::Keep {
        credential.not_before = patch.not_before.apply(credential.not_before);
        let mut judged_at = Timestamp::from_millis(0);
        if let Edit::Set(wished) = patch.expires_at {
            judged_at = env.now();
            credential.expires_at = lifetime::changed(env, &credential, wished, judged_at)?;
        }
        let (start, end) = (credential.not_before, credential.expires_at);
        value::period(credential.kind, start, end, judged_at)?;
    }
    Ok(credential)
}
