//! Where a client's access tokens are good: resource indicators (RFC 8707).

use serde_json::Value;

use crate::{error::InvalidField, oauth_client::metadata::ClientMetadata, outgoing::Address};

/// The member of a client's metadata that lists its resources. No standard has one.
pub const MEMBER: &str = "resources";

/// Resources of a client at most.
const MAX: usize = 16;

/// The resources that a client is registered with; empty for none.
///
/// # Errors
/// When they are not absolute URLs without a fragment (RFC 8707 section 2).
pub fn of(metadata: &ClientMetadata) -> Result<Vec<String>, InvalidField> {
    let wrong = || {
        let message = format!("must be at most {MAX} absolute URLs without a fragment");
        InvalidField::new("client.resources", message)
    };
    let Some(value) = metadata.other.get(MEMBER) else {
        return Ok(Vec::new());
    };
    let resources = value.as_array().filter(|list| list.len() <= MAX);
    let resources = resources.ok_or_else(wrong)?;
    resources
        .iter()
        .map(|resource| read(resource).ok_or_else(wrong))
        .collect()
}

fn read(resource: &Value) -> Option<String> {
    let text = resource.as_str()?;
    text.parse::<Address>().ok()?;
    Some(text.to_owned())
}
