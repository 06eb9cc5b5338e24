//! What providers and bridges answer about a client. They differ in what they say and how; only a client's name is always
//! needed.

use serde_json::{Map, Value};

use super::{
    exchange::Answered,
    registrar::{Known, Listed, Marker, ProviderError, Registered},
};
use crate::{clock::Timestamp, oauth_client::metadata::ClientMetadata, secrets::SecretText};

/// Bytes of a client's name and of its secret at most.
const MAX_TEXT: usize = 4096;

/// A client, as far as the answer says how it is registered; what it does not say is as it was asked for.
///
/// `known` is the client that the answer has to be about; without, it must name one.
pub(super) fn registered(
    answered: &Answered,
    known: Option<&Known>,
    asked: &ClientMetadata,
) -> Result<Registered, ProviderError> {
    let garbage = |what: &str| ProviderError::garbage(answered.status, what);
    let empty = Map::new();
    let members = match &answered.body {
        Value::Object(members) => members,
        // Konnect's hook answers nothing.
        _ if known.is_some() => &empty,
        _ => return Err(garbage("its answer is not a JSON object")),
    };
    let client_id = match (text(members, "client_id"), known) {
        (Ok(Some(id)), Some(known)) if id != known.client_id => {
            return Err(garbage("its answer is about another client"));
        }
        (Ok(Some(id)), _) => id.to_owned(),
        (Ok(None), Some(known)) => known.client_id.clone(),
        _ => return Err(garbage("its answer holds no client_id")),
    };
    let secret = text(members, "client_secret")
        .map_err(|()| garbage("the client_secret of its answer is not a text"))?;
    Ok(Registered {
        client_id,
        client_secret: secret.map(|text| SecretText::new(text.to_owned())),
        client_secret_expires_at: members.get("client_secret_expires_at").and_then(time),
        registration_client_uri: None,
        registration_access_token: None,
        metadata: metadata(members, asked),
    })
}

/// The clients of a list that bear a mark: an array of clients, or an object with one under `clients` or `data`.
pub(super) fn listed(answered: &Answered) -> Result<Vec<Listed>, ProviderError> {
    let body = &answered.body;
    let list = [Some(body), body.get("clients"), body.get("data")];
    let Some(list) = list.into_iter().flatten().find_map(Value::as_array) else {
        let message = "its list of clients is no JSON array";
        return Err(ProviderError::garbage(answered.status, message));
    };
    let clients = list.iter().filter_map(|client| {
        let text = |name| client.get(name)?.as_str().map(str::to_owned);
        let known = Known {
            client_id: text("client_id")?,
            registration_client_uri: text("registration_client_uri"),
            registration_access_token: text("registration_access_token").map(SecretText::new),
        };
        let marker = marker(client)?;
        Some(Listed { known, marker })
    });
    Ok(clients.collect())
}

fn marker(client: &Value) -> Option<Marker> {
    let by_software = serde_json::from_value::<ClientMetadata>(client.clone()).ok();
    let by_description = || {
        let text = client.get("application_description")?.as_str()?;
        Marker::found_in_text(text)
    };
    by_software
        .and_then(|metadata| Marker::found_in(&metadata))
        .or_else(by_description)
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, ()> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if (1..=MAX_TEXT).contains(&text.len()) => Ok(Some(text)),
        Some(_) => Err(()),
    }
}

/// Konnect's documentation says that times are texts, and its own example answers Unix seconds. Zero is never.
fn time(value: &Value) -> Option<Timestamp> {
    let seconds = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok().or_else(|| {
            let moment: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(moment.as_second()).ok()
        })?,
        _ => return None,
    };
    let millis = seconds.checked_mul(1000).filter(|millis| *millis > 0)?;
    Some(Timestamp::from_millis(millis))
}

/// What the answer says of the metadata, over what was asked for. A member of the wrong type says nothing.
fn metadata(members: &Map<String, Value>, asked: &ClientMetadata) -> ClientMetadata {
    const NOT_METADATA: [&str; 6] = [
        "client_id",
        "client_secret",
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    ];
    let Ok(Value::Object(mut merged)) = serde_json::to_value(asked) else {
        return asked.clone();
    };
    let said = members.iter().filter(|(name, value)| {
        !NOT_METADATA.contains(&name.as_str()) && !value.is_null() && *name != "scopes"
    });
    for (name, value) in said {
        merged.insert(name.clone(), value.clone());
    }
    // Konnect writes scopes as a list.
    if let Some(scopes) = members.get("scopes").and_then(Value::as_array) {
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        merged.insert("scope".to_owned(), Value::from(scopes.join(" ")));
    }
    serde_json::from_value(Value::Object(merged)).unwrap_or_else(|_| asked.clone())
}
