//! Creating, changing and deleting organizations.

use super::{DEFAULT, NewOrganization, Organization, OrganizationPatch, named};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    edit::Edit,
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    ids::OrganizationId,
    label,
};

const MAX_NAME_LENGTH: usize = 64;
/// Tokens that are counted at most to say that there are some.
const COUNTED: usize = 1000;

/// Creates an organization, with nothing in it.
pub async fn create(
    env: &Environment,
    caller: Caller,
    new: NewOrganization,
) -> Result<Organization, Error> {
    let now = env.now();
    let organization = Organization {
        id: OrganizationId::generate(now, env.entropy.as_ref())?,
        name: name(new.name)?,
        description: label::description(new.description)?,
        quotas: new.quotas,
        applications: 0,
        credentials: 0,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut write = env.store.write().await?;
    if write.organization_name_is_taken(&organization.name).await? {
        return Err(Conflict::OrganizationName.into());
    }
    write.insert_organization(&organization).await?;
    let event = Event::of(Action::OrganizationCreated, organization.name.as_str());
    audit::note(env, write.as_mut(), caller, event.made(&organization)).await?;
    env.commit(write).await?;
    Ok(organization)
}

/// Changes an organization, if it is at the expected version. What it has beyond a new limit stays.
pub async fn update(
    env: &Environment,
    caller: Caller,
    name: &str,
    expected: Option<u64>,
    patch: OrganizationPatch,
) -> Result<Organization, Error> {
    let mut write = env.store.write().await?;
    let before = named(write.as_mut(), name).await?;
    check_version(&before, expected)?;
    let mut organization = before.clone();
    if let Some(description) = patch.description {
        organization.description = label::description(description)?;
    }
    let quotas = &mut organization.quotas;
    for (quota, edit) in [
        (&mut quotas.applications, patch.max_applications),
        (&mut quotas.credentials, patch.max_credentials),
        (&mut quotas.tokens, patch.max_tokens),
    ] {
        if let Edit::Set(next) = edit {
            *quota = next;
        }
    }
    organization.updated_at = env.now();
    organization.version = before.version.saturating_add(1);
    write.update_organization(&organization).await?;
    let event = Event::of(Action::OrganizationUpdated, organization.name.as_str())
        .changed(&before, &organization);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(organization)
}

/// Deletes an organization that has no applications and no valid tokens, if it is at the expected version. Its name, and
/// those of its applications, stay reserved.
pub async fn delete(
    env: &Environment,
    caller: Caller,
    name: &str,
    expected: Option<u64>,
) -> Result<(), Error> {
    let now = env.now();
    let mut write = env.store.write().await?;
    let organization = named(write.as_mut(), name).await?;
    check_version(&organization, expected)?;
    if organization.name == DEFAULT {
        return Err(Conflict::DefaultOrganization.into());
    }
    let tokens = write.valid_tokens(organization.id, now, COUNTED).await?;
    if organization.applications > 0 || tokens > 0 {
        return Err(Conflict::OrganizationNotEmpty {
            applications: organization.applications,
            tokens,
        }
        .into());
    }
    write.delete_organization(organization.id, now).await?;
    let event = Event::of(Action::OrganizationDeleted, organization.name.as_str());
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

fn check_version(organization: &Organization, expected: Option<u64>) -> Result<(), Error> {
    if expected.is_some_and(|version| version != organization.version) {
        return Err(Error::VersionMismatch(Kind::Organization));
    }
    Ok(())
}

fn name(text: String) -> Result<String, InvalidField> {
    let fits = (1..=MAX_NAME_LENGTH).contains(&text.len());
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if fits && plain {
        return Ok(text);
    }
    let message = format!("must be 1 to {MAX_NAME_LENGTH} of letters, digits, _ and -");
    Err(InvalidField::new("name", message))
}
