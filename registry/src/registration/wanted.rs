//! What a client asks to be registered with (RFC 7591 section 2).

use serde_json::{Map, Value, json};

use super::refusal::{Code, Refusal};
use crate::oauth_client::metadata::ClientMetadata;

/// The members that are looked at. All others are ignored, as RFC 7591 section 2 says.
const KNOWN: [&str; 12] = [
    "client_name",
    "redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "scope",
    "jwks",
    "jwks_uri",
    "contacts",
    "software_id",
    "software_version",
    "resources",
];

/// What the server says of a client, and a client says of itself in no update (RFC 7592 section 2.2).
const SERVERS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// The metadata that a client asks for.
///
/// # Errors
/// When a member has no value of its kind, or somebody else is to vouch for them.
pub(super) fn metadata(mut body: Map<String, Value>) -> Result<ClientMetadata, Refusal> {
    body.retain(|_, value| !value.is_null());
    if body.contains_key("software_statement") {
        let message = "software statements are not accepted here: send the metadata themselves";
        return Err(Code::UnapprovedSoftwareStatement.because(message));
    }
    body.retain(|name, _| KNOWN.contains(&name.as_str()));
    // Without it the standard means authorization_code, which nobody could be registered with.
    body.entry("grant_types")
        .or_insert_with(|| json!([crate::oauth::client::CLIENT_CREDENTIALS]));
    for (name, value) in &body {
        let name = name.clone();
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<ClientMetadata>(Value::Object(alone))
            .map_err(|_| Code::of_member(&name).because(format!("{name}: is of another type")))?;
    }
    serde_json::from_value(Value::Object(body))
        .map_err(|_| Code::InvalidClientMetadata.because("the metadata cannot be read"))
}

/// The secret that an update names, if it names one, after a look at what else it must and must not say.
///
/// # Errors
/// When it is about another client, or says what only the server says.
pub(super) fn secret_of_update(
    body: &Map<String, Value>,
    client_id: &str,
) -> Result<Option<String>, Refusal> {
    if body.get("client_id").and_then(Value::as_str) != Some(client_id) {
        let message = "client_id: must be the client's";
        return Err(Code::InvalidRequest.because(message));
    }
    if let Some(name) = SERVERS.iter().find(|name| body.contains_key(**name)) {
        return Err(Code::InvalidRequest.because(format!("{name}: must not be in an update")));
    }
    match body.get("client_secret") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(secret)) => Ok(Some(secret.clone())),
        Some(_) => {
            let message = "client_secret: must be the client's, or missing";
            Err(Code::InvalidClientMetadata.because(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[track_caller]
    fn refused(body: &Value, code: Code) {
        let refusal = metadata(object(body)).unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Refused { code: found, .. } if *found == code),
            "{refusal:?}"
        );
    }

    #[test]
    fn what_is_not_known_is_ignored_and_null_is_as_if_it_were_not_there() {
        let body = json!({"client_name": "a", "logo_uri": "https://a.example/", "scope": null, "client_id": "mine"});
        let metadata = metadata(object(&body)).unwrap();
        assert_eq!(metadata.client_name.as_deref(), Some("a"));
        assert_eq!(metadata.grant_types, ["client_credentials"]);
        assert!(metadata.scope.is_none() && metadata.other.is_empty());
    }

    #[test]
    fn a_member_of_another_type_is_named() {
        refused(
            &json!({"redirect_uris": "https://a.example/"}),
            Code::InvalidRedirectUri,
        );
        refused(&json!({"client_name": 7}), Code::InvalidClientMetadata);
        refused(&json!({"grant_types": [7]}), Code::InvalidClientMetadata);
    }

    #[test]
    fn nobody_vouches_for_a_client() {
        let body = json!({"software_statement": "eyJhbGciOiJub25lIn0.e30."});
        refused(&body, Code::UnapprovedSoftwareStatement);
    }

    #[test]
    fn an_update_is_about_the_client_and_says_nothing_that_the_server_says() {
        let own = |body: Value| secret_of_update(&object(&body), "c");
        assert_eq!(own(json!({"client_id": "c"})).unwrap(), None);
        let secret = own(json!({"client_id": "c", "client_secret": "s"})).unwrap();
        assert_eq!(secret.as_deref(), Some("s"));
        for body in [
            json!({}),
            json!({"client_id": "d"}),
            json!({"client_id": "c", "client_secret": 7}),
            json!({"client_id": "c", "registration_access_token": "t"}),
            json!({"client_id": "c", "client_id_issued_at": 1}),
        ] {
            own(body).unwrap_err();
        }
    }
}
