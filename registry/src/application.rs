//! Applications: the programs that call APIs, and what their credentials may do.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    caller::Caller,
    clock::Timestamp,
    credential::Issued,
    edit::Edit,
    environment::Environment,
    error::{Error, Kind},
    ids::{ApplicationId, CredentialId, OrganizationId},
    label::Labels,
    listing::{Listing, MAX_LIMIT},
    owner::Owner,
    scope::Scopes,
    store::ReadTransaction,
};

mod again;
mod create;
mod default;
mod delete;
mod grant;
mod update;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use again::switch_again;
pub(crate) use create::add;
pub(crate) use delete::remove;
pub(crate) use update::{change, settle_credentials};

pub use create::create;
pub use default::set_default_credential;
pub use delete::delete;
pub use update::update;

/// A program that calls APIs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which developers of the organization see it; `None`: none of them.
    pub owner: Option<Owner>,
    /// By which the feed refers to it. Never used again, also not after its deletion.
    pub number: u32,
    /// What the upstream sees as `X-Consumer-Username`.
    pub name: String,
    /// What the upstream sees as `X-Consumer-Custom-ID`.
    pub custom_id: Option<String>,
    /// For people.
    pub description: String,
    /// For people.
    pub labels: Labels,
    /// What its credentials may carry.
    pub scopes: Scopes,
    /// Where its credentials work.
    pub reach: Reach,
    /// Whether its credentials are honoured.
    pub enabled: bool,
    /// Whether it must have a default API key.
    pub default_key: DefaultKey,
    /// Its default credential.
    pub default_credential: Option<CredentialId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Rises with each change.
    pub version: u64,
}

/// Whether an application must have a default API key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultKey {
    /// It has none.
    #[default]
    None,
    /// It always has one, which is honoured.
    Required,
}

/// In which gateway groups an application's credentials work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In every automatic group, also those created later.
    Automatic,
    /// In exactly these, by name.
    Listed(BTreeSet<String>),
}

/// What [`create()`] needs to know.
#[derive(Clone, Debug)]
pub struct NewApplication {
    /// 1 to 256 of letters, digits, `_` and `-`.
    pub name: String,
    /// Which developers see it; by default those of the developer's own owner who makes it.
    pub owner: Option<String>,
    /// 1 to 256 visible ASCII characters.
    pub custom_id: Option<String>,
    /// At most 1024 characters.
    pub description: String,
    /// At most 64.
    pub labels: BTreeMap<String, String>,
    /// Scope tokens.
    pub scopes: Vec<String>,
    /// Names of gateway groups; `None` for every automatic one.
    pub gateway_groups: Option<Vec<String>>,
    /// Whether its credentials are honoured.
    pub enabled: bool,
    /// Whether it must have a default API key, which is then made with it.
    pub default_key: DefaultKey,
}

/// What [`create()`] has made.
#[derive(Clone, Debug)]
pub struct Created {
    /// The application.
    pub application: Application,
    /// Its default credential with the secret, which is shown this once.
    pub default_credential: Option<Issued>,
}

/// What [`update()`] changes.
#[derive(Clone, Debug, Default)]
pub struct ApplicationPatch {
    /// The next name. The old one stays reserved for the organization.
    pub name: Option<String>,
    /// The next owner.
    pub owner: Edit<Option<String>>,
    /// The next custom id.
    pub custom_id: Edit<Option<String>>,
    /// The next description.
    pub description: Option<String>,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// All scopes. One that a credential carries cannot go.
    pub scopes: Option<Vec<String>>,
    /// All gateway groups.
    pub gateway_groups: Edit<Option<Vec<String>>>,
    /// Whether its credentials are honoured.
    pub enabled: Option<bool>,
    /// Whether it must have a default API key.
    pub default_key: Option<DefaultKey>,
    /// Which of its API keys is the default.
    pub default_credential: Option<CredentialId>,
}

/// Which applications to list.
#[derive(Clone, Debug, Default)]
pub struct ApplicationQuery {
    /// Those created after this one.
    pub after: Option<ApplicationId>,
    /// At most this many.
    pub limit: usize,
    /// Only the one with this name.
    pub name: Option<String>,
    /// Only those of this owner.
    pub owner: Option<Owner>,
}

/// Reads one application.
pub async fn get(
    env: &Environment,
    caller: Caller,
    id: ApplicationId,
) -> Result<Application, Error> {
    let mut read = env.store.read().await?;
    find(read.as_mut(), caller, id).await
}

/// Lists applications in order of creation.
pub async fn list(
    env: &Environment,
    caller: Caller,
    mut query: ApplicationQuery,
) -> Result<Listing<Application>, Error> {
    let limit = query.limit.clamp(1, MAX_LIMIT);
    query.limit = limit.saturating_add(1);
    let mut read = env.store.read().await?;
    query.owner = caller.owner();
    Ok(Listing::cut(
        read.applications(caller.organization, &query).await?,
        limit,
    ))
}

/// The application, unless the caller does not see it, which is as if it did not exist: it is another organization's, or
/// another owner's than the developer's who asks. Every use case finds applications by this, in its own transaction.
pub(crate) async fn find(
    read: &mut dyn ReadTransaction,
    caller: Caller,
    id: ApplicationId,
) -> Result<Application, Error> {
    read.application(id)
        .await?
        .filter(|application| caller.sees(application))
        .ok_or(Error::NotFound(Kind::Application))
}
