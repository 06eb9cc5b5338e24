//! Creating credentials with secrets that existed before, many in one transaction.
//!
//! To import the same again changes nothing, so an import that was interrupted is simply repeated.

use std::collections::BTreeMap;

use filter_core::digest::SecretHash;

use super::{
    Credential, CredentialType, Deploy, SecretType,
    issue::{self, Minted},
    lifetime, value,
};
use crate::{
    application::{self, Application, DefaultKey, NewApplication},
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    deployment::{self, Digesters},
    environment::Environment,
    error::{Error, Kind},
    ids::CredentialId,
    label::{self, Labels},
    organization,
    password::PhcString,
    scope::Scopes,
    secret_policy::check_username,
    secrets::SecretText,
    store::WriteTransaction,
};

mod compare;

#[cfg(test)]
mod tests;

/// A credential to be created with a secret that existed before. What is not stated gets its default.
#[derive(Clone, Debug)]
pub struct Import {
    /// The name of its application.
    pub application: String,
    /// Whether the application is created if there is none of this name: with the scopes of this credential.
    pub create_application: bool,
    /// Unique within the application.
    pub name: String,
    /// Its type, and its secret.
    pub secret: ImportedSecret,
    /// By default the id.
    pub identifier: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// For people.
    pub labels: Option<BTreeMap<String, String>>,
    /// Some of the application's.
    pub scopes: Option<Vec<String>>,
    /// Whether it is honoured; by default it is.
    pub enabled: Option<bool>,
    /// From when it is honoured.
    pub not_before: Option<Timestamp>,
    /// Until when it is honoured; in the future. A bearer token must have it.
    pub expires_at: Option<Timestamp>,
}

/// An imported credential's type, and its secret.
#[derive(Clone, Debug)]
pub enum ImportedSecret {
    /// An API key.
    ApiKey(ImportedValue),
    /// A bearer token.
    BearerToken(ImportedValue),
    /// HTTP Basic.
    Password {
        /// Unique in the installation.
        username: String,
        /// The password.
        password: ImportedPassword,
    },
}

/// A value that is imported.
#[derive(Clone, Debug)]
pub enum ImportedValue {
    /// The value itself.
    Plain(SecretText),
    /// Its SHA-256: nothing can be said of how strong the value is.
    Hashed(SecretHash),
}

/// A password that is imported.
#[derive(Clone, Debug)]
pub enum ImportedPassword {
    /// The password itself.
    Plain(SecretText),
    /// What another program made of it.
    Hashed(PhcString),
}

/// What came of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It exists from now on.
    Created(CredentialId),
    /// It existed already, with this secret.
    Unchanged(CredentialId),
}

/// One that is checked as far as it can be by itself.
struct Ready {
    import: Import,
    minted: Minted,
    identifier: Option<String>,
    description: Option<String>,
    labels: Option<Labels>,
    scopes: Option<Scopes>,
}

/// Imports credentials in one transaction. One that fails changes nothing, and the others are imported all the same; they
/// are durable when this returns. An error of the whole means that none was.
///
/// Once begun it is done, also when nobody waits for it any more.
pub async fn import(
    env: &Environment,
    caller: Caller,
    imports: Vec<Import>,
) -> Result<Vec<Result<Imported, Error>>, Error> {
    env.complete(async move |env| import_in_full(&env, caller, imports).await)
        .await
}

async fn import_in_full(
    env: &Environment,
    caller: Caller,
    imports: Vec<Import>,
) -> Result<Vec<Result<Imported, Error>>, Error> {
    // Before the transaction: hashing passwords is slow.
    let mut ready = Vec::with_capacity(imports.len());
    for import in imports {
        ready.push(prepare(env, import).await);
    }
    let mut write = env.store.write().await?;
    let digesters = Digesters::load(write.as_mut(), &env.keys).await?;
    let mut outcomes = Vec::with_capacity(ready.len());
    for ready in ready {
        let outcome = match ready {
            Ok(ready) => take(env, write.as_mut(), &digesters, caller, ready).await,
            Err(error) => Err(error),
        };
        match outcome {
            Err(error) if !is_of_one_alone(&error) => return Err(error),
            outcome => outcomes.push(outcome),
        }
    }
    env.commit(write).await?;
    Ok(outcomes)
}

/// Whether others can be imported all the same: the checks come before anything is written.
const fn is_of_one_alone(error: &Error) -> bool {
    matches!(
        error,
        Error::Invalid(_)
            | Error::NotAllowed(_)
            | Error::Conflict(_)
            | Error::NotFound(_)
            | Error::Busy
    )
}

async fn prepare(env: &Environment, mut import: Import) -> Result<Ready, Error> {
    import.name = value::name(import.name)?;
    let identifier = import
        .identifier
        .take()
        .map(value::identifier)
        .transpose()?;
    let description = import.description.take();
    let description = description.map(label::description).transpose()?;
    let labels = import.labels.take().map(Labels::parse).transpose()?;
    let scopes = import.scopes.take();
    let scopes = scopes
        .map(|scopes| Scopes::parse("scopes", scopes))
        .transpose()?;
    let minted = mint(env, import.secret.clone()).await?;
    Ok(Ready {
        import,
        minted,
        identifier,
        description,
        labels,
        scopes,
    })
}

