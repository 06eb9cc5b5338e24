use alloc::{boxed::Box, string::String, vec::Vec};
use core::net::Ipv6Addr;

use super::{
    error::ConfigError,
    input::{AmbiguousPathsInput, RuleInput, UnmatchedInput},
    resource::{self, Document, Resource},
    rule, text,
};
use crate::{digest::SecretHash, ids::ObjectId, snapshot::ApplicationView};

const MAX_RULES: usize = 1_000;

/// What is asked of requests: an ordered list of rules, of which the first that matches decides.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) rules: Vec<Rule>,
    pub(crate) unmatched: Unmatched,
    pub(crate) ambiguous_paths: AmbiguousPaths,
    pub(crate) ready_path: Option<Vec<u8>>,
    /// What is told about the resources that rules name.
    pub(crate) documents: Vec<Document>,
}

impl Policy {
    /// The applications that stand in for callers without one: the snapshot must know their names.
    pub fn anonymous_applications(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| match &rule.access {
            Access::Protected(protection) => protection.anonymous.as_deref(),
            Access::Public => None,
        })
    }
}

/// What happens to requests that no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmatched {
    Refuse,
    Allow,
}

/// What happens to requests whose path could be read in several ways, where a rule looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AmbiguousPaths {
    Refuse,
    MatchRaw,
}

/// Which requests, and what they must present. An empty list of hosts, paths or methods is any.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: Option<String>,
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) methods: Vec<String>,
    pub(crate) access: Access,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    /// In lower case.
    Name(String),
    /// `.example.com` for `*.example.com`.
    Suffix(String),
    Address(Ipv6Addr),
}

#[derive(Clone, Debug)]
pub(crate) enum PathPattern {
    Prefix(Vec<u8>),
    Exact(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) enum Access {
    Public,
    Protected(Box<Protection>),
}

/// What a protected rule accepts: at least one method.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    pub(crate) key_auth: Option<KeyAuth>,
    pub(crate) basic: Option<Basic>,
    pub(crate) bearer: Option<Bearer>,
    pub(crate) required_scopes: Vec<String>,
    /// `None` allows all.
    pub(crate) allow: Option<Applications>,
    pub(crate) deny: Option<Applications>,
    pub(crate) anonymous: Option<String>,
    pub(crate) passes_preflights: bool,
}

impl Protection {
    pub(crate) fn has_several_methods(&self) -> bool {
        let methods = [
            self.key_auth.is_some(),
            self.basic.is_some(),
            self.bearer.is_some(),
        ];
        methods.into_iter().filter(|configured| *configured).count() > 1
    }
}

/// Where an API key may be; at least one place.
#[derive(Clone, Debug)]
pub(crate) struct KeyAuth {
    /// In lower case.
    pub(crate) header: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) cookie: Option<String>,
    /// Where the secret may be that belongs to a key; in lower case.
    pub(crate) secret_header: Option<String>,
    pub(crate) hides: bool,
    pub(crate) challenge: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Basic {
    pub(crate) hides: bool,
    pub(crate) challenge: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) accepts_bearer_tokens: bool,
    pub(crate) accepts_api_keys: bool,
    pub(crate) issued: Option<Issued>,
    pub(crate) resource: Option<Resource>,
    pub(crate) hides: bool,
    pub(crate) challenges: BearerChallenges,
}

/// What callers are told (RFC 6750 section 3), by what is wrong.
#[derive(Clone, Debug)]
pub(crate) struct BearerChallenges {
    /// There is no token.
    pub(crate) missing: String,
    pub(crate) invalid_request: String,
    pub(crate) invalid_token: String,
    pub(crate) insufficient_scope: String,
}

/// Which access tokens of issuers are accepted.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) accepts_jwts: bool,
    /// Where the issuers are asked about other tokens: who they are, in one hash.
    pub(crate) introspected_by: Option<SecretHash>,
    /// Empty: every issuer that the registry tells of.
    pub(crate) issuers: Vec<String>,
    /// At least one.
    pub(crate) audiences: Vec<String>,
    pub(crate) leeway_ms: u64,
}

impl Issued {
    pub(crate) const fn is_introspected(&self) -> bool {
        self.introspected_by.is_some()
    }
}

/// Applications by id or name, each list ordered.
#[derive(Clone, Debug)]
pub(crate) struct Applications {
    pub(super) ids: Vec<ObjectId>,
    pub(super) names: Vec<String>,
}

impl Applications {
    pub(crate) fn contain(&self, application: &ApplicationView<'_>) -> bool {
        let by_name = self
            .names
            .binary_search_by(|name| name.as_str().cmp(application.name()));
        by_name.is_ok() || self.ids.binary_search(&application.id()).is_ok()
    }
}

pub(super) fn check(
    rules: Vec<RuleInput>,
    unmatched: UnmatchedInput,
    ambiguous_paths: AmbiguousPathsInput,
    ready_path: Option<String>,
) -> Result<Policy, ConfigError> {
    if rules.is_empty() || rules.len() > MAX_RULES {
        let message = alloc::format!("must be 1 to {MAX_RULES} rules, are {}", rules.len());
        return Err(ConfigError::new(message).within("rules"));
    }
    let rules = rules
        .into_iter()
        .enumerate()
        .map(|(index, rule)| rule::check(rule).map_err(|error| error.at(index).within("rules")))
        .collect::<Result<Vec<_>, _>>()?;
    let documents = resource::documents(&rules)?;
    let ready_path = ready_path
        .map(|path| text::path(&path).map_err(|error| error.within("ready_path")))
        .transpose()?;
    Ok(Policy {
        rules,
        unmatched: match unmatched {
            UnmatchedInput::Refuse => Unmatched::Refuse,
            UnmatchedInput::Allow => Unmatched::Allow,
        },
        ambiguous_paths: match ambiguous_paths {
            AmbiguousPathsInput::Refuse => AmbiguousPaths::Refuse,
            AmbiguousPathsInput::MatchRaw => AmbiguousPaths::MatchRaw,
        },
        ready_path,
        documents,
    })
}
