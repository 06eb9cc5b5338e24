//! Whether one of the credentials that a rule accepts proves who the request is from.

use alloc::{boxed::Box, string::String};
use core::cell::Cell;

use zeroize::Zeroizing;

use super::{
    PasswordQuestion, Question,
    failure::{Failure, Failures},
    kinds::{is_b64token, key_kind, token_kinds},
    places::Places,
};
use crate::{
    basic::{Authorization, UserPass},
    config::{Bearer, Protection},
    denial::{Method, Reason},
    digest::SecretHash,
    feed::CredentialKind,
    identity::Identity,
    jwt,
    key::{SecretType, Shape, shape},
    query,
    snapshot::{CredentialView, Found, Part, Snapshot},
    tokens::SignatureCheck,
    usage::{UseOutcome, Used},
    verdicts::Known,
};

/// Why there is no identity, or none yet.
pub(super) enum Stop<'a> {
    Refused(Failure),
    Ask(Question),
    Verify(Box<SignatureCheck<'a>>),
    Load(Part),
    Changing,
}

/// The methods of one rule, tried on one request.
pub(super) struct Attempts<'p, 'a> {
    protection: &'a Protection,
    pub(super) snapshot: &'a Snapshot,
    places: &'p Places<'a>,
    pub(super) now_ms: u64,
    renewal: Cell<Option<Box<PasswordQuestion>>>,
    refused: Cell<Option<Used>>,
}

/// Of one method: an identity, or the reason why not, or a stop of the whole decision.
pub(super) type Attempt<'a> = Result<Result<Identity<'a>, Reason>, Stop<'a>>;

impl<'p, 'a> Attempts<'p, 'a> {
    pub(super) const fn new(
        protection: &'a Protection,
        snapshot: &'a Snapshot,
        places: &'p Places<'a>,
        now_ms: u64,
    ) -> Self {
        Self {
            protection,
            snapshot,
            places,
            now_ms,
            renewal: Cell::new(None),
            refused: Cell::new(None),
        }
    }

    /// Tries each method in turn. The first success counts.
    pub(super) fn authenticate(&self) -> Result<(Method, Identity<'a>), Stop<'a>> {
        let mut failures = Failures::default();
        if self.protection.key_auth.is_some() {
            match self.key_auth()? {
                Ok(identity) => return Ok((Method::KeyAuth, identity)),
                Err(reason) => failures.note(Method::KeyAuth, reason),
            }
        }
        if self.protection.basic.is_some() {
            match self.basic_auth()? {
                Ok(identity) => return Ok((Method::BasicAuth, identity)),
                Err(reason) => failures.note(Method::BasicAuth, reason),
            }
        }
        if let Some(bearer) = &self.protection.bearer {
            match self.bearer(bearer)? {
                Ok(identity) => return Ok((Method::Bearer, identity)),
                Err(reason) => failures.note(Method::Bearer, reason),
            }
        }
        Err(Stop::Refused(failures.sum(self.refused.get())))
    }

    /// Header before query before cookie; the first that is there counts.
    fn key_auth(&self) -> Attempt<'a> {
        let Places {
            header,
            query,
            cookie,
            ..
        } = self.places;
        if let Some(key) = header.first {
            self.key(key)
        } else if let Some(written) = query.first {
            self.key(&query::decode(written))
        } else if let Some(key) = cookie.first {
            self.key(key)
        } else {
            Ok(Err(Reason::KeyMissing))
        }
    }

