//! Registering a client at a provider that has to be called.

use super::{
    Management, Payload, Registration,
    create::{self, Known},
    intent::Intent,
    metadata::ClientMetadata,
};
use crate::{
    application,
    caller::Caller,
    change::Changed,
    credential::{Issued, Plan},
    environment::Environment,
    error::Error,
    idempotency::{self, Receipt},
    provider::{
        OperationKind, Provider, phase,
        registrar::{ProviderError, Registered},
    },
};

/// Longer than any that a provider was seen to give.
pub(super) const MAX_CLIENT_ID: usize = 512;

/// Registers a client and keeps it as the credential that was planned, or undoes what was begun.
pub(super) async fn register(
    env: &Environment,
    caller: Caller,
    plan: Plan,
    (provider, metadata): (&Provider, ClientMetadata),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    create::issuer(provider)?;
    let registrar = env.registrars.of(env, provider).await?;
    let intent = begin(env, caller, &plan, (provider, &metadata)).await?;
    let registered = match registrar.register(&metadata, intent.marker()).await {
        Ok(registered) => registered,
        Err(error) => {
            intent.failed(env, &error).await;
            return Err(error.into());
        }
    };
    let kept = async {
        check(&registered)?;
        keep(
            env,
            caller,
            plan,
            (provider, &registered),
            (&intent, receipt),
        )
        .await
    };
    match kept.await {
        Ok(issued) => Ok(issued),
        Err(error) => {
            intent.undo(env, &registered).await;
            Err(error)
        }
    }
}

/// Writes down that a client is to be registered, if the application could have the credential.
async fn begin(
    env: &Environment,
    caller: Caller,
    plan: &Plan,
    (provider, metadata): (&Provider, &ClientMetadata),
) -> Result<Intent, Error> {
    let mut write = env.store.write().await?;
    let id = plan.credential.application;
    let application = application::find(write.as_mut(), caller, id).await?;
    plan.check(env, write.as_mut(), &application).await?;
    let payload = Payload {
        metadata: Some(metadata_text(metadata)?),
        ..Payload::default()
    };
    let what = (OperationKind::Register, phase::INTENDED);
    let about = (provider.id, &plan.credential);
    let intent = Intent::note(env, write.as_mut(), about, what, payload).await?;
    env.commit(write).await?;
    Ok(intent)
}

async fn keep(
    env: &Environment,
    caller: Caller,
    plan: Plan,
    (provider, registered): (&Provider, &Registered),
    (intent, receipt): (&Intent, Option<Receipt<Changed<Issued>>>),
) -> Result<Changed<Issued>, Error> {
    let mut write = env.store.write().await?;
    let id = plan.credential.application;
    let application = application::find(write.as_mut(), caller, id).await?;
    let known = Known {
        client_id: registered.client_id.clone(),
        secret: registered.client_secret.clone(),
        registration: Registration::Managed,
        metadata: answered(registered)?,
        management: Some(Management::of(registered)),
    };
    let planned = (&application, plan);
    let issued = create::keep(env, write.as_mut(), caller, planned, (provider, known)).await?;
    intent.finish(write.as_mut()).await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// What is kept of an answer: the metadata, and when the secret ends.
pub(super) fn answered(registered: &Registered) -> Result<String, Error> {
    let mut metadata = registered.metadata.clone();
    if let Some(end) = registered.client_secret_expires_at {
        let seconds = end.as_millis() / 1000;
        let member = "client_secret_expires_at".to_owned();
        metadata.other.insert(member, seconds.into());
    }
    metadata_text(&metadata)
}

pub(super) fn metadata_text(metadata: &ClientMetadata) -> Result<String, Error> {
    serde_json::to_string(metadata).map_err(Error::Answer)
}

/// A client that has no name, or one that no token could say, is none.
pub(super) fn check(registered: &Registered) -> Result<(), ProviderError> {
    let name = registered.client_id.as_bytes();
    let fits = (1..=MAX_CLIENT_ID).contains(&name.len());
    if fits && name.iter().all(u8::is_ascii_graphic) {
        return Ok(());
    }
    let message =
        "the identity provider gave a client_id that is not 1 to 512 visible ASCII characters";
    Err(ProviderError::garbage(200, message))
}
