//! Giving a client another secret, or another client its place.

use super::{
    Management, OauthClient, Registration, builtin,
    intent::Intent,
    metadata::ClientMetadata,
    register::{answered, check},
    release,
    update::{about, current, rescue},
};
use crate::{
    caller::Caller,
    change::Changed,
    credential::{self, Credential, Issued, PreparedRotation, Rotation},
    environment::Environment,
    error::{Conflict, Error, Kind},
    idempotency::{self, Receipt},
    ids::CredentialId,
    provider::{
        OperationKind, Provider, ProviderKind, phase,
        registrar::{ProviderError, ProviderErrorKind, Registered, Registrar},
    },
    store::WriteTransaction,
};

/// Rotates a credential that is an OAuth client, if it is at the expected version.
///
/// Without grace, its provider gives it another secret where it is able to, and the client keeps its name. Else another client
/// is registered: gateways accept the tokens of both until the grace period ends, and then the one before is removed.
pub(crate) async fn rotate(
    env: &Environment,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    rotation: Rotation,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let which = (id, expected);
    env.complete(async move |env| rotate_in_full(&env, caller, which, rotation, receipt).await)
        .await
}

pub(super) async fn rotate_in_full(
    env: &Environment,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    rotation: Rotation,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let provider = {
        let mut read = env.store.read().await?;
        let credential = credential::find_to_rotate(read.as_mut(), caller, id).await?;
        credential::check_version(&credential, expected)?;
        let client = current(read.as_mut(), &credential).await?;
        let found = read.provider(client.provider).await?;
        found.ok_or(Error::NotFound(Kind::Credential))?
    };
    if provider.kind == ProviderKind::Builtin {
        let mut write = env.store.write().await?;
        let credential = credential::find_to_rotate(write.as_mut(), caller, id).await?;
        credential::check_version(&credential, expected)?;
        let client = current(write.as_mut(), &credential).await?;
        let what = (credential, client, rotation);
        return builtin::rotate(env, caller, write, what, (&provider, receipt)).await;
    }
    let registrar = env.registrars.of(env, &provider).await?;
    let phase = if rotation.grace.is_zero() {
        phase::INTENDED
    } else {
        phase::REPLACING
    };
    let (mut intent, metadata) = begin(env, caller, (id, expected), phase).await?;
    let asked = ask(env, registrar.as_ref(), (&mut intent, &metadata)).await;
    let registered = match asked {
        Ok(registered) => registered,
        Err(error) => {
            if let Error::Provider(error) = &error {
                intent.failed(env, error).await;
            }
            return Err(error);
        }
    };
    let is_another = Some(&registered.client_id) != intent.payload.client_id.as_ref();
    let kept = async {
        check(&registered)?;
        let done = (&provider, &registered);
        keep(env, caller, (id, rotation), (done, &intent), receipt).await
    };
    match kept.await {
        Ok(issued) => Ok(issued),
        Err(error) if is_another => {
            intent.undo(env, &registered).await;
            Err(error)
        }
        // The one before works no more: what is needed to rotate again is kept.
        Err(error) => {
            rescue(env, &intent, &registered).await;
            Err(error)
        }
    }
}

async fn begin(
    env: &Environment,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    phase: &str,
) -> Result<(Intent, ClientMetadata), Error> {
    let mut write = env.store.write().await?;
    let credential = credential::find_to_rotate(write.as_mut(), caller, id).await?;
    credential::check_version(&credential, expected)?;
    let client = current(write.as_mut(), &credential).await?;
    let mut metadata: ClientMetadata = serde_json::from_str(&client.metadata).unwrap_or_default();
    metadata.other.remove("client_secret_expires_at");
    let payload = about(env, &client, &metadata)?;
    let what = (OperationKind::Rotate, phase);
    let place = (client.provider, &credential);
    let intent = Intent::note(env, write.as_mut(), place, what, payload).await?;
    env.commit(write).await?;
    Ok((intent, metadata))
}

/// Has the provider make another secret, or else another client.
async fn ask(
    env: &Environment,
    registrar: &dyn Registrar,
    (intent, metadata): (&mut Intent, &ClientMetadata),
) -> Result<Registered, Error> {
    if intent.operation.phase == phase::INTENDED {
        match registrar.rotate_secret(&intent.known(), metadata).await {
            Err(error) if is_replaceable(&error) => intent.advance(env, phase::REPLACING).await?,
            answer => return Ok(answer?),
        }
    }
    Ok(registrar.register(metadata, intent.marker()).await?)
}

/// Whether another client can take the place of one that gets no other secret: also where the provider knows it no more.
fn is_replaceable(error: &ProviderError) -> bool {
    use ProviderErrorKind::{Forbidden, Missing, Unmanaged, Unsupported};
    !error.may_be_done && matches!(error.kind, Unsupported | Missing | Unmanaged | Forbidden)
}

async fn keep(
    env: &Environment,
    caller: Caller,
    (id, rotation): (CredentialId, Rotation),
    ((provider, registered), intent): ((&Provider, &Registered), &Intent),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let mut write = env.store.write().await?;
    let credential = credential::find_to_rotate(write.as_mut(), caller, id).await?;
    let issued = carry_out(
        env,
        write.as_mut(),
        caller,
        (credential, rotation),
        (provider, registered, Management::of(registered)),
    )
    .await?;
    intent.finish(write.as_mut()).await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// Gives the credential the secret that its provider has made, with the client that it belongs to.
pub(super) async fn carry_out(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (credential, rotation): (Credential, Rotation),
    (provider, registered, management): (&Provider, &Registered, Management),
) -> Result<Issued, Error> {
    let before = current(write, &credential).await?;
    let issuer = before.issuer.clone();
    let client_id = registered.client_id.clone();
    let is_same = before.client_id == client_id;
    if !is_same
        && write
            .oauth_client_known_as(&issuer, &client_id)
            .await?
            .is_some()
    {
        return Err(Conflict::Client.into());
    }
    let management = if is_same {
        let known = Management::open(env, &before)?;
        known.after(registered)
    } else {
        management
    };
    let minted = credential::registered(&issuer, &client_id, registered.client_secret.clone());
    let prepared = PreparedRotation::with(&credential, rotation, minted);
    let mut issued = prepared.carry_out(env, write, caller, credential).await?;
    if is_same {
        // From here on the client belongs to the secret that is new.
        release::end(write, before, env.now()).await?;
    }
    let credential = &issued.detail.credential;
    let secrets = write.unrevoked_secrets(credential.id).await?;
    let made = secrets
        .iter()
        .find(|one| one.version == credential.secret_version);
    let secret = made.ok_or(Conflict::NothingCurrent)?.id;
    let now = env.now();
    let client = OauthClient {
        secret,
        credential: credential.id,
        provider: provider.id,
        issuer,
        client_id,
        registration: Registration::Managed,
        metadata: answered(registered)?,
        sealed: Some(management.seal(env, write, secret).await?),
        created_at: now,
        updated_at: now,
        ended_at: None,
    };
    write.insert_oauth_client(&client).await?;
    release::release(env, write, credential).await?;
    issued.detail = issued.detail.with_clients(write).await?;
    Ok(issued)
}
