//! What a rule says of bearer tokens.

use alloc::{format, string::String};

use super::{
    error::ConfigError,
    input::{AcceptInput, BearerInput},
    policy::{Bearer, BearerChallenges, Issued},
    resource::{self, Resource},
    rule::{empty_list, list},
    text,
};
use crate::introspections::of_issuers;

/// How far clocks may be apart where a rule does not say, and at most, in seconds.
const DEFAULT_LEEWAY: u64 = 30;
const MAX_LEEWAY: u64 = 300;

pub(super) fn check(
    mut input: BearerInput,
    realm: Option<&str>,
    required_scopes: &[String],
) -> Result<Bearer, ConfigError> {
    let accept = match input.accept.take() {
        Some(accept) if accept.is_empty() => return Err(empty_list().within("accept")),
        Some(accept) => accept,
        None => alloc::vec![AcceptInput::BearerToken],
    };
    let resource = input
        .resource
        .take()
        .map(|text| resource::check(&text).map_err(|error| error.within("resource")))
        .transpose()?;
    Ok(Bearer {
        accepts_bearer_tokens: accept.contains(&AcceptInput::BearerToken),
        accepts_api_keys: accept.contains(&AcceptInput::ApiKey),
        hides: input.hide_credentials,
        challenges: challenges(realm, required_scopes, resource.as_ref()),
        issued: issued(input, &accept, resource.as_ref())?,
        resource,
    })
}

fn challenges(
    realm: Option<&str>,
    required_scopes: &[String],
    resource: Option<&Resource>,
) -> BearerChallenges {
    let realm = realm.unwrap_or("keysmith");
    let metadata = resource.map_or_else(String::new, |resource| {
        format!(", resource_metadata=\"{}\"", resource.metadata_url)
    });
    let saying = |what: &str| format!("Bearer realm=\"{realm}\"{what}{metadata}");
    BearerChallenges {
        missing: saying(""),
        invalid_request: saying(", error=\"invalid_request\""),
        invalid_token: saying(", error=\"invalid_token\""),
        insufficient_scope: saying(&format!(
            ", error=\"insufficient_scope\", scope=\"{}\"",
            required_scopes.join(" ")
        )),
    }
}

/// What is said of tokens that issuers gave.
fn issued(
    input: BearerInput,
    accept: &[AcceptInput],
    resource: Option<&Resource>,
) -> Result<Option<Issued>, ConfigError> {
    let BearerInput {
        issuers,
        audiences,
        leeway_seconds,
        ..
    } = input;
    let accepts_jwts = accept.contains(&AcceptInput::Jwt);
    let introspects = accept.contains(&AcceptInput::Introspection);
    if !accepts_jwts && !introspects {
        let present = [
            ("issuers", issuers.is_some()),
            ("audiences", audiences.is_some()),
            ("leeway_seconds", leeway_seconds.is_some()),
        ];
        return match present.into_iter().find(|(_, present)| *present) {
            Some((field, _)) => Err(ConfigError::new(
                "means nothing unless accept has \"jwt\" or \"introspection\"",
            )
            .within(field)),
            None => Ok(None),
        };
    }
    let issuers = list(issuers, "issuers", |issuer| {
        text::issuer(&issuer).map(|()| issuer)
    })?;
    let mut audiences = list(audiences, "audiences", |audience| {
        text::audience(&audience).map(|()| audience)
    })?;
    if let Some(resource) = resource
        && audiences.is_empty()
    {
        audiences.push(resource.identifier.clone());
    }
    if introspects && issuers.is_empty() {
        return Err(ConfigError::new(
            "must be there where accept has \"introspection\": whoever is asked about a token gets to see it",
        )
        .within("issuers"));
    }
    if audiences.is_empty() {
        return Err(ConfigError::new(
            "must be there where accept has \"jwt\" or \"introspection\", unless there is a resource: without it a token for anybody else would pass, and an ID token too",
        )
        .within("audiences"));
    }
    let leeway = leeway_seconds.unwrap_or(DEFAULT_LEEWAY);
    if leeway > MAX_LEEWAY {
        let message = format!("must be {MAX_LEEWAY} at most");
        return Err(ConfigError::new(message).within("leeway_seconds"));
    }
    Ok(Some(Issued {
        accepts_jwts,
        introspected_by: introspects.then(|| of_issuers(&issuers)),
        issuers,
        audiences,
        leeway_ms: leeway.saturating_mul(1000),
    }))
}
