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
    provider::Provider,
    secrets::SecretText,
};

/// Longer than any that a provider was seen to give.
const MAX_CLIENT_ID: usize = 512;

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
    let client_id = label::visible_ascii("client_id", client_id, MAX_CLIENT_ID)?;
    prove(caller, client_secret.as_ref())?;

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
/// prove that it is theirs.
fn prove(caller: Caller, client_secret: Option<&SecretText>) -> Result<(), Error> {
    if caller.grants() {
        if client_secret.is_some() {
            let message =
                "is not needed with a token of role portal_admin or api_owner: leave it out";
            return Err(InvalidField::new("client_secret", message).into());
        }
        return Ok(());
    }
    let message = "is for a token of role portal_admin or api_owner";
    Err(Error::NotAllowed(InvalidField::new(
        "registration",
        message,
    )))
}
