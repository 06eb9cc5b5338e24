//! Changing what is registered of a client.

use super::{
    Management, OauthClient, Payload, Registration, builtin,
    create::{check_scope, format_is_fixed},
    intent::Intent,
    metadata::ClientMetadata,
    register::{answered, metadata_text},
    release,
};
use crate::{
    caller::Caller,
    change::Changed,
    credential::{self, Credential, CredentialDetail, CredentialPatch, CredentialType},
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    ids::CredentialId,
    oauth::TokenFormat,
    provider::{OperationKind, ProviderKind, phase, registrar::Registered},
    secret::SecretState,
    store::{ReadTransaction, WriteTransaction},
};

/// Changes a credential together with what is registered of its client, if it is at the expected version. The metadata take
/// the place of all that were there; what access tokens are like stays where nothing is said of it.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn update(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    what: (CredentialPatch, ClientMetadata, Option<TokenFormat>),
) -> Result<Changed<CredentialDetail>, Error> {
    env.complete(async move |env| update_in_full(&env, caller, id, expected, what).await)
        .await
}

pub(super) async fn update_in_full(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
    (patch, metadata, format): (CredentialPatch, ClientMetadata, Option<TokenFormat>),
) -> Result<Changed<CredentialDetail>, Error> {
    let provider = {
        let mut read = env.store.read().await?;
        let credential = credential::find(read.as_mut(), caller, id).await?;
        check_version(&credential, expected)?;
        let client = current(read.as_mut(), &credential).await?;
        let found = read.provider(client.provider).await?;
        found.ok_or(Error::NotFound(Kind::Credential))?
    };
    if provider.kind == ProviderKind::Builtin {
        let what = (patch, metadata, format);
        return update_builtin(env, caller, (id, expected), what).await;
    }
    if format.is_some() {
        return Err(format_is_fixed().into());
    }
    let registrar = env.registrars.of(env, &provider).await?;
    let metadata = check(env, caller, (id, expected), patch.clone(), metadata).await?;
    let (intent, metadata) = begin(env, caller, (id, expected), metadata).await?;
    match registrar.update(&intent.known(), &metadata).await {
        Err(error) => {
            intent.failed(env, &error).await;
            Err(error.into())
        }
        Ok(registered) => {
            let finished = finish(env, caller, (id, patch), (&intent, &registered)).await;
            if finished.is_err() {
                rescue(env, &intent, &registered).await;
            }
            finished
        }
    }
}

/// Refuses a change that the credential could not have, before its provider hears of it; the metadata with what they leave to
/// the credential.
async fn check(
    env: &Environment,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    patch: CredentialPatch,
    metadata: ClientMetadata,
) -> Result<ClientMetadata, Error> {
    let mut write = env.store.write().await?;
    // Nothing of it happens: the transaction is not committed.
    let credential = apply(env, write.as_mut(), caller, (id, expected), patch).await?;
    Ok(complete(&credential, metadata)?)
}

async fn update_builtin(
    env: &Environment,
    caller: Caller,
    which: (CredentialId, Option<u64>),
    (patch, metadata, format): (CredentialPatch, ClientMetadata, Option<TokenFormat>),
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    let credential = apply(env, write.as_mut(), caller, which, patch).await?;
    let metadata = complete(&credential, metadata)?;
    let client = current(write.as_mut(), &credential).await?;
    builtin::update(env, write, (credential, client), (&metadata, format)).await
}

/// The metadata with what they leave to the credential.
fn complete(
    credential: &Credential,
    mut metadata: ClientMetadata,
) -> Result<ClientMetadata, InvalidField> {
    let scopes: Vec<String> = credential.scopes.iter().map(ToOwned::to_owned).collect();
    match &metadata.scope {
        None if scopes.is_empty() => {}
        None => metadata.scope = Some(scopes.join(" ")),
        Some(scope) => {
            let wished: Vec<String> = scope.split(' ').map(ToOwned::to_owned).collect();
            check_scope(&wished, |scope| scopes.iter().any(|it| it == scope))?;
        }
    }
    if metadata.client_name.is_none() {
        metadata.client_name = Some(credential.name.clone());
    }
    metadata.check()?;
    Ok(metadata)
}

async fn apply(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    patch: CredentialPatch,
) -> Result<Credential, Error> {
    let before = credential::find(write, caller, id).await?;
    check_version(&before, expected)?;
    let application = crate::application::find(write, caller, before.application).await?;
    credential::change(env, write, caller, (&application, before), patch).await
}

async fn begin(
    env: &Environment,
    caller: Caller,
    (id, expected): (CredentialId, Option<u64>),
    metadata: ClientMetadata,
) -> Result<(Intent, ClientMetadata), Error> {
    let mut write = env.store.write().await?;
    let credential = credential::find(write.as_mut(), caller, id).await?;
    check_version(&credential, expected)?;
    let client = current(write.as_mut(), &credential).await?;
    let metadata = marked_like(&client, metadata);
    let payload = about(env, &client, &metadata)?;
    let what = (OperationKind::Update, phase::INTENDED);
    let place = (client.provider, &credential);
    let intent = Intent::note(env, write.as_mut(), place, what, payload).await?;
    env.commit(write).await?;
    Ok((intent, metadata))
}

