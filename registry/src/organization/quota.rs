//! How much an organization may have. What is counted is counted along, in the transaction that adds to it, so a limit is
//! exact and costs one row to check.

use super::Organization;
use crate::{
    environment::Environment,
    error::{Conflict, Error, Kind},
    ids::OrganizationId,
    store::WriteTransaction,
};

/// How much there may be of each; `None`: as much as is wanted, or, of an organization, as is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of applications.
    pub applications: Option<u64>,
    /// Of credentials.
    pub credentials: Option<u64>,
    /// Of valid tokens.
    pub tokens: Option<u64>,
}

/// What there is a limit on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Applications.
    Applications,
    /// Credentials.
    Credentials,
    /// Valid tokens.
    Tokens,
}

impl Resource {
    /// The word for them.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applications => "applications",
            Self::Credentials => "credentials",
            Self::Tokens => "valid tokens",
        }
    }

    /// The field of an organization that limits it.
    #[must_use]
    pub const fn limit_field(self) -> &'static str {
        match self {
            Self::Applications => "max_applications",
            Self::Credentials => "max_credentials",
            Self::Tokens => "max_tokens",
        }
    }
}

/// Refuses one more application than the organization may have.
pub(crate) async fn admit_application(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    id: OrganizationId,
) -> Result<(), Error> {
    let organization = existing(write, id).await?;
    let most = organization.quotas.applications.or(env.quotas.applications);
    check(Resource::Applications, organization.applications, most)
}

/// Refuses one more credential than the organization may have.
pub(crate) async fn admit_credential(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    id: OrganizationId,
) -> Result<(), Error> {
    let organization = existing(write, id).await?;
    let most = organization.quotas.credentials.or(env.quotas.credentials);
    check(Resource::Credentials, organization.credentials, most)
}

/// Refuses one more valid token than the organization may have.
pub(crate) async fn admit_token(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    id: OrganizationId,
) -> Result<(), Error> {
    let organization = existing(write, id).await?;
    let Some(most) = organization.quotas.tokens.or(env.quotas.tokens) else {
        return Ok(());
    };
    // No more are counted than are needed to say no.
    let counted = usize::try_from(most).unwrap_or(usize::MAX);
    let tokens = write.valid_tokens(id, env.now(), counted).await?;
    check(Resource::Tokens, tokens, Some(most))
}

/// An organization may be gone since its token was checked.
async fn existing(
    write: &mut dyn WriteTransaction,
    id: OrganizationId,
) -> Result<Organization, Error> {
    let found = write.organization(id).await?;
    found.ok_or(Error::NotFound(Kind::Organization))
}

fn check(resource: Resource, there_are: u64, most: Option<u64>) -> Result<(), Error> {
    match most {
        Some(most) if there_are >= most => Err(Conflict::LimitReached { resource, most }.into()),
        _ => Ok(()),
    }
}
