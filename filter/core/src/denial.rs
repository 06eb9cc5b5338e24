//! Refusals: what the caller is told, and what the access log and metrics are told.
//!
//! | status | when |
//! |---|---|
//! | 400 | the request can be read in several ways: an ambiguous path, an unreadable host, a credential that occurs twice |
//! | 401 | no credential that is good; with one challenge per method that the rule accepts |
//! | 403 | a good credential of somebody who may not, or no rule for the request |
//! | 405 | what is told about a resource is asked for by another method than GET and HEAD; with `Allow` |
//! | 503 | it cannot be told now; with `Retry-After` |
//!
//! A repeated credential is 400, not 401: presenting another credential would not help, the request itself must change
//! (RFC 6750 section 3.1 says the same of tokens). Messages are APISIX's where it has one. They never say more than whether a
//! credential was missing or wrong; the precise reason is in [`Denial::details`], for the access log.

mod reason;

pub use reason::Reason;

use crate::{
    config::{Access, Rule},
    usage::Used,
};
use reason::Message;

/// How a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// With an HTTP status and JSON.
    Http,
    /// With a gRPC status, and the message as plain text.
    Grpc,
}

/// How a request was, or was to be, authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Not at all: a public rule, a preflight, no rule; or refused before it came to that.
    None,
    /// By API key.
    KeyAuth,
    /// By user name and password.
    BasicAuth,
    /// By bearer token.
    Bearer,
    /// By nothing good: the anonymous application stands in.
    Anonymous,
}

impl Method {
    /// Every one, for metrics.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::KeyAuth,
        Self::BasicAuth,
        Self::Bearer,
        Self::Anonymous,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::KeyAuth => "key_auth",
            Self::BasicAuth => "basic_auth",
            Self::Bearer => "bearer",
            Self::Anonymous => "anonymous",
        }
    }
}

/// How a decision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The request passes.
    Allowed,
    /// 401: there was no credential.
    Missing,
    /// 401: a credential was wrong.
    Invalid,
    /// 403.
    Forbidden,
    /// 400.
    Malformed,
    /// 503.
    Unavailable,
}

impl Outcome {
    /// Every one, for metrics.
    pub const ALL: [Self; 6] = [
        Self::Allowed,
        Self::Missing,
        Self::Invalid,
        Self::Forbidden,
        Self::Malformed,
        Self::Unavailable,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Forbidden => "forbidden",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A refusal, ready to be sent.
#[derive(Clone, Copy)]
pub struct Denial<'a> {
    reason: Reason,
    method: Method,
    caller: Caller,
    rule: Option<&'a Rule>,
    presented_token: bool,
    used: Option<Used>,
}

impl<'a> Denial<'a> {
    /// A refusal that no rule is involved in.
    #[must_use]
    pub const fn new(reason: Reason, caller: Caller) -> Self {
        let method = match reason {
            Reason::VerificationUnavailable | Reason::VerificationOverloaded => Method::BasicAuth,
            Reason::ProviderUnavailable | Reason::ProviderOverloaded => Method::Bearer,
            _ => Method::None,
        };
        Self {
            reason,
            method,
            caller,
            rule: None,
            presented_token: false,
            used: None,
        }
    }

    pub(crate) const fn by_rule(self, rule: &'a Rule, method: Method) -> Self {
        Self {
            rule: Some(rule),
            method,
            ..self
        }
    }

    /// Notes that a bearer token was presented, and is bad: the challenge says so (RFC 6750 section 3.1).
    pub(crate) const fn after_bad_token(self, presented_token: bool) -> Self {
        Self {
            presented_token,
            ..self
        }
    }

    /// Notes whose credential was refused.
    pub(crate) const fn of(self, used: Option<Used>) -> Self {
        Self { used, ..self }
    }

    /// The use of a credential that this is: one that is good but may not, or is known but is not good now. `None` when
    /// nobody's secret was presented.
    #[must_use]
    pub const fn used(&self) -> Option<Used> {
        self.used
    }

