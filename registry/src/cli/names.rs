//! Applications and credentials by name.

use serde_json::Value;

use super::{client::Client, failure::Failure};
use crate::ids::{ApplicationId, CredentialId};

/// Text as one segment of a path: nothing in it ends the segment.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// The application with this id or name.
pub(super) fn application(client: &mut Client, named: &str) -> Result<Value, Failure> {
    if named.parse::<ApplicationId>().is_ok() {
        return client.get(format!("/v1/applications/{named}"));
    }
    let found = client.list("/v1/applications", &[("name", named.to_owned())], Some(1))?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Failure::NotFound(format!("there is no application {named:?}")))
}

/// The id of the application with this id or name. An id is not looked up.
pub(super) fn application_id(client: &mut Client, named: &str) -> Result<String, Failure> {
    if named.parse::<ApplicationId>().is_ok() {
        return Ok(named.to_owned());
    }
    Ok(id(&application(client, named)?))
}

/// The id of the credential with this id, or with this `APPLICATION/NAME`.
pub(super) fn credential_id(client: &mut Client, named: &str) -> Result<String, Failure> {
    if named.parse::<CredentialId>().is_ok() {
        return Ok(named.to_owned());
    }
    // An application's name has no slash, a credential's may.
    let Some((application, name)) = named.split_once('/') else {
        return Err(Failure::Usage(format!(
            "{named:?} names no credential: give its id, or APPLICATION/NAME"
        )));
    };
    let application = application_id(client, application)?;
    let path = format!("/v1/applications/{application}/credentials");
    let credentials = client.list(&path, &[], None)?;
    credentials
        .iter()
        .find(|credential| credential.get("name").and_then(Value::as_str) == Some(name))
        .map(id)
        .ok_or_else(|| Failure::NotFound(format!("there is no credential {named:?}")))
}

/// The `id` of something that the registry sent.
pub(super) fn id(value: &Value) -> String {
    super::output::text(value, "id")
}