    /// A request that carries a secret is one of a pair: its key alone proves nothing, even if it could.
    fn key(&self, key: &[u8]) -> Attempt<'a> {
        match self.places.secret.first {
            Some(secret) => self.pair(key, secret),
            None => self.single_value(key, key_kind(shape(key))),
        }
    }

    /// A key and the secret that belongs to it: good together or not at all.
    fn pair(&self, key: &[u8], secret: &[u8]) -> Attempt<'a> {
        if let Err(reason) = key_kind(shape(key)) {
            return Ok(Err(reason));
        }
        match shape(secret) {
            Shape::Malformed => Ok(Err(Reason::CredentialMalformed)),
            Shape::Generated(SecretType::ClientSecret) => {
                let [key, secret] = [key, secret].map(SecretHash::of_value);
                let hash = SecretHash::of_pair(&key, &secret);
                self.known(&hash, &[CredentialKind::ApiKeyPair])
            }
            // Such secrets are always generated.
            Shape::Generated(_) | Shape::Foreign => Ok(Err(Reason::CredentialUnknown)),
        }
    }

    /// Apart, so that a key does not pay for the room that a token needs.
    #[inline(never)]
    fn bearer(&self, bearer: &'a Bearer) -> Attempt<'a> {
        let Some(authorization) = self.authorization().filter(|value| value.is("bearer")) else {
            return Ok(Err(Reason::TokenMissing));
        };
        let token = authorization.credentials;
        let shape = shape(token);
        let issued = bearer.issued.as_ref();
        let issued = issued.filter(|_| matches!(shape, Shape::Foreign));
        let has_form = issued.is_some() && jwt::has_form(token);
        match issued {
            // Looked up before it is looked at.
            Some(issued) if has_form && issued.accepts_jwts => self.jwt(issued, token),
            _ if !is_b64token(token) => Ok(Err(Reason::CredentialMalformed)),
            Some(issued) if !has_form && issued.is_introspected() => {
                self.foreign(bearer, issued, token)
            }
            _ => self.single_value(token, token_kinds(bearer, shape)),
        }
    }

    fn basic_auth(&self) -> Attempt<'a> {
        let Some(authorization) = self.authorization() else {
            return Ok(Err(Reason::AuthorizationMissing));
        };
        let presented = Some(authorization)
            .filter(|value| value.is("basic"))
            .and_then(|value| UserPass::parse(value.credentials));
        let Some(presented) = presented else {
            return Ok(Err(Reason::AuthorizationMalformed));
        };
        if !presented.is_plausible() {
            return Ok(Err(Reason::CredentialUnknown));
        }
        match shape(presented.password()) {
            Shape::Malformed => Ok(Err(Reason::CredentialMalformed)),
            Shape::Generated(SecretType::Password) => {
                let hash = SecretHash::of_basic(presented.username(), presented.password());
                self.known(&hash, &[CredentialKind::BasicGenerated])
            }
            Shape::Generated(SecretType::ClientSecret) => {
                self.pair(presented.username(), presented.password())
            }
            // Nobody can have chosen a value of this shape.
            Shape::Generated(_) => Ok(Err(Reason::CredentialUnknown)),
            Shape::Foreign => self.chosen_password(&presented),
        }
    }

    fn chosen_password(&self, presented: &UserPass) -> Attempt<'a> {
        let by_name = SecretHash::of_username(presented.username());
        let Some(credential) = settled(self.snapshot.find(&by_name))?
            .filter(|credential| credential.kind() == CredentialKind::BasicChosen)
        else {
            return Ok(Err(Reason::CredentialUnknown));
        };
        let identity = match self.vet(credential)? {
            Ok(identity) => identity,
            Err(reason) => return Ok(Err(reason)),
        };
        let (Ok(username), Ok(password)) = (
            core::str::from_utf8(presented.username()),
            core::str::from_utf8(presented.password()),
        ) else {
            return Ok(Err(Reason::PasswordWrong));
        };
        let hash = SecretHash::of_basic(presented.username(), presented.password());
        let question = || {
            Box::new(PasswordQuestion {
                username: Zeroizing::new(String::from(username)),
                password: Zeroizing::new(String::from(password)),
                hash: hash.clone(),
                credential: credential.id(),
                version: credential.version(),
            })
        };
        match self.snapshot.verdict(&hash, &credential) {
            Some(Known::Right(secret)) => Ok(Ok(identity.by_secret(secret))),
            Some(Known::RightButAging(secret)) => {
                self.renewal.set(Some(question()));
                Ok(Ok(identity.by_secret(secret)))
            }
            Some(Known::Wrong) => Ok(Err(Reason::PasswordWrong)),
            None => Err(Stop::Ask(Question::Password(question()))),
        }
    }

    /// What the registry should be asked again, while the request goes on.
    pub(super) fn take_renewal(&self) -> Option<Box<PasswordQuestion>> {
        self.renewal.take()
    }

    /// A key or token; `kinds` are those it can be, by its shape and the rule.
    fn single_value(&self, value: &[u8], kinds: Result<&[CredentialKind], Reason>) -> Attempt<'a> {
        match kinds {
            Ok(kinds) => self.known(&SecretHash::of_value(value), kinds),
            Err(reason) => Ok(Err(reason)),
        }
    }

    pub(super) fn known(&self, hash: &SecretHash, kinds: &[CredentialKind]) -> Attempt<'a> {
        let found = settled(self.snapshot.find(hash))?;
        let Some(credential) = found.filter(|found| kinds.contains(&found.kind())) else {
            return Ok(Err(Reason::CredentialUnknown));
        };
        let vetted = self.vet(credential)?;
        if vetted.is_err() {
            self.note_refused(&credential);
        }
        Ok(vetted)
    }

    /// Notes that a known credential was presented and is not good: the first one counts.
    pub(super) fn note_refused(&self, credential: &CredentialView<'a>) {
        if self.refused.get().is_none() {
            self.refused.set(Some(Used {
                credential: credential.id(),
                version: credential.version(),
                outcome: UseOutcome::Refused,
            }));
        }
    }

    /// Whether a known credential is good now.
    pub(super) fn vet(&self, credential: CredentialView<'a>) -> Attempt<'a> {
        let expires_at = credential.expires_at();
        if !credential.enabled() {
            return Ok(Err(Reason::CredentialDisabled));
        }
        if self.now_ms < credential.not_before() {
            return Ok(Err(Reason::CredentialNotYetValid));
        }
        if expires_at != 0 && expires_at <= self.now_ms {
            return Ok(Err(Reason::CredentialExpired));
        }
        Ok(match settled(self.snapshot.application_of(&credential))? {
            None => Err(Reason::ApplicationUnknown),
            Some(application) if !application.enabled() => Err(Reason::ApplicationDisabled),
            Some(application) => Ok(Identity::proven(application, credential)),
        })
    }

    fn authorization(&self) -> Option<Authorization<'a>> {
        self.places.authorization.first.map(Authorization::split)
    }
}

/// A look-up's result, unless the decision cannot go on without more.
pub(super) fn settled<'a, T>(found: Found<T>) -> Result<Option<T>, Stop<'a>> {
    match found {
        Found::Present(value) => Ok(Some(value)),
        Found::Absent => Ok(None),
        Found::NotLoaded(part) => Err(Stop::Load(part)),
        Found::Changing => Err(Stop::Changing),
    }
}
