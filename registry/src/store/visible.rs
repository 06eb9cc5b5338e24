//! What gateways see of the product's nouns: only a change of it is a change for them.
//!
//! Of a credential that is its record (`record.rs` beside this file), which is rendered and compared with the one kept.

use crate::application::Application;

/// Whether gateways see a difference: whatever goes from an application into its record (`application` in
/// `feed/record.rs`) has to be here. Where an application is admitted is told apart from it.
pub(super) fn application_differs(before: &Application, after: &Application) -> bool {
    (&before.name, &before.custom_id, before.enabled)
        != (&after.name, &after.custom_id, after.enabled)
}
