//! Access tokens in the form of a JWT: who issued it, whether it is good, and which client has it.

use alloc::boxed::Box;

use super::attempt::{Attempt, Attempts, Stop, settled};
use crate::{
    config::Jwt,
    denial::Reason,
    digest::SecretHash,
    feed::{CredentialKind, Issuer},
    jwt::{self, Claims, Expected, Header, JwtError, Token},
    snapshot::KeysVersion,
    tokens::{Remembered, SignatureCheck, TokenId},
};

/// A token whose form is read.
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
    pub(super) fn jwt(&self, accepted: &'a Jwt, token: &'a [u8]) -> Attempt<'a> {
        let id = self.snapshot.tokens.id(token);
        let read = match self.snapshot.tokens.find(id) {
            Some(known) => Read::Before(known),
            None => match Token::parse(token) {
                Ok(token) => Read::Now(token),
                Err(error) => return refused(error),
            },
        };
        let Some((issuer, keys)) = self.issuer(accepted, read.claims())? else {
            return refused(JwtError::Issuer);
        };
        if let Err(error) = self.is_good(accepted, issuer, &read) {
            return refused(error);
        }
        match read {
            Read::Before(known) if known.keys == keys => {
                if issuer.revoked.binary_search(&known.digest).is_ok() {
                    return Ok(Err(Reason::TokenRevoked));
                }
                self.client(issuer, &known.claims)
            }
            // Other keys are known now: the one that signed it may be gone.
            Read::Before(_) => match Token::parse(token) {
                Ok(token) => self.verify(id, token, issuer, keys),
                Err(error) => refused(error),
            },
            Read::Now(token) => self.verify(id, token, issuer, keys),
        }
    }

    /// The issuer that a token names, where the rule accepts it and gateways know it.
    fn issuer(
        &self,
        accepted: &Jwt,
        claims: &Claims,
    ) -> Result<Option<(&'a Issuer, KeysVersion)>, Stop<'a>> {
        let Some(name) = &claims.issuer else {
            return Ok(None);
        };
        if !accepted.issuers.is_empty() && !accepted.issuers.contains(name) {
            return Ok(None);
        }
        settled(self.snapshot.issuer(name))
    }

    /// Everything about a token but its signature and its client.
    fn is_good(&self, accepted: &Jwt, issuer: &Issuer, read: &Read<'_>) -> Result<(), JwtError> {
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

    fn verify(
        &self,
        id: TokenId,
        token: Token<'a>,
        issuer: &Issuer,
        keys: KeysVersion,
    ) -> Attempt<'a> {
        if self.snapshot.tokens.is_refused(id, keys) {
            return refused(JwtError::Signature);
        }
        match jwt::key::find(&issuer.keys, &token.signed.header) {
            Ok(key) => Err(Stop::Verify(Box::new(SignatureCheck {
                id,
                key: key.clone(),
                keys,
                token,
            }))),
            Err(error) => refused(error),
        }
    }

    /// Whose client the token was issued to.
    fn client(&self, issuer: &Issuer, claims: &'a Claims) -> Attempt<'a> {
        let client = match claims.client(issuer.client_claim) {
            Ok(client) => client,
            Err(error) => return refused(error),
        };
        let hash = SecretHash::of_client(&issuer.name, client);
        let found = settled(self.snapshot.find(&hash))?;
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

fn refused<'a>(error: JwtError) -> Attempt<'a> {
    Ok(Err(Reason::Token(error)))
}
