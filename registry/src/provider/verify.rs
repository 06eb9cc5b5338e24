//! Trying a provider out: each thing that the registry needs of it, one after the other.

mod probe;

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use super::{
    Provider, ProviderKind,
    configuration::{Configuration, Secrets, Tokens},
    connect,
    discovery::Discovered,
    manage,
    oidc::Oidc,
    registrar::ProviderError,
};
use crate::{
    environment::Environment,
    error::{Error, InvalidField},
    ids::ProviderId,
};

/// So far may its clock be from the registry's.
const MAX_SKEW: Duration = Duration::from_secs(30);

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was tried.
    pub step: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// More about it, for people. Holds nothing secret.
    pub detail: String,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works.
    Ok,
    /// It does not.
    Failed,
    /// It was not tried.
    Skipped,
}

/// Tries the provider. Nothing is changed, here or there: a client that is registered by the way is removed again, and
/// the step that has to leave it says so.
///
/// # Errors
/// If there is no such provider, or what is kept of it cannot be read.
pub async fn verify(env: &Environment, id: ProviderId) -> Result<Vec<Step>, Error> {
    let provider = manage::get(env, id).await?;
    let configuration = Configuration::read(provider.kind, &provider.configuration);
    let configuration = configuration
        .ok_or_else(|| InvalidField::new("configuration", "cannot be read: give it again"))?;
    let secrets = connect::open(env, &provider)?;
    Ok(match &configuration {
        Configuration::Builtin => vec![builtin(&provider)],
        Configuration::Oidc(oidc) => {
            let driver = Oidc::new(env, &provider, oidc, &secrets)?;
            of_oidc(env, &provider, (&driver, &oidc.tokens), &secrets).await
        }
        Configuration::HttpBridge(bridge) => {
            let mut steps = vec![skipped(
                "registration",
                "a bridge is only tried by registering a client: that is left to the first one",
            )];
            let nothing = Discovered::default();
            steps.extend(of_tokens(env, &provider, &bridge.tokens, (&nothing, &secrets)).await);
            steps
        }
    })
}

fn builtin(provider: &Provider) -> Step {
    match &provider.issuer {
        Some(issuer) => ok("issuer", format!("the registry itself, as {issuer}")),
        None => failed("issuer", "the setting public_url says nothing".to_owned()),
    }
}

async fn of_oidc(
    env: &Environment,
    provider: &Provider,
    (driver, tokens): (&Oidc, &Tokens),
    secrets: &Secrets,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let nothing = Discovered::default();
    let discovered = match driver.discovered().await {
        Ok(found) => {
            let grants = found
                .grant_types
                .as_ref()
                .map_or_else(String::new, |grants| {
                    format!(", with the grant types {}", grants.join(", "))
                });
            let what = format!("its metadata are those of the issuer{grants}");
            steps.push(ok("discovery", what));
            steps.push(clock(env, found));
            found
        }
        Err(error) => {
            steps.push(failed("discovery", error.to_string()));
            steps.push(skipped("clock", "nothing has said what time it is there"));
            &nothing
        }
    };
    steps.push(match driver.token().await {
        Ok(Some(_)) => ok(
            "credentials",
            "there is a token to register with".to_owned(),
        ),
        Ok(None) => skipped("credentials", "no token to register with is configured"),
        Err(error) => failed("credentials", error.to_string()),
    });
    steps.push(of_probe("registration", probe::registration(driver).await));
    steps.extend(of_tokens(env, provider, tokens, (discovered, secrets)).await);
    steps
}

