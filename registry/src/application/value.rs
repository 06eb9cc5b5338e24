//! What an application's fields must be like.

use std::collections::BTreeSet;

use super::{Application, Reach};
use crate::{
    error::{Conflict, Error, InvalidField},
    gateway::{GatewayGroup, Mode},
    ids::{ApplicationId, GroupId},
    label,
    store::WriteTransaction,
};

const MAX_NAME_LENGTH: usize = 256;
const MAX_CUSTOM_ID_LENGTH: usize = 256;

pub(super) fn name(text: String) -> Result<String, InvalidField> {
    let fits = (1..=MAX_NAME_LENGTH).contains(&text.len());
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if !fits || !plain {
        return Err(InvalidField::new(
            "name",
            format!("must be 1 to {MAX_NAME_LENGTH} of letters, digits, '_' and '-'"),
        ));
    }
    // Rules name applications by name or by id: a name must not pass for another application's id.
    if text.parse::<ApplicationId>().is_ok() {
        return Err(InvalidField::new("name", "must not be an application's id"));
    }
    Ok(text)
}

pub(super) fn custom_id(text: Option<String>) -> Result<Option<String>, InvalidField> {
    text.map(|text| label::visible_ascii("custom_id", text, MAX_CUSTOM_ID_LENGTH))
        .transpose()
}

/// Every group that is listed must exist.
pub(super) fn reach(
    listed: Option<Vec<String>>,
    groups: &[GatewayGroup],
) -> Result<Reach, InvalidField> {
    let Some(listed) = listed else {
        return Ok(Reach::Automatic);
    };
    let listed: BTreeSet<String> = listed.into_iter().collect();
    for name in &listed {
        if !groups.iter().any(|group| group.name == *name) {
            return Err(InvalidField::new(
                "gateway_groups",
                "each must be the name of a gateway group",
            ));
        }
    }
    Ok(Reach::Listed(listed))
}

impl Reach {
    /// Whether an application of this reach may use the group.
    pub(crate) fn allows(&self, group: &GatewayGroup) -> bool {
        match self {
            Self::Automatic => true,
            Self::Listed(names) => names.contains(&group.name),
        }
    }
}

/// Which of the groups admit the application whatever credentials it has: the automatic ones that it may use.
pub(super) fn admitting(application: &Application, groups: &[GatewayGroup]) -> BTreeSet<GroupId> {
    groups
        .iter()
        .filter(|group| group.mode == Mode::Automatic && application.reach.allows(group))
        .map(|group| group.id)
        .collect()
}

/// The name must be free, and not reserved for another organization.
pub(super) async fn check_name_is_free(
    write: &mut dyn WriteTransaction,
    application: &Application,
) -> Result<(), Error> {
    let owner = write.name_owner(&application.name).await?;
    let foreign = owner.is_some_and(|owner| owner != application.organization);
    let holder = write.application_named(&application.name).await?;
    if foreign || holder.is_some_and(|holder| holder != application.id) {
        return Err(Conflict::ApplicationName.into());
    }
    Ok(())
}
