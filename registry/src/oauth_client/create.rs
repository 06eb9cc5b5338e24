//! Creating a credential that is an OAuth client.

use super::{OauthClient, builtin, link, metadata::ClientMetadata, register};
use crate::{
    application::Application,
    caller::Caller,
    change::Changed,
    credential::{self, Issued, NewCredential, Plan},
    environment::Environment,
    error::{Conflict, Error, InvalidField},
    idempotency::Receipt,
    oauth::TokenFormat,
    oauth_client::{Management, Registration},
    provider::{Provider, ProviderKind},
    secrets::SecretText,
    store::{ReadTransaction, WriteTransaction},
};

/// The provider that exists from the start.
const BUILTIN: &str = "builtin";

/// What an OAuth client is to be, beside what every credential is.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// The id or the name of its provider; `None` for the built-in one.
    pub provider: Option<String>,
    /// Where it comes from.
    pub wanted: Wanted,
}

/// Where a client comes from.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The registry registers it, and looks after it.
    Managed(Box<ClientMetadata>, Option<TokenFormat>),
    /// Somebody has registered it, and goes on to look after it.
    External {
        /// Its name at the provider.
        client_id: String,
        /// Its secret, by which the caller proves that the client is theirs. Never kept.
        client_secret: Option<SecretText>,
    },
}

/// Creates a credential that is an OAuth client: registers it, or links one that is registered.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: (NewCredential, NewClient),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    env.complete(async move |env| create_in_full(&env, caller, new, receipt).await)
        .await
}

pub(super) async fn create_in_full(
    env: &Environment,
    caller: Caller,
    (new, client): (NewCredential, NewClient),
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let provider = {
        let mut read = env.store.read().await?;
        provider_of(read.as_mut(), client.provider.as_deref()).await?
    };
    let (mut plan, _) = Plan::of(env, caller.organization, new)?;
    match client.wanted {
        Wanted::Managed(metadata, format) if provider.kind == ProviderKind::Builtin => {
            let metadata = complete(&mut plan, *metadata)?;
            let what = (&provider, metadata, format.unwrap_or_default());
            builtin::register(env, caller, plan, what, receipt).await
        }
        Wanted::Managed(_, Some(_)) => Err(format_is_fixed().into()),
        Wanted::Managed(metadata, None) => {
            let metadata = complete(&mut plan, *metadata)?;
            register::register(env, caller, plan, (&provider, metadata), receipt).await
        }
        Wanted::External {
            client_id,
            client_secret,
        } => {
            link::link(
                env,
                caller,
                plan,
                &provider,
                (client_id, client_secret),
                receipt,
            )
            .await
        }
    }
}

/// What access tokens are like is nobody's choice elsewhere.
pub(super) fn format_is_fixed() -> InvalidField {
    let message = "can only be chosen at the built-in identity provider";
    InvalidField::new("client.access_token_format", message)
}

/// The metadata with what they leave to the credential, and the other way round, as far as they can be checked by
/// themselves.
pub(super) fn complete(
    plan: &mut Plan,
    mut metadata: ClientMetadata,
) -> Result<ClientMetadata, InvalidField> {
    if metadata.client_name.is_none() {
        metadata.client_name = Some(plan.credential.name.clone());
    }
    let wished = metadata.scope.as_deref().unwrap_or_default();
    let wished: Vec<String> = wished.split(' ').map(ToOwned::to_owned).collect();
    match (&metadata.scope, plan.scopes.is_empty()) {
        (Some(_), true) => plan.scopes = wished,
        (Some(_), false) => check_scope(&wished, |scope| plan.scopes.iter().any(|it| it == scope))?,
        (None, true) => {}
        (None, false) => metadata.scope = Some(plan.scopes.join(" ")),
    }
    metadata.check()?;
    Ok(metadata)
}

/// Refuses what the credential does not have: no token with it would be good for it.
pub(super) fn check_scope(
    wished: &[String],
    is_had: impl Fn(&str) -> bool,
) -> Result<(), InvalidField> {
    if wished.iter().all(|scope| is_had(scope)) {
        return Ok(());
    }
    let message = "must be some of the credential's scopes, separated by spaces";
    Err(InvalidField::new("client.scope", message))
}

/// The provider of this id or name.
pub(super) async fn provider_of(
    read: &mut dyn ReadTransaction,
    wished: Option<&str>,
) -> Result<Provider, Error> {
    let wished = wished.unwrap_or(BUILTIN);
    let found = match wished.parse() {
        Ok(id) => read.provider(id).await?,
        Err(_) => read.provider_named(wished).await?,
    };
    let provider = found.ok_or_else(|| {
        let message = "must be the id or the name of an identity provider";
        InvalidField::new("provider", message)
    })?;
    if provider.enabled {
        Ok(provider)
    } else {
        Err(Conflict::ProviderDisabled.into())
    }
}

/// A client as it is registered now.
pub(super) struct Known {
    pub(super) client_id: String,
    pub(super) secret: Option<SecretText>,
    pub(super) registration: Registration,
    /// In JSON.
    pub(super) metadata: String,
    pub(super) management: Option<Management>,
}

/// What the provider's tokens say in `iss`.
pub(super) fn issuer(provider: &Provider) -> Result<&str, Error> {
    let issuer = provider.issuer.as_deref();
    Ok(issuer.ok_or_else(|| {
        let message =
            "has no issuer: set public_url, by which the built-in identity provider is known";
        InvalidField::new("provider", message)
    })?)
}

/// Keeps the client as the credential that was planned, and has gateways accept its tokens.
pub(super) async fn keep(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    (application, plan): (&Application, Plan),
    (provider, known): (&Provider, Known),
) -> Result<Issued, Error> {
    let issuer = issuer(provider)?;
    check_is_free(write, issuer, &known.client_id).await?;
    let minted = credential::registered(issuer, &known.client_id, known.secret);
    let draft = plan.with(minted);
    let (mut issued, secret) = draft.insert_secret(env, write, caller, application).await?;
    let now = env.now();
    let sealed = match known.management {
        None => None,
        Some(management) => Some(management.seal(env, write, secret).await?),
    };
    let client = OauthClient {
        secret,
        credential: issued.detail.credential.id,
        provider: provider.id,
        issuer: issuer.to_owned(),
        client_id: known.client_id,
        registration: known.registration,
        metadata: known.metadata,
        sealed,
        created_at: now,
        updated_at: now,
        ended_at: None,
    };
    write.insert_oauth_client(&client).await?;
    issued.detail = issued.detail.with_clients(write).await?;
    Ok(issued)
}

/// Refuses a client that a credential has: whose, is never said.
pub(super) async fn check_is_free(
    write: &mut dyn WriteTransaction,
    issuer: &str,
    client_id: &str,
) -> Result<(), Error> {
    match write.oauth_client_known_as(issuer, client_id).await? {
        None => Ok(()),
        Some(_) => Err(Conflict::Client.into()),
    }
}