async fn mint(env: &Environment, secret: ImportedSecret) -> Result<Minted, Error> {
    match secret {
        ImportedSecret::ApiKey(value) | ImportedSecret::BearerToken(value) => match value {
            ImportedValue::Plain(value) => issue::own(env, value),
            ImportedValue::Hashed(hash) => Ok(Minted::of_hash(hash)),
        },
        ImportedSecret::Password { username, password } => {
            let username = check_username(username)?;
            match password {
                ImportedPassword::Plain(password) => issue::chosen(env, username, password).await,
                ImportedPassword::Hashed(phc) => Ok(Minted::of_foreign(env, username, phc)),
            }
        }
    }
}

/// Creates the credential, or finds that it exists. Nothing is written before everything is checked.
async fn take(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    digesters: &Digesters,
    caller: Caller,
    ready: Ready,
) -> Result<Imported, Error> {
    let application = application_of(write, caller, &ready.import).await?;
    if let Some(application) = &application {
        let existing = write
            .credential_named(application.id, &ready.import.name)
            .await?;
        if let Some(id) = existing {
            ready.check_is_same(env, write, id).await?;
            return Ok(Imported::Unchanged(id));
        }
    }
    let (kind, import, now) = (ready.import.secret.kind(), &ready.import, env.now());
    let expires_at = lifetime::first(env, kind, import.expires_at, now)?;
    value::period(kind, import.not_before, expires_at, now)?;
    issue::check_username_is_free(env, write, ready.minted.username.as_deref()).await?;
    ready.minted.check_is_unknown(env, write).await?;
    (ready.minted)
        .check_lookup_is_free(write, digesters, kind)
        .await?;
    // Before an application is made for it.
    organization::admit_credential(env, write, caller.organization).await?;
    let application = match application {
        Some(application) => application,
        None => create_application(env, write, caller, &ready).await?,
    };
    let credential = ready.credential(env, &application, expires_at, now)?;
    value::check_names_are_free(write, &credential).await?;

    write.insert_credential(&credential).await?;
    let version = credential.secret_version;
    ready.minted.keep(env, write, &credential, version).await?;
    issue::settle_usernames(env, write, credential.id).await?;
    deployment::settle(write, &env.keys, digesters, &credential, env.now()).await?;
    let event = Event::of_credential(Action::CredentialImported, &credential).made(&credential);
    audit::note(env, write, caller, event).await?;
    Ok(Imported::Created(credential.id))
}

/// The application, or `None` if it is to be created.
async fn application_of(
    write: &mut dyn WriteTransaction,
    caller: Caller,
    import: &Import,
) -> Result<Option<Application>, Error> {
    let found = match write.application_named(&import.application).await? {
        Some(id) => application::find(write, caller, id).await.map(Some),
        None => Err(Error::NotFound(Kind::Application)),
    };
    match found {
        // Of a name that somebody else has, it is said when the application is created.
        Err(Error::NotFound(_)) if import.create_application => Ok(None),
        found => found,
    }
}

async fn create_application(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    ready: &Ready,
) -> Result<Application, Error> {
    let scopes = ready.scopes.iter().flat_map(Scopes::iter);
    let new = NewApplication {
        name: ready.import.application.clone(),
        owner: None,
        custom_id: None,
        description: String::new(),
        labels: BTreeMap::new(),
        scopes: scopes.map(ToOwned::to_owned).collect(),
        gateway_groups: None,
        enabled: true,
        default_key: DefaultKey::None,
    };
    let created = application::add(env, write, caller, new).await?;
    Ok(created.application)
}

impl Ready {
    fn credential(
        &self,
        env: &Environment,
        application: &Application,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Credential, Error> {
        let id = CredentialId::generate(now, env.entropy.as_ref())?;
        let scopes = self.scopes.iter().flat_map(Scopes::iter);
        let scopes = scopes.map(ToOwned::to_owned).collect();
        Ok(Credential {
            id,
            organization: application.organization,
            application: application.id,
            kind: self.import.secret.kind(),
            name: self.import.name.clone(),
            identifier: self.identifier.clone().unwrap_or_else(|| id.to_string()),
            username: self.minted.username.clone(),
            description: self.description.clone().unwrap_or_default(),
            labels: self.labels.clone().unwrap_or_default(),
            enabled: self.import.enabled.unwrap_or(true),
            not_before: self.import.not_before,
            expires_at,
            scopes: value::scopes(scopes, application)?,
            deploy: Deploy::default(),
            is_paired: false,
            secret_type: SecretType::Hashed,
            secret_version: 1,
            rotate_every: None,
            rotated_at: now,
            tokens_valid_from: None,
            last_used_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }
}

impl ImportedSecret {
    /// The type of credential that has such a secret.
    #[must_use]
    pub const fn kind(&self) -> CredentialType {
        match self {
            Self::ApiKey(_) => CredentialType::ApiKey,
            Self::BearerToken(_) => CredentialType::BearerToken,
            Self::Password { .. } => CredentialType::Basic,
        }
    }
}
