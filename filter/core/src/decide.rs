//! The decision: may this request pass, as whom, and with which edits?
//!
//! Pure: the same policy, snapshot, request and time give the same decision.

mod attempt;
mod edits;
mod failure;
mod introspected;
mod kinds;
mod matching;
mod places;
mod question;
mod token;

pub use edits::Edits;
pub use question::{PasswordQuestion, Question, TokenQuestion};

use alloc::{boxed::Box, string::String};

use crate::{
    config::{Access, Policy, Protection, Rule, Unmatched},
    denial::{Denial, Method, Reason},
    identity::{Identity, IdentityHeader, Value},
    request::Request,
    snapshot::{Part, Readiness, Snapshot},
    tokens::SignatureCheck,
    usage::{UseOutcome, Used},
};
use attempt::{Attempts, Stop, settled};
use failure::Failure;
use places::Places;

/// What to do with a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Forward it, with these edits.
    Allow(Allow<'a>),
    /// Answer it with this refusal.
    Deny(Denial<'a>),
    /// Ask the registry, remember its answer, and decide again.
    Ask(Question),
    /// Check this signature, remember what came of it, and decide again.
    Verify(Box<SignatureCheck<'a>>),
    /// Copy this part of the snapshot, and decide again.
    Load(Part),
    /// Answer 200: the request is a readiness probe, and decisions can be made.
    Ready,
    /// Answer 200 with this JSON: the metadata of a protected resource (RFC 9728 section 3.2), for everybody.
    Document(&'a str),
}

impl Decision<'_> {
    fn using(self, used: Option<Used>) -> Self {
        match self {
            Self::Allow(allow) => Self::Allow(Allow { used, ..allow }),
            Self::Deny(denial) => Self::Deny(denial.of(used)),
            other => other,
        }
    }
}

/// A request that passes.
#[derive(Debug)]
pub struct Allow<'a> {
    /// How it was authenticated.
    pub method: Method,
    /// Who it is from, where a credential or the anonymous application says so.
    pub identity: Option<Identity<'a>>,
    /// What to take out of it.
    pub edits: Edits<'a>,
    /// The use of a credential that it is: of one that let it pass, or of one that is refused where the anonymous
    /// application stands in.
    pub used: Option<Used>,
    /// What the registry should be asked meanwhile: the memory of this request's chosen password is about to run out.
    pub renewal: Option<Box<PasswordQuestion>>,
}

impl<'a> Allow<'a> {
    /// The headers to set, after those of [`Edits::removed_headers`] are gone. To be replaced, never added.
    pub fn identity_headers(&self) -> impl Iterator<Item = (&'static str, Value<'a>)> {
        let identity = self.identity;
        IdentityHeader::ALL.into_iter().filter_map(move |header| {
            let value = identity?.value(header)?;
            Some((header.name(), value))
        })
    }
}

/// Decides about a request at `now_ms`, Unix time in milliseconds.
#[must_use]
pub fn decide<'a>(
    policy: &'a Policy,
    snapshot: &'a Snapshot,
    request: &Request<'a>,
    now_ms: u64,
) -> Decision<'a> {
    let deny = |reason| Decision::Deny(Denial::new(reason, request.caller()));
    let mut reading = matching::Reading::new(policy.ambiguous_paths, request);
    if let Some(ready_path) = &policy.ready_path
        && reading.has_path(ready_path)
    {
        return unavailability(snapshot).map_or(Decision::Ready, deny);
    }
    if !policy.documents.is_empty()
        && let Some(document) = reading.document(&policy.documents)
    {
        return match request.method() {
            Some(b"GET" | b"HEAD") => Decision::Document(&document.json),
            _ => deny(Reason::MethodNotAllowed),
        };
    }
    match reading.first_match(&policy.rules) {
        Err(reason) => deny(reason),
        Ok(None) => match policy.unmatched {
            Unmatched::Refuse => deny(Reason::Unmatched),
            Unmatched::Allow => pass(Method::None, None, Edits::of_stranger(request)),
        },
        Ok(Some(rule)) => match &rule.access {
            Access::Public => pass(Method::None, None, Edits::of_stranger(request)),
            Access::Protected(protection) => Case {
                rule,
                protection,
                snapshot,
                request,
                now_ms,
            }
            .decide(),
        },
    }
}

/// One request under one rule that protects it.
struct Case<'c, 'a> {
    rule: &'a Rule,
    protection: &'a Protection,
    snapshot: &'a Snapshot,
    request: &'c Request<'a>,
    now_ms: u64,
}

