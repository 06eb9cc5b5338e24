//! What becomes of a registration once its secret works no more.

use super::{Management, OauthClient, Payload, Registration, builtin};
use crate::{
    clock::Timestamp,
    credential::{Credential, CredentialQuery, CredentialType},
    environment::Environment,
    error::Error,
    ids::{ApplicationId, OperationId, SecretId},
    listing::MAX_LIMIT,
    oauth,
    provider::{Operation, OperationKind, phase},
    store::WriteTransaction,
};

/// Of every registration of the credential whose secret was revoked: has it removed at its provider, and forgets at once one
/// that is somebody else's. Part of the transaction that revoked the secret, so that gateways refuse its tokens first, and
/// nothing is left behind at the provider whatever happens then.
pub(crate) async fn release(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<(), Error> {
    if credential.kind != CredentialType::OauthClient {
        return Ok(());
    }
    let clients = write.oauth_clients_of(credential.id).await?;
    if clients.iter().all(|client| client.ended_at.is_some()) {
        return Ok(());
    }
    let unrevoked: Vec<SecretId> = {
        let secrets = write.unrevoked_secrets(credential.id).await?;
        secrets.iter().map(|secret| secret.id).collect()
    };
    let being_removed = being_removed(env, write, credential).await?;
    for client in clients {
        let is_over = client.ended_at.is_none() && !unrevoked.contains(&client.secret);
        if is_over && !being_removed.contains(&client.secret) {
            remove(env, write, credential, client).await?;
        }
    }
    Ok(())
}

/// The same for all credentials of an application that is about to be deleted: its secrets are revoked by that.
pub(crate) async fn release_application(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    application: ApplicationId,
) -> Result<(), Error> {
    let mut query = CredentialQuery {
        after: None,
        limit: MAX_LIMIT,
    };
    loop {
        let credentials = write.credentials(application, query).await?;
        let Some(last) = credentials.last() else {
            return Ok(());
        };
        query.after = Some(last.id);
        let clients = |one: &&Credential| one.kind == CredentialType::OauthClient;
        for credential in credentials.iter().filter(clients) {
            let being_removed = being_removed(env, write, credential).await?;
            for client in write.oauth_clients_of(credential.id).await? {
                if client.ended_at.is_none() && !being_removed.contains(&client.secret) {
                    remove(env, write, credential, client).await?;
                }
            }
        }
    }
}

/// The registrations that operations are to remove already.
async fn being_removed(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<Vec<SecretId>, Error> {
    let mut secrets = Vec::new();
    for operation in write.operations_about(credential.id).await? {
        if operation.kind == OperationKind::Delete {
            secrets.extend(Payload::open(env, &operation)?.secret());
        }
    }
    Ok(secrets)
}

async fn remove(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    credential: &Credential,
    client: OauthClient,
) -> Result<(), Error> {
    let now = env.now();
    if client.registration == Registration::External {
        return end(write, client, now).await;
    }
    if builtin::is_builtin(write, &client).await? {
        oauth::client::delete(write, &client.client_id).await?;
        return end(write, client, now).await;
    }
    let management = Management::open(env, &client)?;
    let payload = Payload {
        secret: Some(client.secret.to_string()),
        client_id: Some(client.client_id.clone()),
        management: Some(management),
        metadata: None,
    };
    let id = OperationId::generate(now, env.entropy.as_ref())?;
    let operation = Operation {
        id,
        provider: client.provider,
        organization: credential.organization,
        application: credential.application,
        credential: credential.id,
        kind: OperationKind::Delete,
        phase: phase::INTENDED.to_owned(),
        sealed: payload.seal(env, write, id).await?,
        attempts: 0,
        next_attempt_at: Some(now),
        is_held: false,
        last_error: None,
        created_at: now,
    };
    Ok(write.insert_operation(&operation).await?)
}

/// Has a removal that is to be done prove itself by what manages the client by now.
pub(super) async fn hand_over(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    client: &OauthClient,
    management: &Management,
) -> Result<(), Error> {
    for mut operation in write.operations_about(client.credential).await? {
        if operation.kind != OperationKind::Delete {
            continue;
        }
        let mut payload = Payload::open(env, &operation)?;
        if payload.secret() != Some(client.secret) {
            continue;
        }
        payload.management = Some(management.clone());
        operation.sealed = payload.seal(env, write, operation.id).await?;
        if !operation.is_held {
            operation.next_attempt_at = Some(env.now());
        }
        write.update_operation(&operation).await?;
    }
    Ok(())
}

/// Lets others have the client from now on.
pub(crate) async fn end(
    write: &mut dyn WriteTransaction,
    mut client: OauthClient,
    now: Timestamp,
) -> Result<(), Error> {
    client.ended_at = Some(now);
    client.updated_at = now;
    client.sealed = None;
    Ok(write.update_oauth_client(&client).await?)
}
