//! Creating a credential.

use super::{
    Credential, CredentialDetail, CredentialType, Deploy, Issued, NewCredential, NewSecret,
    SecretType,
    issue::{self, Minted},
    lifetime, schedule, value,
};
use crate::{
    application::Application,
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    deployment::{self, Digesters},
    environment::Environment,
    error::{Error, InvalidField},
    idempotency::{self, Receipt},
    ids::{CredentialId, OrganizationId, SecretId},
    label::{self, Labels},
    organization,
    scope::Scopes,
    secret_policy::check_username,
    store::WriteTransaction,
};

/// Creates a credential with its first secret, which works at once everywhere the application is admitted.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewCredential,
    receipt: Option<Receipt<Changed<Issued>>>,
) -> Result<Changed<Issued>, Error> {
    let application = new.application;
    // Before the transaction: hashing a password is slow.
    let draft = Draft::of(env, caller.organization, new).await?;

    let mut write = env.store.write().await?;
    let application = crate::application::find(write.as_mut(), caller, application).await?;
    let issued = draft
        .insert(env, write.as_mut(), caller, &application)
        .await?;
    let issued = Changed::of(write.as_mut(), issued).await?;
    idempotency::keep(receipt, env, write.as_mut(), &issued).await?;
    env.commit(write).await?;
    Ok(issued)
}

/// A credential that is planned: everything but its secret, checked as far as it can be by itself.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// As it will be, but for what only the application decides.
    pub(crate) credential: Credential,
    /// Some of the application's.
    pub(crate) scopes: Vec<String>,
    gateway_groups: Vec<String>,
}

impl Plan {
    pub(crate) fn of(
        env: &Environment,
        organization: OrganizationId,
        new: NewCredential,
    ) -> Result<(Self, NewSecret), Error> {
        let now = env.now();
        let id = CredentialId::generate(now, env.entropy.as_ref())?;
        check_secret(env, &new)?;
        let kind = new.secret.kind();
        let identifier = new.identifier.map(value::identifier).transpose()?;
        let expires_at = lifetime::first(env, kind, new.expires_at, now)?;
        value::period(kind, new.not_before, expires_at, now)?;
        let credential = Credential {
            id,
            organization,
            application: new.application,
            kind,
            name: value::name(new.name)?,
            identifier: identifier.unwrap_or_else(|| id.to_string()),
            username: None,
            description: label::description(new.description)?,
            labels: Labels::parse(new.labels)?,
            enabled: new.enabled,
            not_before: new.not_before,
            expires_at,
            scopes: Scopes::default(),
            deploy: match &new.gateway_groups {
                None => Deploy::Automatic,
                Some(_) => Deploy::Chosen,
            },
            is_paired: new.is_paired,
            secret_type: new.secret_type,
            secret_version: 0,
            rotate_every: schedule::every(new.rotate_every)?,
            rotated_at: now,
            tokens_valid_from: None,
            last_used_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        let plan = Self {
            credential,
            scopes: new.scopes,
            gateway_groups: new.gateway_groups.unwrap_or_default(),
        };
        Ok((plan, new.secret))
    }

    /// Whether the application could have it now. Whatever it is asked, it is asked again when the credential is kept.
    pub(crate) async fn check(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        application: &Application,
    ) -> Result<(), Error> {
        value::scopes(self.scopes.clone(), application)?;
        value::check_names_are_free(write, &self.credential).await?;
        organization::admit_credential(env, write, self.credential.organization).await
    }

    /// The same with a secret.
    pub(crate) fn with(self, minted: Minted) -> Draft {
        Draft {
            plan: self,
            minted,
            shared: None,
        }
    }
}

/// A credential with its secrets that is not kept yet.
pub(crate) struct Draft {
    plan: Plan,
    minted: Minted,
    shared: Option<Minted>,
}

impl Draft {
    pub(crate) async fn of(
        env: &Environment,
        organization: OrganizationId,
        new: NewCredential,
    ) -> Result<Self, Error> {
        let (mut plan, secret) = Plan::of(env, organization, new)?;
        let minted = mint(env, secret).await?;
        plan.credential.username.clone_from(&minted.username);
        let is_paired = plan.credential.is_paired;
        let shared = is_paired.then(|| issue::shared(env)).transpose()?;
        Ok(Self {
            plan,
            minted,
            shared,
        })
    }

