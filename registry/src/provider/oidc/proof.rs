//! Asking a provider whether a secret is a client's, as that client itself.
//!
//! A token that the client gets by its secret proves it. Where the client may fetch none by itself, the provider's
//! introspection endpoint does, which has its caller prove itself (RFC 7662 section 2.1). Either only where a wrong secret is
//! refused: some look at none, for one because the client is public.

use axum::http::{Method, header};
use serde_json::Value;

use super::{Body, Oidc, basic};
use crate::{
    outgoing::Address,
    provider::{
        exchange::{Answered, Ask, Exchange},
        registrar::{ProviderError, ProviderErrorKind},
    },
    secrets::SecretText,
};

/// How a client says its secret (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug)]
enum Way {
    Header,
    Form,
}

const WAYS: [Way; 2] = [Way::Header, Way::Form];
/// No client's secret, and no token.
const NONE: &str = "keysmith-asks-whether-this-is-refused";

/// Who asks to be taken for a client.
#[derive(Clone, Copy, Debug)]
struct Claim<'a> {
    client_id: &'a str,
    secret: &'a SecretText,
}

impl Oidc {
    /// Whether the secret is the client's. It goes to the provider's own origin alone.
    pub(super) async fn is_secret_of(
        &self,
        client_id: &str,
        secret: &SecretText,
    ) -> Result<bool, ProviderError> {
        let claimed = self.holds(Claim { client_id, secret }).await;
        // Whatever went wrong, there was nothing to be done.
        claimed.map_err(|error| ProviderError {
            may_be_done: false,
            ..error
        })
    }

    async fn holds(&self, claim: Claim<'_>) -> Result<bool, ProviderError> {
        let endpoint = self.token_endpoint().await?;
        let mut may_be_let_in = false;
        for way in WAYS {
            let fields = [("grant_type", "client_credentials")];
            match self.ask_as(&endpoint, claim, way, &fields).await {
                Ok(answered) => {
                    let token = answered.body.get("access_token").and_then(Value::as_str);
                    if token.is_some_and(|token| !token.is_empty()) {
                        return self.refuses_others(&endpoint, claim, way, &fields).await;
                    }
                    let what = "its token endpoint answers without an access token";
                    return Err(ProviderError::garbage(answered.status, what));
                }
                Err(error) if is_stranger(&error) => {}
                // Another way to say the secret makes no other grant.
                Err(error) if error.kind == ProviderErrorKind::Refused => may_be_let_in = true,
                Err(error) => return Err(error),
            }
        }
        if may_be_let_in {
            return self.may_ask_about_tokens(claim).await;
        }
        Ok(false)
    }

    /// Whether the introspection endpoint answers the client, and nobody with another secret.
    async fn may_ask_about_tokens(&self, claim: Claim<'_>) -> Result<bool, ProviderError> {
        let found = self.discovered().await?.introspection_endpoint.clone();
        let Some(endpoint) = found.filter(|endpoint| self.is_of_issuer(endpoint)) else {
            return Err(unproven(
                "the client may fetch no token by itself, and the provider publishes no introspection endpoint at its origin",
            ));
        };
        for way in WAYS {
            let fields = [("token", NONE)];
            match self.ask_as(&endpoint, claim, way, &fields).await {
                Ok(answered) if answered.body.get("active").is_some_and(Value::is_boolean) => {
                    return self.refuses_others(&endpoint, claim, way, &fields).await;
                }
                Ok(answered) => {
                    let what = "its introspection endpoint does not say whether a token is active";
                    return Err(ProviderError::garbage(answered.status, what));
                }
                Err(error) if is_stranger(&error) || is_refusal(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Whether what was answered to the client is refused to who does not know its secret.
    async fn refuses_others(
        &self,
        endpoint: &Address,
        claim: Claim<'_>,
        way: Way,
        fields: &[(&str, &str)],
    ) -> Result<bool, ProviderError> {
        let wrong = SecretText::new(NONE.to_owned());
        let claim = Claim {
            secret: &wrong,
            ..claim
        };
        match self.ask_as(endpoint, claim, way, fields).await {
            Ok(_) => Err(unproven(
                "the provider answers anybody in the client's name",
            )),
            Err(error) if is_stranger(&error) || is_refusal(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn ask_as(
        &self,
        endpoint: &Address,
        claim: Claim<'_>,
        way: Way,
        fields: &[(&str, &str)],
    ) -> Result<Answered, ProviderError> {
        let mut fields = fields.to_vec();
        let mut headers = Vec::new();
        match way {
            Way::Header => {
                let proof = basic(claim.client_id, claim.secret.expose());
                let proof = proof.ok_or_else(|| {
                    ProviderError::unsupported("the client's secret cannot stand in a header")
                })?;
                headers.push((header::AUTHORIZATION, proof));
            }
            Way::Form => {
                fields.push(("client_id", claim.client_id));
                fields.push(("client_secret", claim.secret.expose()));
            }
        }
        let exchange = Exchange::new(self.outgoing.clone(), endpoint.clone(), headers);
        let ask = Ask {
            method: Method::POST,
            address: endpoint.clone(),
            token: None,
            body: Body::Form(form(&fields)),
        };
        exchange.ask(ask).await
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// Nobody can know whose the client is.
fn unproven(why: &str) -> ProviderError {
    ProviderError::unsupported(format!(
        "{why}, so that nothing proves that it is yours: have it linked by a token of role portal_admin or api_owner"
    ))
}

/// Whether the provider does not take the caller for the client. Whoever may not have a token by this grant is known to it.
fn is_stranger(error: &ProviderError) -> bool {
    match error.code.as_deref() {
        Some("invalid_client") => true,
        Some("unauthorized_client") => false,
        _ => error.kind == ProviderErrorKind::Forbidden,
    }
}

/// Whether it says no, for whatever reason.
fn is_refusal(error: &ProviderError) -> bool {
    matches!(
        error.kind,
        ProviderErrorKind::Refused | ProviderErrorKind::Forbidden
    )
}