async fn finish(
    env: &Environment,
    caller: Caller,
    (id, patch): (CredentialId, CredentialPatch),
    (intent, registered): (&Intent, &Registered),
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    // What somebody else has changed of the credential meanwhile is not this one's.
    let credential = apply(env, write.as_mut(), caller, (id, None), patch).await?;
    settle(env, write.as_mut(), intent, registered).await?;
    let detail = credential::detail(env, write.as_mut(), credential, env.now()).await?;
    let changed = Changed::of(write.as_mut(), detail).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// Keeps what the provider has answered although what was to become of it here failed: what managed the client before may
/// be void.
pub(super) async fn rescue(env: &Environment, intent: &Intent, registered: &Registered) {
    let kept = async {
        let mut write = env.store.write().await?;
        settle(env, write.as_mut(), intent, registered).await?;
        env.commit(write).await?;
        Ok::<(), Error>(())
    };
    if let Err(error) = kept.await {
        let id = intent.operation.id;
        tracing::warn!(operation = %id, %error, "what an identity provider has answered could not be kept");
    }
}

/// Keeps what the provider has answered, in the transaction that forgets the operation.
pub(crate) async fn settle(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    intent: &Intent,
    registered: &Registered,
) -> Result<(), Error> {
    let secret = intent.payload.secret();
    let found = match secret {
        Some(secret) => write.oauth_client(secret).await?,
        None => None,
    };
    if let Some(mut client) = found.filter(|client| client.ended_at.is_none()) {
        let before = Management::open(env, &client)?;
        let management = before.after(registered);
        client.sealed = Some(management.seal(env, write, client.secret).await?);
        client.metadata = answered(registered)?;
        client.updated_at = env.now();
        write.update_oauth_client(&client).await?;
        release::hand_over(env, write, &client, &management).await?;
    }
    intent.finish(write).await
}

/// Writes down that a client is being read, unless something else is being done about it: an answer may replace what manages
/// the client, and two of them at the same time would leave nobody knowing which is the last one.
pub(crate) async fn begin_reading(
    env: &Environment,
    client: &OauthClient,
) -> Result<Option<Intent>, Error> {
    begin_anew(env, client, phase::READING, |_| ClientMetadata::default()).await
}

/// Keeps what manages a client from now on, where an answer says so.
pub(crate) async fn keep_management(
    env: &Environment,
    intent: &Intent,
    registered: &Registered,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let found = match intent.payload.secret() {
        Some(secret) => write.oauth_client(secret).await?,
        None => None,
    };
    if let Some(mut client) = found.filter(|client| client.ended_at.is_none()) {
        let before = Management::open(env, &client)?;
        let after = before.after(registered);
        if after != before {
            client.sealed = Some(after.seal(env, write.as_mut(), client.secret).await?);
            write.update_oauth_client(&client).await?;
            release::hand_over(env, write.as_mut(), &client, &after).await?;
        }
    }
    intent.finish(write.as_mut()).await?;
    env.commit(write).await?;
    Ok(())
}

/// Writes down that what is known of the client is to be sent to its provider again; `None` where something else is being done.
pub(crate) async fn send_again(
    env: &Environment,
    client: &OauthClient,
) -> Result<Option<Intent>, Error> {
    begin_anew(env, client, phase::INTENDED, |client| {
        let mut metadata: ClientMetadata =
            serde_json::from_str(&client.metadata).unwrap_or_default();
        metadata.other.remove("client_secret_expires_at");
        metadata
    })
    .await
}

/// Writes down what is to be done about a client, as it is now, unless it is gone or something else is being done.
async fn begin_anew(
    env: &Environment,
    client: &OauthClient,
    phase: &'static str,
    metadata: impl FnOnce(&OauthClient) -> ClientMetadata + Send,
) -> Result<Option<Intent>, Error> {
    let mut write = env.store.write().await?;
    let credential = write.credential(client.credential).await?;
    let client = write.oauth_client(client.secret).await?;
    let (Some(credential), Some(client)) = (credential, client) else {
        return Ok(None);
    };
    let payload = about(env, &client, &metadata(&client))?;
    let what = (OperationKind::Update, phase);
    let place = (client.provider, &credential);
    match Intent::note(env, write.as_mut(), place, what, payload).await {
        Ok(intent) => {
            env.commit(write).await?;
            Ok(Some(intent))
        }
        Err(Error::Conflict(Conflict::ClientBusy)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an operation says of a client that is there.
pub(super) fn about(
    env: &Environment,
    client: &OauthClient,
    metadata: &ClientMetadata,
) -> Result<Payload, Error> {
    Ok(Payload {
        secret: Some(client.secret.to_string()),
        client_id: Some(client.client_id.clone()),
        management: Some(Management::open(env, client)?),
        metadata: Some(metadata_text(metadata)?),
    })
}

/// The registration that is the credential's current secret, if the registry looks after it.
pub(super) async fn current(
    read: &mut dyn ReadTransaction,
    credential: &Credential,
) -> Result<OauthClient, Error> {
    if credential.kind != CredentialType::OauthClient {
        let message = "is only for a credential of type oauth_client";
        return Err(InvalidField::new("client", message).into());
    }
    let secrets = read.unrevoked_secrets(credential.id).await?;
    let newest = secrets.iter().max_by_key(|one| one.version);
    let living = newest.filter(|one| one.state == SecretState::Current);
    let client = match living {
        Some(secret) => read.oauth_client(secret.id).await?,
        None => None,
    };
    let client = client.ok_or(Conflict::NothingCurrent)?;
    match client.registration {
        Registration::Managed => Ok(client),
        Registration::External => Err(Conflict::ClientExternal.into()),
    }
}

/// The metadata with the mark that the client bears already.
fn marked_like(client: &OauthClient, metadata: ClientMetadata) -> ClientMetadata {
    let known: ClientMetadata = serde_json::from_str(&client.metadata).unwrap_or_default();
    ClientMetadata {
        software_id: known.software_id,
        software_version: known.software_version,
        ..metadata
    }
}

fn check_version(credential: &Credential, expected: Option<u64>) -> Result<(), Error> {
    if expected.is_some_and(|version| version != credential.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    Ok(())
}