async fn of_tokens(
    env: &Environment,
    provider: &Provider,
    tokens: &Tokens,
    (discovered, secrets): (&Discovered, &Secrets),
) -> Vec<Step> {
    let named = tokens
        .jwks_uri
        .as_deref()
        .and_then(|text| text.parse().ok());
    let keys = match named.or_else(|| discovered.jwks_uri.clone()) {
        Some(address) => of_probe("keys", probe::keys(env, address).await),
        None => skipped("keys", "nothing says where its keys are"),
    };
    let introspection = match &tokens.introspection {
        Some(asks) => {
            let named = asks.endpoint.as_deref().and_then(|text| text.parse().ok());
            let own = discovered.introspection_endpoint.clone().filter(|found| {
                let issuer = provider
                    .issuer
                    .as_deref()
                    .and_then(|text| text.parse().ok());
                issuer.is_some_and(|issuer: crate::outgoing::Address| issuer.has_origin_of(found))
            });
            match named.or(own) {
                Some(address) => {
                    let secret = secrets.introspection_client_secret.as_deref();
                    let client = (asks.client_id.as_str(), secret.unwrap_or_default());
                    of_probe(
                        "introspection",
                        probe::introspection(env, address, client).await,
                    )
                }
                None => failed(
                    "introspection",
                    "its metadata name no introspection_endpoint at the issuer's origin: name it in tokens.introspection.endpoint".to_owned(),
                ),
            }
        }
        None => skipped("introspection", "it is not configured"),
    };
    vec![keys, introspection]
}

fn clock(env: &Environment, discovered: &Discovered) -> Step {
    let said = discovered.date.as_ref().and_then(|date| date.to_str().ok());
    let moment = said.and_then(|text| DateTimeParser::new().parse_zoned(text).ok());
    let millis = moment.and_then(|it| u64::try_from(it.timestamp().as_millisecond()).ok());
    let Some(there) = millis else {
        return skipped("clock", "it does not say what time it is there");
    };
    let skew = Duration::from_millis(there.abs_diff(env.now().as_millis()));
    let detail = format!("{} seconds from the registry's", skew.as_secs());
    if skew > MAX_SKEW {
        return failed(
            "clock",
            format!("{detail}: tokens would be refused as not valid yet, or as expired"),
        );
    }
    ok("clock", detail)
}

fn of_probe(step: &'static str, probed: Result<String, ProviderError>) -> Step {
    match probed {
        Ok(detail) => ok(step, detail),
        Err(error) => failed(step, error.to_string()),
    }
}

const fn ok(step: &'static str, detail: String) -> Step {
    Step {
        step,
        outcome: Outcome::Ok,
        detail,
    }
}

const fn failed(step: &'static str, detail: String) -> Step {
    Step {
        step,
        outcome: Outcome::Failed,
        detail,
    }
}

fn skipped(step: &'static str, detail: &str) -> Step {
    Step {
        step,
        outcome: Outcome::Skipped,
        detail: detail.to_owned(),
    }
}

impl Provider {
    /// Whether a client that is registered there can get another secret and stay what it is.
    #[must_use]
    pub fn rotates_secrets(&self) -> bool {
        use super::configuration::SecretRotation::Registration;
        match Configuration::read(self.kind, &self.configuration) {
            Some(Configuration::Oidc(oidc)) => oidc.registration.secret_rotation != Registration,
            other => other.is_some(),
        }
    }

    /// Whether it can be asked which clients it has.
    #[must_use]
    pub fn lists_clients(&self) -> bool {
        match Configuration::read(self.kind, &self.configuration) {
            Some(Configuration::Oidc(oidc)) => oidc.registration.list_endpoint.is_some(),
            Some(Configuration::HttpBridge(bridge)) => bridge.list_endpoint.is_some(),
            Some(Configuration::Builtin) => true,
            None => false,
        }
    }

    /// Whether it is asked about tokens that are no JWTs.
    #[must_use]
    pub fn introspects(&self) -> bool {
        let configuration = Configuration::read(self.kind, &self.configuration);
        let tokens = configuration.as_ref().and_then(Configuration::tokens);
        self.kind != ProviderKind::Builtin && tokens.is_some_and(|it| it.introspection.is_some())
    }
}

#[cfg(test)]
mod tests;
