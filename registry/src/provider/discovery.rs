//! What a provider publishes of itself (RFC 8414, `OpenID` Connect Discovery 1.0).

use axum::http::{HeaderValue, Method};
use serde_json::{Map, Value};

use super::{
    exchange::{Ask, Body, Exchange},
    registrar::{ProviderError, ProviderErrorKind},
};
use crate::outgoing::{Address, Outgoing};

/// Where a document is, below an issuer: appended by `OpenID` Connect, put before the path by RFC 8414.
const OPENID: &str = ".well-known/openid-configuration";
const OAUTH: &str = ".well-known/oauth-authorization-server";

/// Grant types that are read at most.
const MAX_WORDS: usize = 32;

/// What a provider says of itself. Its addresses may be anywhere: what they name is called under the same policy as
/// everything, and gets credentials only where it is the provider's own origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Where clients are registered.
    pub registration_endpoint: Option<Address>,
    /// Where tokens are fetched.
    pub token_endpoint: Option<Address>,
    /// Where it is asked about tokens.
    pub introspection_endpoint: Option<Address>,
    /// Where its keys are.
    pub jwks_uri: Option<Address>,
    /// The grant types that it has, where it says so.
    pub grant_types: Option<Vec<String>>,
    /// When it answered, as it says.
    pub date: Option<HeaderValue>,
}

/// Reads what the provider publishes: where `at` says, or in both places below the issuer.
///
/// # Errors
/// What was wrong with the document, or on the way to it.
pub async fn discover(
    outgoing: &Outgoing,
    issuer: &str,
    at: Option<&str>,
) -> Result<Discovered, ProviderError> {
    let places = match at {
        Some(address) => vec![parse(address)?],
        None => places(issuer)?,
    };
    let mut first: Option<ProviderError> = None;
    for place in places {
        // It is public: nothing that proves the registry goes with it.
        let exchange = Exchange::new(outgoing.clone(), place.clone(), Vec::new());
        let ask = Ask {
            method: Method::GET,
            address: place,
            token: None,
            body: Body::None,
        };
        match exchange.ask(ask).await {
            Ok(answered) => {
                let mut read = read(&answered.body, issuer)
                    .map_err(|what| ProviderError::garbage(answered.status, what))?;
                read.date = answered.date;
                return Ok(read);
            }
            // Nothing is better at the other place.
            Err(error) if error.kind == ProviderErrorKind::Unavailable => return Err(error),
            Err(error) => first = first.or(Some(error)),
        }
    }
    let error = first.unwrap_or_else(|| ProviderError::unsupported("it has no place to look at"));
    Err(ProviderError {
        kind: ProviderErrorKind::Garbage,
        description: format!("it publishes no metadata: {}", error.description),
        ..error
    })
}

fn parse(text: &str) -> Result<Address, ProviderError> {
    let read = text.parse();
    read.map_err(|error| ProviderError::unsupported(format!("its address {error}")))
}

fn places(issuer: &str) -> Result<Vec<Address>, ProviderError> {
    let own = parse(issuer)?;
    let openid = own.below(OPENID);
    let openid = openid.map_err(|error| ProviderError::unsupported(format!("issuer {error}")))?;
    let scheme = if own.is_https() { "https" } else { "http" };
    let path = own.target().trim_end_matches('/');
    let oauth = parse(&format!("{scheme}://{}/{OAUTH}{path}", own.authority()))?;
    Ok(vec![openid, oauth])
}

/// The document, if it is this issuer's: one that names another could be anybody's (RFC 8414 section 3.3).
fn read(document: &Value, issuer: &str) -> Result<Discovered, String> {
    let members = document
        .as_object()
        .ok_or("its metadata is not a JSON object")?;
    if members.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err("its metadata names another issuer than the provider's".to_owned());
    }
    let grant_types = members
        .get("grant_types_supported")
        .and_then(Value::as_array);
    Ok(Discovered {
        registration_endpoint: endpoint(members, "registration_endpoint")?,
        token_endpoint: endpoint(members, "token_endpoint")?,
        introspection_endpoint: endpoint(members, "introspection_endpoint")?,
        jwks_uri: endpoint(members, "jwks_uri")?,
        grant_types: grant_types.map(|list| words(list)),
        date: None,
    })
}

fn words(list: &[Value]) -> Vec<String> {
    let texts = list.iter().filter_map(Value::as_str);
    texts.take(MAX_WORDS).map(ProviderError::words).collect()
}

fn endpoint(members: &Map<String, Value>, name: &str) -> Result<Option<Address>, String> {
    let address: Address = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map_err(|error| format!("the {name} of its metadata {error}"))?,
        Some(_) => return Err(format!("the {name} of its metadata is not a text")),
    };
    if !address.may_be_plain() {
        return Err(format!(
            "the {name} of its metadata does not begin with https"
        ));
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(issuer: &str) -> Vec<String> {
        let places = places(issuer).unwrap();
        places.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn metadata_are_looked_for_where_either_standard_puts_them() {
        assert_eq!(
            texts("https://id.example/realms/one"),
            [
                "https://id.example/realms/one/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server/realms/one"
            ]
        );
        assert_eq!(
            texts("https://id.example/"),
            [
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server"
            ]
        );
    }

    #[test]
    fn a_document_of_another_issuer_is_nobodys() {
        for issuer in [
            json!("https://id.example/"),
            json!("https://ID.example"),
            json!("https://other.example"),
            json!(null),
            json!(["https://id.example"]),
        ] {
            let document = json!({"issuer": issuer});
            assert!(read(&document, "https://id.example").is_err(), "{document}");
        }
        read(
            &json!({"issuer": "https://id.example"}),
            "https://id.example",
        )
        .unwrap();
    }

    #[test]
    fn an_endpoint_is_an_address_with_tls() {
        for address in [
            json!("http://id.example/keys"),
            json!("//id.example/keys"),
            json!("file:///keys"),
            json!(7),
            json!("https://user:password@id.example/keys"),
        ] {
            let document = json!({"issuer": "https://id.example", "jwks_uri": address});
            assert!(read(&document, "https://id.example").is_err(), "{document}");
        }
    }
}
