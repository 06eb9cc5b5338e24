//! The requests by which a provider is tried.

use axum::http::{Method, header};
use filter_core::jwt::Algorithm;
use serde_json::{Value, json};

use crate::{
    environment::Environment,
    jwks::KeySet,
    oauth_client::metadata::ClientMetadata,
    outgoing::Address,
    provider::{
        exchange::{Ask, Body, Exchange},
        oidc::{Oidc, basic},
        registrar::{Known, ProviderError, ProviderErrorKind, Registrar as _},
    },
};

/// Asks for a client that nobody could register. Whoever says that the metadata are wrong has accepted the credentials.
pub(super) async fn registration(driver: &Oidc) -> Result<String, ProviderError> {
    let address = driver.registration_endpoint().await?;
    let body = json!({
        "client_name": "keysmith-verify", "redirect_uris": ["not a redirect URI"], "grant_types": ["authorization_code"],
        "response_types": ["code"],
    });
    let answered = driver
        .ask_as_registry(Method::POST, address, Body::Json(body))
        .await;
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) if error.kind == ProviderErrorKind::Refused => {
            let code = error.code.unwrap_or_else(|| "no code".to_owned());
            return Ok(format!(
                "the registry's credentials are accepted, and metadata that are wrong refused ({code})"
            ));
        }
        Err(error) => return Err(error),
    };
    let left = |error: ProviderError| ProviderError {
        description: format!(
            "it registered a client with metadata that are wrong, and it could not be removed again: {}",
            error.description
        ),
        ..error
    };
    let client = driver
        .read_client(&answered, None, &ClientMetadata::default())
        .map_err(left)?;
    let known = Known {
        client_id: client.client_id,
        registration_client_uri: client.registration_client_uri,
        registration_access_token: client.registration_access_token,
    };
    driver.delete(&known).await.map_err(left)?;
    Ok("a client could be registered, and was removed again".to_owned())
}

/// Reads its keys.
pub(super) async fn keys(env: &Environment, address: Address) -> Result<String, ProviderError> {
    let exchange = Exchange::new(env.outgoing.clone(), address.clone(), Vec::new());
    let ask = Ask {
        method: Method::GET,
        address,
        token: None,
        body: Body::None,
    };
    let answered = exchange.ask(ask).await?;
    let bytes = answered.body.to_string();
    // What RSA keys without an algorithm are for decides how they are used, not whether they can be.
    let set = KeySet::read(bytes.as_bytes(), &[Algorithm::Rs256])
        .map_err(|error| ProviderError::garbage(answered.status, error.to_string()))?;
    let (usable, left_out) = (set.keys.len(), set.left_out.len());
    if usable == 0 {
        let message = format!("none of its {left_out} keys can be used");
        return Err(ProviderError::garbage(answered.status, message));
    }
    Ok(format!(
        "{usable} keys can be used, {left_out} are left out"
    ))
}

/// Asks about a token that nobody has.
pub(super) async fn introspection(
    env: &Environment,
    address: Address,
    (client_id, secret): (&str, &str),
) -> Result<String, ProviderError> {
    let proof = basic(client_id, secret).ok_or_else(|| {
        ProviderError::unsupported("the credentials for introspection cannot stand in a header")
    })?;
    let headers = vec![(header::AUTHORIZATION, proof)];
    let exchange = Exchange::new(env.outgoing.clone(), address.clone(), headers);
    let ask = Ask {
        method: Method::POST,
        address,
        token: None,
        body: Body::Form("token=keysmith-verify".to_owned()),
    };
    let answered = exchange.ask(ask).await?;
    match answered.body.get("active") {
        Some(Value::Bool(false)) => Ok("the registry's credentials are accepted".to_owned()),
        Some(Value::Bool(true)) => Err(ProviderError::garbage(
            answered.status,
            "it says that a token is active which nobody has",
        )),
        _ => Err(ProviderError::garbage(
            answered.status,
            "its answer does not say whether the token is active",
        )),
    }
}
