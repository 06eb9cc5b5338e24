//! The decision: may this request pass, as whom, and with which edits?
//!
//! Pure: the same policy, snapshot, request and time give the same decision.

mod attempt;
mod edits;
mod matching;
mod places;

pub use edits::Edits;

use alloc::string::String;

use zeroize::Zeroizing;

use crate::{
    config::{Access, Policy, Protection, Rule, Unmatched},
    denial::{Denial, Method, Reason},
    digest::SecretHash,
    identity::{Identity, IdentityHeader, Value},
    ids::ObjectId,
    request::Request,
    snapshot::{Part, Readiness, Snapshot},
};
use attempt::{Attempts, Stop, settled};
use places::Places;

/// What to do with a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Forward it, with these edits.
    Allow(Allow<'a>),
    /// Answer it with this refusal.
    Deny(Denial<'a>),
    /// Have the registry verify a chosen password, remember its answer, and decide again.
    Ask(Question),
    /// Copy this part of the snapshot, and decide again.
    Load(Part),
    /// Answer 200: the request is a readiness probe, and decisions can be made.
    Ready,
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
    /// What the registry should be asked meanwhile: the memory of this request's chosen password is about to run out.
    pub renewal: Option<Question>,
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

/// A chosen password to be verified.
pub struct Question {
    /// The user name as presented.
    pub username: Zeroizing<String>,
    /// The password as presented.
    pub password: Zeroizing<String>,
    /// What the answer is remembered under.
    pub hash: SecretHash,
    /// Whose password it would be.
    pub credential: ObjectId,
    /// The version of its secret that is known here.
    pub version: u32,
}

impl core::fmt::Debug for Question {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Question")
            .field("credential", &self.credential)
            .field("version", &self.version)
            .finish_non_exhaustive()
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
            return self.deny(Reason::CredentialRepeated, Method::None, false);
        }
        if self.protection.passes_preflights && self.request.is_preflight() {
            return self.pass(Method::None, None, &places);
        }
        if let Some(reason) = unavailability(self.snapshot) {
            return self.deny(reason, Method::None, false);
        }
        let attempts = Attempts::new(self.protection, self.snapshot, &places, self.now_ms);
        let failure = match attempts.authenticate() {
            Ok((method, identity)) => {
                let mut decision = self.authorize(method, identity, &places);
                if let Decision::Allow(allow) = &mut decision {
                    allow.renewal = attempts.take_renewal();
                }
                return decision;
            }
            Err(Stop::Refused(failure)) => failure,
            Err(stop) => return self.stop(stop),
        };
        let Some(anonymous) = &self.protection.anonymous else {
            return self.deny(failure.reason, failure.method, failure.bad_token);
        };
        let reason = match settled(self.snapshot.application_named(anonymous)) {
            Err(stop) => return self.stop(stop),
            Ok(None) => Reason::AnonymousUnknown,
            Ok(Some(application)) if !application.enabled() => Reason::AnonymousDisabled,
            Ok(Some(application)) => {
                return self.authorize(
                    Method::Anonymous,
                    Identity::anonymous(application),
                    &places,
                );
            }
        };
        self.deny(reason, Method::Anonymous, failure.bad_token)
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
        let has_scope = |required: &String| {
            identity
                .scopes()
                .split(' ')
                .any(|scope| scope == required.as_str())
        };
        if listed(&protection.deny) == Some(true) {
            self.deny(Reason::ApplicationDenied, method, false)
        } else if listed(&protection.allow) == Some(false) {
            self.deny(Reason::ApplicationNotAllowed, method, false)
        } else if !protection.required_scopes.iter().all(has_scope) {
            self.deny(Reason::ScopeMissing, method, false)
        } else {
            self.pass(method, Some(identity), places)
        }
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

    fn stop(&self, stop: Stop) -> Decision<'a> {
        match stop {
            Stop::Ask(question) => Decision::Ask(question),
            Stop::Load(part) => Decision::Load(part),
            Stop::Changing => self.deny(Reason::SnapshotChanging, Method::None, false),
            Stop::Refused(failure) => self.deny(failure.reason, failure.method, failure.bad_token),
        }
    }
}

fn pass<'a>(method: Method, identity: Option<Identity<'a>>, edits: Edits<'a>) -> Decision<'a> {
    Decision::Allow(Allow {
        method,
        identity,
        edits,
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
