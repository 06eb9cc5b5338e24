//! API7's protocol: `POST /clients`, `PUT` and `DELETE /clients/{id}`, `POST /clients/{id}/rotate-secret`.
//!
//! Its documentation does not show the bodies. The registry sends the metadata of RFC 7591, and in an update `client_id`
//! besides, as RFC 7592 section 2.2 has it.

use serde_json::Value;

use crate::{
    oauth_client::metadata::ClientMetadata,
    provider::registrar::{Known, Marker, ProviderError},
};

pub(super) fn body(
    metadata: &ClientMetadata,
    marker: Option<Marker>,
) -> Result<Value, ProviderError> {
    let marked = marker.map_or_else(|| metadata.clone(), |marker| marker.put_into(metadata));
    serde_json::to_value(marked)
        .map_err(|_| ProviderError::unsupported("the client's metadata cannot be written as JSON"))
}

pub(super) fn update(client: &Known, metadata: &ClientMetadata) -> Result<Value, ProviderError> {
    let mut body = body(metadata, None)?;
    if let Value::Object(members) = &mut body {
        let id = Value::from(client.client_id.as_str());
        members.insert("client_id".to_owned(), id);
    }
    Ok(body)
}