    /// Keeps it as a credential of the application, and deploys it.
    pub(crate) async fn insert(
        self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        caller: Caller,
        application: &Application,
    ) -> Result<Issued, Error> {
        let (issued, _) = self.insert_secret(env, write, caller, application).await?;
        Ok(issued)
    }

    /// The same, and which secret it has.
    pub(crate) async fn insert_secret(
        self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        caller: Caller,
        application: &Application,
    ) -> Result<(Issued, SecretId), Error> {
        self.minted.check_may_be_own(caller)?;
        self.plan.check(env, write, application).await?;
        let mut credential = self.plan.credential;
        credential.application = application.id;
        let id = credential.id;
        credential.scopes = value::scopes(self.plan.scopes, application)?;
        credential.secret_version = if self.shared.is_some() { 2 } else { 1 };
        write.insert_credential(&credential).await?;
        deployment::choose(write, application, id, &self.plan.gateway_groups).await?;
        let secret = self.minted.keep(env, write, &credential, 1).await?;
        if let Some(shared) = &self.shared {
            shared.keep(env, write, &credential, 2).await?;
        }
        issue::settle_usernames(env, write, id).await?;
        let digesters = Digesters::load(write, &env.keys).await?;
        deployment::settle(write, &env.keys, &digesters, &credential, env.now()).await?;
        let event = Event::of_credential(Action::CredentialCreated, &credential).made(&credential);
        audit::note(env, write, caller, event).await?;
        let secrets = write.unrevoked_secrets(id).await?;
        let issued = Issued {
            detail: CredentialDetail::new(env, credential, &secrets, env.now()),
            secret: self.minted.shown,
            shared_secret: self.shared.and_then(|shared| shared.shown),
        };
        Ok((issued, secret))
    }
}

fn check_secret(env: &Environment, new: &NewCredential) -> Result<(), InvalidField> {
    if new.is_paired && new.secret.kind() != CredentialType::ApiKey {
        return Err(InvalidField::new(
            "shared_secret",
            "is only for type api_key",
        ));
    }
    if new.secret_type == SecretType::Hashed {
        return Ok(());
    }
    let refused = |message: &str| Err(InvalidField::new("secret_type", message));
    if matches!(new.secret, NewSecret::Registered) {
        return refused("must be hashed for an OAuth client: its secret is the provider's to keep");
    }
    if matches!(new.secret, NewSecret::ChosenPassword { .. }) {
        return refused("must be hashed for a password that somebody chose");
    }
    if !env.policy.retrievable_allowed {
        return refused(
            "can only be retrievable where the setting allow_retrievable_secrets is true",
        );
    }
    Ok(())
}

async fn mint(env: &Environment, secret: NewSecret) -> Result<Minted, Error> {
    let kind = secret.kind();
    match secret {
        // What is registered has its own way, by which no secret comes here: this refuses it.
        NewSecret::GeneratedApiKey | NewSecret::BearerToken | NewSecret::Registered => {
            issue::generated(env, kind, None)
        }
        NewSecret::OwnApiKey(value) => issue::own(env, value),
        NewSecret::GeneratedPassword { username } => {
            issue::generated(env, kind, Some(check_username(username)?))
        }
        NewSecret::ChosenPassword { username, password } => {
            issue::chosen(env, check_username(username)?, password).await
        }
    }
}

impl NewSecret {
    /// The type of credential that has such a secret.
    #[must_use]
    pub const fn kind(&self) -> CredentialType {
        match self {
            Self::GeneratedApiKey | Self::OwnApiKey(_) => CredentialType::ApiKey,
            Self::GeneratedPassword { .. } | Self::ChosenPassword { .. } => CredentialType::Basic,
            Self::BearerToken => CredentialType::BearerToken,
            Self::Registered => CredentialType::OauthClient,
        }
    }
}
