//! The configuration as it is written, before any value is checked.

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub(super) registry: RegistryInput,
    pub(super) rules: Vec<RuleInput>,
    #[serde(default)]
    pub(super) unmatched: UnmatchedInput,
    #[serde(default)]
    pub(super) ambiguous_paths: AmbiguousPathsInput,
    pub(super) ready_path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegistryInput {
    pub(super) cluster: String,
    pub(super) verify_cluster: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) group: Option<String>,
    pub(super) gateway: Option<String>,
    pub(super) token: TokenInput,
    pub(super) poll_wait_seconds: Option<u64>,
    pub(super) max_staleness_seconds: Option<StalenessInput>,
    pub(super) verify_timeout_ms: Option<u64>,
    pub(super) usage_seconds: Option<u64>,
}

pub(super) enum TokenInput {
    Environment(String),
    Inline(Zeroizing<String>),
    Injected,
}

#[derive(Clone, Copy)]
pub(super) enum StalenessInput {
    Seconds(u64),
    Off,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnmatchedInput {
    #[default]
    Refuse,
    Allow,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AmbiguousPathsInput {
    #[default]
    Refuse,
    MatchRaw,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleInput {
    pub(super) name: Option<String>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) paths: Option<Vec<PathInput>>,
    pub(super) methods: Option<Vec<String>>,
    #[serde(default)]
    pub(super) public: bool,
    pub(super) key_auth: Option<KeyAuthInput>,
    pub(super) basic_auth: Option<BasicInput>,
    pub(super) bearer: Option<BearerInput>,
    pub(super) required_scopes: Option<Vec<String>>,
    pub(super) allow_applications: Option<Vec<String>>,
    pub(super) deny_applications: Option<Vec<String>>,
    pub(super) anonymous: Option<String>,
    pub(super) realm: Option<String>,
    pub(super) cors_preflight: Option<PreflightInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PathInput {
    Prefix(String),
    Exact(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyAuthInput {
    #[serde(default)]
    pub(super) header: PlaceInput,
    #[serde(default)]
    pub(super) query: PlaceInput,
    pub(super) cookie: Option<String>,
    pub(super) secret_header: Option<String>,
    #[serde(default)]
    pub(super) hide_credentials: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicInput {
    #[serde(default)]
    pub(super) hide_credentials: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BearerInput {
    pub(super) accept: Option<Vec<AcceptInput>>,
    pub(super) issuers: Option<Vec<String>>,
    pub(super) audiences: Option<Vec<String>>,
    pub(super) leeway_seconds: Option<u64>,
    pub(super) resource: Option<String>,
    #[serde(default)]
    pub(super) hide_credentials: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AcceptInput {
    BearerToken,
    ApiKey,
    Jwt,
    Introspection,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PreflightInput {
    Authenticate,
    Pass,
}

/// A place for a key: `null` switches it off, silence may mean the default.
#[derive(Default)]
pub(super) enum PlaceInput {
    #[default]
    Unsaid,
    Off,
    Named(String),
}

impl<'de> Deserialize<'de> for PlaceInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Option::deserialize(deserializer)?;
        Ok(name.map_or(Self::Off, Self::Named))
    }
}

impl<'de> Deserialize<'de> for TokenInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenVisitor)
    }
}

/// By hand, because serde's own messages would repeat a token that was given as a bare text.
struct TokenVisitor;

const TOKEN_FORMS: &str = r#"must be {"environment": NAME}, {"inline": TOKEN} or "injected""#;

impl<'de> Visitor<'de> for TokenVisitor {
    type Value = TokenInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TOKEN_FORMS)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TokenInput, E> {
        if text == "injected" {
            Ok(TokenInput::Injected)
        } else {
            Err(E::custom(TOKEN_FORMS))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TokenInput, A::Error> {
        let token = match map.next_key::<String>()?.as_deref() {
            Some("environment") => TokenInput::Environment(map.next_value()?),
            Some("inline") => TokenInput::Inline(Zeroizing::new(map.next_value()?)),
            _ => return Err(A::Error::custom(TOKEN_FORMS)),
        };
        match map.next_key::<String>()? {
            None => Ok(token),
            Some(_) => Err(A::Error::custom(TOKEN_FORMS)),
        }
    }
}

impl<'de> Deserialize<'de> for StalenessInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StalenessVisitor)
    }
}

struct StalenessVisitor;

impl Visitor<'_> for StalenessVisitor {
    type Value = StalenessInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a number of seconds or "off""#)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<StalenessInput, E> {
        Ok(StalenessInput::Seconds(seconds))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StalenessInput, E> {
        if text == "off" {
            Ok(StalenessInput::Off)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }
}
