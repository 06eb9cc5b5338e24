//! Where a credential is to be honoured: the rule itself.

use crate::{
    application::Application,
    credential::{Credential, Deploy},
    gateway::{GatewayGroup, Mode},
    ids::GroupId,
    store::Override,
};

/// Where a credential goes by itself, as far as its application may: nobody has said anything of the group.
pub(crate) fn goes_by_itself(credential: &Credential, group: &GatewayGroup) -> bool {
    credential.deploy == Deploy::Automatic && group.mode == Mode::Automatic
}

/// Whether the credential is to be honoured in the group. What the application may is a bound, never a reason.
pub(crate) fn is_effective(
    application: &Application,
    credential: &Credential,
    group: &GatewayGroup,
    said: Option<bool>,
) -> bool {
    application.reach.allows(group) && said.unwrap_or_else(|| goes_by_itself(credential, group))
}

/// What was said explicitly of the group.
pub(super) fn said(overrides: &[Override], group: GroupId) -> Option<bool> {
    let found = overrides.iter().find(|one| one.group == group);
    found.map(|one| one.wanted)
}

/// The groups in which the credential is to be honoured.
pub(super) fn effective<'a>(
    application: &Application,
    credential: &Credential,
    groups: &'a [GatewayGroup],
    overrides: &[Override],
) -> Vec<&'a GatewayGroup> {
    let is_wanted = |group: &&GatewayGroup| {
        is_effective(application, credential, group, said(overrides, group.id))
    };
    groups.iter().filter(is_wanted).collect()
}