impl<'a> Case<'_, 'a> {
    fn decide(&self) -> Decision<'a> {
        let places = Places::find(self.protection, self.request);
        if places.any_is_repeated() {
            let is_token = self.protection.bearer.is_some() && places.token_is_repeated();
            return self.deny(Reason::CredentialRepeated, Method::None, is_token);
        }
        if self.protection.passes_preflights && self.request.is_preflight() {
            return self.pass(Method::None, None, &places);
        }
        if let Some(reason) = unavailability(self.snapshot) {
            return self.deny(reason, Method::None, false);
        }
        let attempts = Attempts::new(self.protection, self.snapshot, &places, self.now_ms);
        let mut decision = match attempts.authenticate() {
            Ok((method, identity)) => self.authorize(method, identity, &places),
            Err(Stop::Refused(failure)) => self.without_credential(&failure, &places),
            Err(stop) => return self.stop(stop),
        };
        if let Decision::Allow(allow) = &mut decision {
            allow.renewal = attempts.take_renewal();
        }
        decision
    }

    /// Lets the anonymous application stand in, where there is one.
    fn without_credential(&self, failure: &Failure, places: &Places<'a>) -> Decision<'a> {
        let Some(anonymous) = &self.protection.anonymous else {
            return self.refuse(failure);
        };
        let reason = match settled(self.snapshot.application_named(anonymous)) {
            Err(stop) => return self.stop(stop),
            Ok(None) => Reason::AnonymousUnknown,
            Ok(Some(application)) if !application.enabled() => Reason::AnonymousDisabled,
            Ok(Some(application)) => {
                let identity = Identity::anonymous(application);
                let decision = self.authorize(Method::Anonymous, identity, places);
                return decision.using(failure.used);
            }
        };
        self.refuse(&Failure {
            reason,
            method: Method::Anonymous,
            ..*failure
        })
    }

    fn authorize(
        &self,
        method: Method,
        identity: Identity<'a>,
        places: &Places<'a>,
    ) -> Decision<'a> {
        let protection = self.protection;
        let listed = |list: &Option<_>| {
            list.as_ref()
                .map(|list: &crate::config::Applications| list.contain(identity.application()))
        };
        let has_scope = |required: &String| identity.has_scope(required);
        let reason = if listed(&protection.deny) == Some(true) {
            Reason::ApplicationDenied
        } else if listed(&protection.allow) == Some(false) {
            Reason::ApplicationNotAllowed
        } else if !protection.required_scopes.iter().all(has_scope) {
            Reason::ScopeMissing
        } else {
            let used = identity.used(UseOutcome::Allowed);
            return self.pass(method, Some(identity), places).using(used);
        };
        let used = identity.used(UseOutcome::Forbidden);
        self.deny(reason, method, false).using(used)
    }

    fn pass(
        &self,
        method: Method,
        identity: Option<Identity<'a>>,
        places: &Places<'a>,
    ) -> Decision<'a> {
        let edits = Edits::of_stranger(self.request).hide(self.protection, self.request, places);
        pass(method, identity, edits)
    }

    fn deny(&self, reason: Reason, method: Method, bad_token: bool) -> Decision<'a> {
        let denial = Denial::new(reason, self.request.caller())
            .by_rule(self.rule, method)
            .after_bad_token(bad_token);
        Decision::Deny(denial)
    }

    fn stop(&self, stop: Stop<'a>) -> Decision<'a> {
        match stop {
            Stop::Ask(question) => Decision::Ask(question),
            Stop::Verify(check) => Decision::Verify(check),
            Stop::Load(part) => Decision::Load(part),
            Stop::Changing => self.deny(Reason::SnapshotChanging, Method::None, false),
            Stop::Refused(failure) => self.refuse(&failure),
        }
    }

    fn refuse(&self, failure: &Failure) -> Decision<'a> {
        self.deny(failure.reason, failure.method, failure.bad_token)
            .using(failure.used)
    }
}

fn pass<'a>(method: Method, identity: Option<Identity<'a>>, edits: Edits<'a>) -> Decision<'a> {
    Decision::Allow(Allow {
        method,
        identity,
        edits,
        used: None,
        renewal: None,
    })
}

fn unavailability(snapshot: &Snapshot) -> Option<Reason> {
    match snapshot.readiness() {
        Readiness::Ready => None,
        Readiness::NeverComplete => Some(Reason::SnapshotNeverComplete),
        Readiness::Stale => Some(Reason::SnapshotStale),
    }
}
