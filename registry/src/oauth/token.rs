//! What the token endpoint does: a token for a client that has proven itself (RFC 6749 section 4.4).

use super::{
    AuthorizationClient, TokenFormat,
    access_token::{self, AccessToken},
    authenticate::{self, Authenticated, Presented},
    client::CLIENT_CREDENTIALS,
    desk::Desk,
    error::{Code, OauthError},
    opaque, resources,
};
use crate::{environment::Environment, provider, scope::Scopes};

/// What a client asks for.
#[derive(Debug)]
pub struct TokenRequest {
    /// By which grant.
    pub grant_type: String,
    /// What the token is to be good for, separated by spaces; `None` for all that the client may.
    pub scope: Option<String>,
    /// Where it is to be good; empty for wherever the client's are.
    pub resources: Vec<String>,
    /// By what the client proves itself.
    pub presented: Presented,
    /// The address it comes from.
    pub source: String,
}

/// Gives a client a token.
///
/// # Errors
/// Refusals in the words of OAuth; [`OauthError::Limited`] when the client asks too often.
pub async fn issue(
    env: &Environment,
    desk: &Desk,
    request: TokenRequest,
) -> Result<AccessToken, OauthError> {
    let now = env.now();
    desk.check_source(&request.source, now)?;
    if request.grant_type != CLIENT_CREDENTIALS {
        let message = "the one grant type here is client_credentials";
        return Err(Code::UnsupportedGrantType.because(message));
    }
    let client = authenticate::authenticate(env, &request.presented)
        .await
        .map_err(|failure| desk.count_failure(&request.source, failure, now))?;
    desk.count_token(&client.client.client_id, now)?;
    let mut read = env.store.read().await?;
    if !provider::is_enabled(read.as_mut()).await? {
        let message = "the authorization server is switched off";
        return Err(Code::UnauthorizedClient.because(message));
    }
    let scopes = scopes(&client, request.scope.as_deref())?;
    match client.client.format {
        TokenFormat::Jwt => {
            let audiences = audiences(env, &client.client, request.resources)?;
            access_token::mint(env, read.as_mut(), &client, scopes, &audiences).await
        }
        TokenFormat::Opaque if !request.resources.is_empty() => {
            let message = "the access tokens of this client are not bound to a resource";
            Err(Code::InvalidTarget.because(message))
        }
        TokenFormat::Opaque => {
            drop(read);
            opaque::give(env, &client, scopes).await
        }
    }
}

/// What is asked for must be what the credential may.
fn scopes(client: &Authenticated, asked: Option<&str>) -> Result<Scopes, OauthError> {
    let own = &client.credential.scopes;
    let asked = asked.map(|text| text.split(' ').filter(|scope| !scope.is_empty()));
    let asked: Vec<String> = match asked {
        None => return Ok(own.clone()),
        Some(asked) => asked.map(str::to_owned).collect(),
    };
    let refused = || Code::InvalidScope.because("the client may not have a scope that it asks for");
    let asked = Scopes::parse("scope", asked).map_err(|_| refused())?;
    if asked.beyond(own).next().is_some() {
        return Err(refused());
    }
    Ok(asked)
}

/// Where the token is to be good: what is asked for, or else all the client's resources; the issuer itself for a client
/// that has none.
fn audiences(
    env: &Environment,
    client: &AuthorizationClient,
    asked: Vec<String>,
) -> Result<Vec<String>, OauthError> {
    let mut own = resources::of(&client.metadata)?;
    if own.is_empty() {
        own.push(access_token::issuer(env)?.to_owned());
    }
    if asked.is_empty() {
        return Ok(own);
    }
    if asked.iter().any(|resource| !own.contains(resource)) {
        let message = "the client is not registered for a resource that it asks for";
        return Err(Code::InvalidTarget.because(message));
    }
    Ok(asked)
}