    /// The precise reason.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        if matches!(self.reason, Reason::MethodNotAllowed) {
            return 405;
        }
        match self.outcome() {
            Outcome::Allowed => 200,
            Outcome::Malformed => 400,
            Outcome::Missing | Outcome::Invalid => 401,
            Outcome::Forbidden => 403,
            Outcome::Unavailable => 503,
        }
    }

    /// The gRPC status, for a gRPC caller.
    #[must_use]
    pub const fn grpc_status(&self) -> Option<u8> {
        match (self.caller, self.outcome()) {
            (Caller::Http, _) => None,
            (Caller::Grpc, Outcome::Allowed) => Some(0),
            (Caller::Grpc, Outcome::Malformed) => Some(3),
            (Caller::Grpc, Outcome::Forbidden) => Some(7),
            (Caller::Grpc, Outcome::Unavailable) => Some(14),
            (Caller::Grpc, Outcome::Missing | Outcome::Invalid) => Some(16),
        }
    }

    /// The body: JSON, or the bare message for a gRPC caller.
    #[must_use]
    pub fn body(&self) -> &'static str {
        match self.caller {
            Caller::Http => self.message().json,
            Caller::Grpc => self.message().text,
        }
    }

    /// The body's media type.
    #[must_use]
    pub const fn content_type(&self) -> &'static str {
        match self.caller {
            Caller::Http => "application/json",
            Caller::Grpc => "text/plain",
        }
    }

    /// The `www-authenticate` headers: on 401 one per accepted method, on 403 that of a token of too little scope, on 400
    /// that of a token that was sent twice.
    pub fn challenges(&self) -> impl Iterator<Item = &'a str> {
        let protection = self.rule.and_then(|rule| match &rule.access {
            Access::Protected(protection) => Some(protection),
            Access::Public => None,
        });
        let unauthorized = protection.filter(|_| self.status() == 401);
        let key_auth = unauthorized.and_then(|protection| protection.key_auth.as_ref());
        let basic = unauthorized.and_then(|protection| protection.basic.as_ref());
        let lacks_scope = self.reason == Reason::ScopeMissing && self.method == Method::Bearer;
        let bearer = protection
            .and_then(|protection| protection.bearer.as_ref())
            .map(|bearer| &bearer.challenges)
            .and_then(|challenges| match self.status() {
                401 if self.presented_token => Some(&challenges.invalid_token),
                401 => Some(&challenges.missing),
                400 if self.presented_token => Some(&challenges.invalid_request),
                _ if lacks_scope => Some(&challenges.insufficient_scope),
                _ => None,
            });
        key_auth
            .map(|key_auth| key_auth.challenge.as_str())
            .into_iter()
            .chain(basic.map(|basic| basic.challenge.as_str()))
            .chain(bearer.map(alloc::string::String::as_str))
    }

    /// The `allow` header: which methods there are instead.
    #[must_use]
    pub const fn allow(&self) -> Option<&'static str> {
        match self.reason {
            Reason::MethodNotAllowed => Some("GET, HEAD"),
            _ => None,
        }
    }

    /// The `retry-after` header, in seconds.
    #[must_use]
    pub const fn retry_after(&self) -> Option<&'static str> {
        match self.outcome() {
            Outcome::Unavailable => Some("1"),
            _ => None,
        }
    }

    /// The response code details, for the access log: `keysmith_` and the precise reason.
    #[must_use]
    pub const fn details(&self) -> &'static str {
        self.reason.details()
    }

    /// How the decision ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.reason.outcome()
    }

    /// The method that refused; [`Method::None`] when it was not for one of them alone.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// The name of the rule that refused, if it has one.
    #[must_use]
    pub fn rule_name(&self) -> Option<&'a str> {
        self.rule.and_then(|rule| rule.name.as_deref())
    }

    fn message(&self) -> Message {
        let several = self.rule.is_some_and(|rule| match &rule.access {
            Access::Protected(protection) => protection.has_several_methods(),
            Access::Public => false,
        });
        self.reason.message(self.method, several)
    }
}

impl core::fmt::Debug for Denial<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Denial")
            .field("reason", &self.reason)
            .field("method", &self.method)
            .field("caller", &self.caller)
            .field("rule", &self.rule_name())
            .finish_non_exhaustive()
    }
}
