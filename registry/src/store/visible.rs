//! What gateways see of the product's nouns: only a change of it is a change for them.

use crate::{application::Application, credential::Credential};

/// Whether gateways see a difference. Where an application is admitted is told apart from it.
pub(super) fn application_differs(before: &Application, after: &Application) -> bool {
    (&before.name, &before.custom_id, before.enabled)
        != (&after.name, &after.custom_id, after.enabled)
}

/// Whether gateways see a difference. Which secrets it has is told apart from it.
pub(super) fn credential_differs(before: &Credential, after: &Credential) -> bool {
    (
        &before.identifier,
        &before.scopes,
        before.enabled,
        before.not_before,
        before.expires_at,
    ) != (
        &after.identifier,
        &after.scopes,
        after.enabled,
        after.not_before,
        after.expires_at,
    )
}
