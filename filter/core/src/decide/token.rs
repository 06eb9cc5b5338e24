//! Access tokens in the form of a JWT: who issued it, whether it is good, and which client has it.

use alloc::boxed::Box;

use super::{
    Question,
    attempt::{Attempt, Attempts, Stop, settled},
    kinds::is_b64token,
};
use crate::{
    config::Issued,
    denial::Reason,
    digest::SecretHash,
    feed::{CredentialKind, Issuer},
    gateway::access_tokens::IssuerKeysQuestion,
    jwt::{self, Claims, Expected, Header, JwtError, Token},
    snapshot::{KnownIssuer, MissingKey},
    tokens::{Remembered, SignatureCheck, TokenId},
};

/// A token whose form is read.
#[cfg_attr(
    target_pointer_width = "64",
    expect(
        clippy::large_enum_variant,
        reason = "there is one at a time, on the stack, and a box would cost every new token an allocation"
    )
)]
enum Read<'a> {
    /// Its signature was good with those keys.
    Before(&'a Remembered),
    Now(Token<'a>),
}

impl Read<'_> {
    const fn header(&self) -> &Header {
        match self {
            Self::Before(known) => &known.header,
            Self::Now(token) => &token.signed.header,
        }
    }

    const fn claims(&self) -> &Claims {
        match self {
            Self::Before(known) => &known.claims,
            Self::Now(token) => &token.claims,
        }
    }
}

impl<'a> Attempts<'_, 'a> {
    pub(super) fn jwt(&self, accepted: &'a Issued, token: &'a [u8]) -> Attempt<'a> {
        let id = self.snapshot.tokens.id(token);
        let read = match self.snapshot.tokens.find(id) {
            Some(known) => Read::Before(known),
            None if !is_b64token(token) => return Ok(Err(Reason::CredentialMalformed)),
            None => match Token::parse(token) {
                Ok(token) => Read::Now(token),
                Err(error) => return refused(error),
            },
        };
        let Some(known_issuer) = self.issuer(accepted, read.claims())? else {
            return refused(JwtError::Issuer);
        };
        let issuer = known_issuer.issuer;
        if let Err(error) = self.is_good(accepted, issuer, &read) {
            return refused(error);
        }
        match read {
            Read::Before(known) if known.keys == known_issuer.version => {
                if issuer.revoked.binary_search(&known.digest).is_ok() {
                    return Ok(Err(Reason::TokenRevoked));
                }
                self.client(&known.client, &known.claims)
            }
            // Other keys are known now: the one that signed it may be gone.
            Read::Before(_) => match Token::parse(token) {
                Ok(token) => self.verify(id, token, known_issuer),
                Err(error) => refused(error),
            },
            Read::Now(token) => self.verify(id, token, known_issuer),
        }
    }

    /// The issuer that a token names, where the rule accepts it and gateways know it.
    pub(super) fn issuer(
        &self,
        accepted: &Issued,
        claims: &Claims,
    ) -> Result<Option<KnownIssuer<'a>>, Stop<'a>> {
        let Some(name) = &claims.issuer else {
            return Ok(None);
        };
        if !accepted.issuers.is_empty() && !accepted.issuers.contains(name) {
            return Ok(None);
        }
        settled(self.snapshot.issuer(name))
    }

    /// Everything about a token but its signature and its client.
    fn is_good(&self, accepted: &Issued, issuer: &Issuer, read: &Read<'_>) -> Result<(), JwtError> {
        let header = read.header();
        if !(header.is_access_token() || !issuer.types_its_tokens && header.may_be_access_token()) {
            return Err(JwtError::Type);
        }
        read.claims().check(&Expected {
            issuer: &issuer.name,
            audiences: &accepted.audiences,
            leeway_ms: accepted.leeway_ms,
            now_ms: self.now_ms,
        })
    }

    fn verify(&self, id: TokenId, token: Token<'a>, known: KnownIssuer<'a>) -> Attempt<'a> {
        if self.snapshot.tokens.is_refused(id, known.version) {
            return refused(JwtError::Signature);
        }
        let issuer = known.issuer;
        let client = match token.claims.client(issuer.client_claim) {
            Ok(client) => SecretHash::of_client(&issuer.name, client),
            Err(error) => return refused(error),
        };
        match jwt::key::find(known.keys, &token.signed.header) {
            Ok(key) => Err(Stop::Verify(Box::new(SignatureCheck {
                id,
                key: key.clone(),
                keys: known.version,
                client,
                token,
            }))),
            Err(error) => self.without_key(&known, &token.signed.header, error),
        }
    }

    /// A token that names a key which the issuer is not known to have: it may be one that the issuer began to use just now.
    fn without_key(
        &self,
        known: &KnownIssuer<'_>,
        header: &Header,
        error: JwtError,
    ) -> Attempt<'a> {
        let has_key = |name: &String| known.keys.iter().any(|key| key.id.as_ref() == Some(name));
        let Some(key_id) = header.key_id.as_ref().filter(|name| !has_key(name)) else {
            return refused(error);
        };
        match self.snapshot.missing_key(&known.issuer.name) {
            MissingKey::Unknown => refused(error),
            MissingKey::Unavailable => Ok(Err(Reason::ProviderUnavailable)),
            MissingKey::Ask => Err(Stop::Ask(Question::IssuerKeys(Box::new(
                IssuerKeysQuestion {
                    issuer: known.issuer.name.clone(),
                    key_id: key_id.clone(),
                },
            )))),
        }
    }

    /// Whether the client that the token was issued to is somebody's credential that is good now.
    pub(super) fn client(&self, client: &SecretHash, claims: &'a Claims) -> Attempt<'a> {
        let found = settled(self.snapshot.find(client))?;
        let Some(credential) = found.filter(|found| found.kind() == CredentialKind::OauthClient)
        else {
            return Ok(Err(Reason::ClientUnknown));
        };
        let valid_from = credential.tokens_valid_from();
        let is_superseded = valid_from > 0 && claims.issued_at.is_none_or(|at| at < valid_from);
        let vetted = match self.vet(credential)? {
            Ok(_) if is_superseded => Err(Reason::TokenSuperseded),
            vetted => vetted,
        };
        if vetted.is_err() {
            self.note_refused(&credential);
        }
        Ok(vetted.map(|identity| identity.by_token(&claims.scopes)))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every attempt ends in this type")]
pub(super) fn refused<'a>(error: JwtError) -> Attempt<'a> {
    Ok(Err(Reason::Token(error)))
}
