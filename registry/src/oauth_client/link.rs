//! Linking a client that somebody else has registered.

use super::{
    Registration,
    create::{self, Known},
    cut_off::cut_off,
};
use crate::{
    application,
    caller::Caller,
    change::Changed,
    credential::{Issued, Plan},
    environment::Environment,
    error::{Error, InvalidField},
    idempotency::{self, Receipt},
    label,
    provider::{Provider, ProviderKind},
    secrets::SecretText,
};

/// Longer than any that a provider was seen to give.
const MAX_CLIENT_ID: usize = 512;
/// Longer than any that a provider was seen to give.
const MAX_SECRET: usize = 4096;

/// Keeps the client as a credential. Tokens of a client that was a credential before are not accepted if they are older than
/// this: whoever had it gave them away. One that nobody here ever had comes with its tokens, among them those of providers that
/// do not say when they issued them.
pub(super) async fn link(
    env: &Environment,
    caller: Caller,
    mut plan: Plan,
    provider: &Provider,
    (client_id, client_secret): (String, Option<SecretText>),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    if provider.kind == ProviderKind::Builtin {
        let message =
            "must be managed at the built-in identity provider: its clients are the registry's own";
        return Err(InvalidField::new("registration", message).into());
    }
    let client_id = label::visible_ascii("client_id", client_id, MAX_CLIENT_ID)?;
    {
        // Whoever may not have the credential learns nothing about secrets.
        let mut read = env.store.read().await?;
        application::find(read.as_mut(), caller, plan.credential.application).await?;
    }
    prove(env, caller, provider, (&client_id, client_secret)).await?;

    let mut write = env.store.write().await?;
    let issuer = create::issuer(provider)?;
    if write.was_oauth_client_known(issuer, &client_id).await? {
        cut_off(&mut plan.credential, env.now());
    }
    let application =
        application::find(write.as_mut(), caller, plan.credential.application).await?;
    let known = Known {
        client_id,
        secret: None,
        registration: Registration::External,
        metadata: "{}".to_owned(),
        management: None,
    };
    let planned = (&application, plan);
    let issued = create::keep(env, write.as_mut(), caller, planned, (provider, known)).await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// Whoever decides what applications are allowed may link any client. Others could take somebody else's, so they have to
/// prove that it is theirs: by its secret, which the provider is asked about and which is kept nowhere.
async fn prove(
    env: &Environment,
    caller: Caller,
    provider: &Provider,
    (client_id, client_secret): (&str, Option<SecretText>),
) -> Result<(), Error> {
    const FIELD: &str = "client_secret";
    if caller.grants() {
        if client_secret.is_some() {
            let message =
                "is not needed with a token of role portal_admin or api_owner: leave it out";
            return Err(InvalidField::new(FIELD, message).into());
        }
        return Ok(());
    }
    let Some(secret) = client_secret else {
        let message = "is required unless the token has the role portal_admin or api_owner: it proves that the client is yours";
        return Err(Error::NotAllowed(InvalidField::new(FIELD, message)));
    };
    if !(1..=MAX_SECRET).contains(&secret.expose().len()) {
        let message = format!("must be 1 to {MAX_SECRET} bytes");
        return Err(InvalidField::new(FIELD, message).into());
    }
    let taken = env
        .client_proofs
        .take(caller, (provider.id, client_id), env.now());
    taken.map_err(Error::TooManyAttempts)?;
    let registrar = env.registrars.of(env, provider).await?;
    if registrar.proves(client_id, &secret).await? {
        return Ok(());
    }
    let message = "is not the secret by which the identity provider knows this client";
    Err(Error::NotAllowed(InvalidField::new(FIELD, message)))
}
