//! Making, listing and deleting registration tokens.

use filter_core::key::SecretType;

use super::{MAX_CLIENTS, MAX_TOKENS, NewRegistrationToken, RegistrationToken};
use crate::{
    application::{self, Application},
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    idempotency::{self, Receipt},
    ids::RegistrationTokenId,
    label,
    scope::Scopes,
    secret::Display,
    secrets::SecretText,
    store::WriteTransaction,
    token,
};

/// What one is when it is made, with its text, which is shown this once.
pub type Made = (RegistrationToken, SecretText);

/// Makes a registration token. It ends no later than the token that makes it.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewRegistrationToken,
    receipt: Option<Receipt<Made>>,
) -> Result<Made, Error> {
    let now = env.now();
    check(&new)?;
    if new.expires_at.is_some_and(|end| end <= now) {
        return Err(InvalidField::new("expires_at", "must be in the future").into());
    }
    let description = label::description(new.description)?;
    let mut write = env.store.write().await?;
    let application = application::find(write.as_mut(), caller, new.application).await;
    let application = application.map_err(named)?;
    let scopes = scopes(&application, new.scopes)?;
    let expires_at = token::end(env, write.as_mut(), caller, (new.expires_at, now)).await?;
    admit(env, write.as_mut(), caller).await?;
    let entropy = env.entropy.as_ref();
    let text = env
        .policy
        .generate(SecretType::RegistrationToken, entropy)?;
    let token = RegistrationToken {
        id: RegistrationTokenId::generate(now, entropy)?,
        organization: application.organization,
        application: application.id,
        scopes,
        description,
        clients: new.clients,
        registered: 0,
        created_by: caller.token,
        display: Display::of_generated(&text),
        created_at: now,
        expires_at,
    };
    let digest = env.keys.token_digest(text.expose());
    write.insert_registration_token(&token, &digest).await?;
    let event = event(Action::RegistrationTokenCreated, &token, &application);
    audit::note(env, write.as_mut(), caller, event.made(&token)).await?;
    let made = (token, text);
    idempotency::keep(receipt, env, write.as_mut(), &made).await?;
    env.commit(write).await?;
    Ok(made)
}

/// The organization's registration tokens, in order of creation: those that ended too, until others are made.
pub async fn list(env: &Environment, caller: Caller) -> Result<Vec<RegistrationToken>, Error> {
    let mut read = env.store.read().await?;
    Ok(read.registration_tokens(caller.organization).await?)
}

/// Deletes a registration token. The clients that registered with it stay.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    id: RegistrationTokenId,
) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let found = write.registration_token(id).await?;
    let token = found
        .filter(|token| token.organization == caller.organization)
        .ok_or(Error::NotFound(Kind::RegistrationToken))?;
    write.delete_registration_token(id).await?;
    let application = application::find(write.as_mut(), caller, token.application).await?;
    let event = event(Action::RegistrationTokenDeleted, &token, &application);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

fn check(new: &NewRegistrationToken) -> Result<(), InvalidField> {
    if (1..=MAX_CLIENTS).contains(&new.clients) {
        return Ok(());
    }
    let message = format!("must be 1 to {MAX_CLIENTS}");
    Err(InvalidField::new("clients", message))
}

/// The application stands in the body, where it is a value like others.
fn named(error: Error) -> Error {
    match error {
        Error::NotFound(Kind::Application) => {
            InvalidField::new("application", "must be the id of an application").into()
        }
        other => other,
    }
}

fn scopes(application: &Application, wished: Option<Vec<String>>) -> Result<Scopes, Error> {
    let Some(wished) = wished else {
        return Ok(application.scopes.clone());
    };
    let scopes = Scopes::parse("scopes", wished)?;
    if scopes.beyond(&application.scopes).next().is_none() {
        return Ok(scopes);
    }
    Err(InvalidField::new("scopes", "must be some of the application's").into())
}

/// Makes room where something has ended, and refuses to have too many.
async fn admit(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
) -> Result<(), Error> {
    let organization = caller.organization;
    write
        .prune_registration_tokens(organization, env.now())
        .await?;
    let living = write.registration_tokens(organization).await?.len();
    if living < MAX_TOKENS {
        return Ok(());
    }
    Err(Conflict::RegistrationTokens.into())
}

fn event(action: Action, token: &RegistrationToken, application: &Application) -> Event {
    Event::of_application(action, application).with("registration_token", token.id.to_string())
}
