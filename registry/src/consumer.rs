//! Applications and their credentials as programs know them that were written for APISIX: consumers, each replaced as a
//! whole, and secrets that are masked and never shown.
//!
//! A consumer is an application. A credential of its own is a credential, by its identifier. A plugin on the consumer
//! itself is a credential too, whose identifier is [`Method::own_identifier`]. API keys and HTTP Basic exist here and
//! nothing else: other credentials of the application are left alone, and not shown.

use crate::{
    application::{self, Application},
    caller::Caller,
    credential::{Credential, CredentialType},
    error::{Error, Kind},
    gateway::{self, GatewayGroup},
    ids::GroupId,
    secret::{Part, Secret, SecretState},
    secrets::SecretText,
    store::ReadTransaction,
};

mod delete;
mod list;
mod mask;
mod plan;
mod put;
mod put_credential;

#[cfg(test)]
mod tests;

pub use delete::{delete, delete_credential};
pub use list::{ListQuery, Listed, credentials, list};
pub use put::{NewConsumer, put};
pub use put_credential::{NewHeld, put_credential};

/// How a consumer proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With an API key.
    KeyAuth,
    /// With HTTP Basic.
    BasicAuth,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::KeyAuth, Self::BasicAuth];

    /// What APISIX calls the plugin.
    #[must_use]
    pub const fn plugin(self) -> &'static str {
        match self {
            Self::KeyAuth => "key-auth",
            Self::BasicAuth => "basic-auth",
        }
    }

    /// The identifier of the credential that a consumer has by a plugin of its own.
    #[must_use]
    pub const fn own_identifier(self) -> &'static str {
        match self {
            Self::KeyAuth => "consumer.key-auth",
            Self::BasicAuth => "consumer.basic-auth",
        }
    }

    /// Of credentials of this type; `None` for those that do not exist here.
    #[must_use]
    pub const fn of(kind: CredentialType) -> Option<Self> {
        match kind {
            CredentialType::ApiKey => Some(Self::KeyAuth),
            CredentialType::Basic => Some(Self::BasicAuth),
            CredentialType::BearerToken | CredentialType::OauthClient => None,
        }
    }
}

/// A plugin as a caller sends it. The secret may be a mask, which stands for what is kept.
#[derive(Clone, Debug)]
pub enum Plugin {
    /// An API key of the caller's own.
    KeyAuth {
        /// The key.
        key: SecretText,
    },
    /// HTTP Basic.
    BasicAuth {
        /// Unique in the installation.
        username: String,
        /// The password.
        password: SecretText,
    },
}

impl Plugin {
    /// Which one it is.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::KeyAuth { .. } => Method::KeyAuth,
            Self::BasicAuth { .. } => Method::BasicAuth,
        }
    }
}

/// A consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its application.
    pub application: Application,
    /// What it has by plugins of its own.
    pub plugins: Vec<Held>,
}

/// A credential, with what stands for its secret.
#[derive(Clone, Debug)]
pub struct Held {
    /// The credential.
    pub credential: Credential,
    /// How it is presented.
    pub method: Method,
    /// What is shown instead of its current secret, and means it when it is sent back.
    pub mask: String,
}

/// What became of something that is there now as it was sent.
#[derive(Clone, Debug)]
pub struct Put<T> {
    /// As it is.
    pub value: T,
    /// Whether it was not there before.
    pub created: bool,
}

/// Reads one consumer.
pub async fn get(
    env: &crate::environment::Environment,
    caller: Caller,
    name: &str,
    group: Option<&str>,
) -> Result<Consumer, Error> {
    let mut read = env.store.read().await?;
    known_group(read.as_mut(), group).await?;
    let application = find(read.as_mut(), caller, name).await?;
    let application = application.ok_or(Error::NotFound(Kind::Application))?;
    view(read.as_mut(), application).await
}

/// Reads one credential of a consumer; where a group is named, if it is honoured there.
pub async fn get_credential(
    env: &crate::environment::Environment,
    caller: Caller,
    (name, identifier): (&str, &str),
    group: Option<&str>,
) -> Result<Held, Error> {
    let mut read = env.store.read().await?;
    let group = known_group(read.as_mut(), group).await?;
    let (application, held) = find_held(read.as_mut(), caller, (name, identifier)).await?;
    if let Some(group) = group {
        let groups = crate::deployment::groups_of(read.as_mut(), &application, &held.credential);
        if !groups.await?.iter().any(|one| one.id == group.id) {
            return Err(Error::NotFound(Kind::Credential));
        }
    }
    Ok(held)
}

/// The application with this name, unless it is another organization's, which is as if it did not exist.
async fn find(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    name: &str,
) -> Result<Option<Application>, Error> {
    let Some(id) = read.application_named(name).await? else {
        return Ok(None);
    };
    match application::find(read, caller, id).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A credential that is not a plugin of the consumer itself, with its application.
async fn find_held(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    (name, identifier): (&str, &str),
) -> Result<(Application, Held), Error> {
    let application = find(read, caller, name).await?;
    let application = application.ok_or(Error::NotFound(Kind::Application))?;
    let missing = || Error::NotFound(Kind::Credential);
    if is_own(identifier) {
        return Err(missing());
    }
    let held = held(read, &application, identifier).await?;
    Ok((application, held.ok_or_else(missing)?.0))
}

/// Whether the identifier is kept for the plugins of consumers themselves.
#[must_use]
pub fn is_own(identifier: &str) -> bool {
    Method::ALL
        .iter()
        .any(|method| method.own_identifier() == identifier)
}

/// The application's credential with this identifier, if it exists here, and its current secret, if it has one.
async fn held(
    read: &mut dyn ReadTransaction,
    application: &Application,
    identifier: &str,
) -> Result<Option<(Held, Option<Secret>)>, Error> {
    let id = read.credential_identified(application.id, identifier);
    let Some(id) = id.await? else {
        return Ok(None);
    };
    let Some(credential) = read.credential(id).await? else {
        return Ok(None);
    };
    let secrets = read.unrevoked_secrets(id).await?;
    Ok(with_mask(credential, secrets))
}

/// `None` for a credential that does not exist here.
fn with_mask(credential: Credential, secrets: Vec<Secret>) -> Option<(Held, Option<Secret>)> {
    let method = Method::of(credential.kind)?;
    let current = secrets
        .into_iter()
        .find(|secret| secret.part == Part::Value && secret.state == SecretState::Current);
    let held = Held {
        credential,
        method,
        mask: mask::of(current.as_ref()),
    };
    Some((held, current))
}

async fn view(read: &mut dyn ReadTransaction, application: Application) -> Result<Consumer, Error> {
    let mut plugins = Vec::new();
    for method in Method::ALL {
        let found = held(read, &application, method.own_identifier()).await?;
        plugins.extend(
            found
                .map(|(held, _)| held)
                .filter(|held| held.method == method),
        );
    }
    Ok(Consumer {
        application,
        plugins,
    })
}

/// The group with this name or id, where one is named.
async fn known_group(
    read: &mut dyn ReadTransaction,
    named: Option<&str>,
) -> Result<Option<GatewayGroup>, Error> {
    match named {
        None => Ok(None),
        Some(text) => match text.parse::<GroupId>() {
            Ok(id) => gateway::find(read, id).await.map(Some),
            Err(_) => gateway::named(read, text).await.map(Some),
        },
    }
}
