//! What only those decide who say what applications are allowed, and whose an application is.

use super::{Application, Reach};
use crate::{
    caller::Caller,
    error::{Error, InvalidField},
    owner::Owner,
    scope::Scopes,
};

/// Refuses what the caller has no say in: an application that may more than before, or otherwise; and for a developer,
/// one that would be somebody else's.
pub(super) fn check(
    caller: Caller,
    before: &Application,
    after: &Application,
) -> Result<(), Error> {
    if caller.owner().is_some() && caller.owner() != after.owner {
        let message = "a developer's applications have the owner that its token has";
        return Err(Error::NotAllowed(InvalidField::new("owner", message)));
    }
    if caller.grants() {
        return Ok(());
    }
    let fields = [
        ("scopes", before.scopes != after.scopes),
        ("gateway_groups", before.reach != after.reach),
        ("custom_id", before.custom_id != after.custom_id),
    ];
    match fields.into_iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((field, _)) => {
            let message = "is set by a token of role portal_admin or api_owner: ask for it, or leave it as it is";
            Err(Error::NotAllowed(InvalidField::new(field, message)))
        }
    }
}

/// Whose a new application is.
pub(super) fn owner(caller: Caller, named: Option<String>) -> Result<Option<Owner>, InvalidField> {
    let named = named.map(|name| name.parse()).transpose()?;
    Ok(named.or_else(|| caller.owner()))
}

impl Application {
    /// The same as nobody has allowed it anything yet.
    pub(super) fn without_grants(&self) -> Self {
        Self {
            scopes: Scopes::default(),
            reach: Reach::Automatic,
            custom_id: None,
            ..self.clone()
        }
    }
}
