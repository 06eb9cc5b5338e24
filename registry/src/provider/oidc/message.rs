//! What is written to a provider with dynamic client registration, and how its refusals are read.

use serde_json::{Map, Value};

use crate::{
    oauth_client::metadata::ClientMetadata,
    provider::registrar::{ProviderError, ProviderErrorKind},
};

/// What is never sent in an update (RFC 7592 section 2.2), whatever a provider has answered before.
pub(super) const NEVER_SENT: [&str; 5] = [
    "client_secret",
    "client_secret_expires_at",
    "client_id_issued_at",
    "registration_access_token",
    "registration_client_uri",
];

/// RFC 7592 has providers answer 401 for a client that is gone. The token may be void as well, where an answer with another
/// was lost, so which of the two it is has to be known from elsewhere.
pub(super) fn of_management(error: ProviderError) -> ProviderError {
    if error.status == Some(401) {
        return ProviderError {
            kind: ProviderErrorKind::Unmanaged,
            description: format!(
                "{} (there is no such client, or its registration access token is void)",
                error.description
            ),
            ..error
        };
    }
    error
}

pub(super) fn members(metadata: &ClientMetadata) -> Result<Map<String, Value>, ProviderError> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ProviderError::unsupported(
            "the client's metadata cannot be written as JSON",
        )),
    }
}
