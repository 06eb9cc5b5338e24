//! Kong Konnect's protocol: `POST /`, `DELETE /{id}`, `POST /{id}/new-secret`, and updates as an event,
//! `POST /{id}/event-hook`.
//!
//! A bridge must be sent five UUIDs about Konnect's own objects. The registry has no such objects; it sends UUIDs of its
//! own that stay the same, and in `dcr_provider_id` none that means anything to a bridge.

use serde_json::{Value, json};

use crate::{
    oauth_client::metadata::ClientMetadata,
    provider::registrar::{Known, Marker},
};

/// Stands where Konnect names a portal, an organization, a developer, a strategy and a provider (RFC 9562 section 5.9).
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn application(metadata: &ClientMetadata, marker: Marker) -> Value {
    json!({
        "redirect_uris": metadata.redirect_uris,
        "client_name": metadata.client_name.as_deref().unwrap_or_default(),
        "grant_types": metadata.grant_types,
        "scopes": scopes(metadata),
        "token_endpoint_auth_method": authentication(metadata),
        // The one text that a bridge may pass on: by it the client is recognised.
        "application_description": marker.to_string(),
        "portal_id": NOBODY,
        "organization_id": NOBODY,
        "developer_id": NOBODY,
        "auth_strategy_id": NOBODY,
        "dcr_provider_id": NOBODY,
    })
}

pub(super) fn update(client: &Known, metadata: &ClientMetadata) -> Value {
    json!({
        "event_type": "update_application",
        "client_id": client.client_id,
        "application_id": NOBODY,
        "application_name": metadata.client_name.as_deref().unwrap_or_default(),
        "application_description": Marker::found_in(metadata).map(|marker| marker.to_string()).unwrap_or_default(),
        "portal_id": NOBODY,
        "organization_id": NOBODY,
        "developer_id": NOBODY,
        "auth_strategy_id": NOBODY,
        "dcr_provider_id": NOBODY,
        "redirect_uris": metadata.redirect_uris,
    })
}

fn scopes(metadata: &ClientMetadata) -> Vec<&str> {
    let scope = metadata.scope.as_deref().unwrap_or_default();
    scope.split_ascii_whitespace().collect()
}

fn authentication(metadata: &ClientMetadata) -> &str {
    let method = metadata.token_endpoint_auth_method.as_deref();
    method.unwrap_or("client_secret_basic")
}
