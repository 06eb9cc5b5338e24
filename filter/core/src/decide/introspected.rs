//! Access tokens that say nothing by themselves: what their issuer says of them, and which client has them.

use alloc::{boxed::Box, string::String, vec::Vec};

use super::{
    Question, TokenQuestion,
    attempt::{Attempt, Attempts, Stop, settled},
    kinds::token_kinds,
    token::refused,
};
use crate::{
    config::{Bearer, Issued},
    denial::Reason,
    digest::SecretHash,
    introspections::{Active, IntrospectionId, Known},
    jwt::{Claims, JwtError, MAX_TOKEN_LENGTH},
    key::Shape,
};

impl<'a> Attempts<'_, 'a> {
    /// A token of a shape that Keysmith does not make, and no JWT: one that is known here is nobody else's business.
    pub(super) fn foreign(
        &self,
        bearer: &'a Bearer,
        issued: &'a Issued,
        token: &'a [u8],
    ) -> Attempt<'a> {
        let hash = SecretHash::of_value(token);
        if settled(self.snapshot.find(&hash))?.is_some() {
            return match token_kinds(bearer, Shape::Foreign) {
                Ok(kinds) => self.known(&hash, kinds),
                Err(reason) => Ok(Err(reason)),
            };
        }
        let Some(asked) = &issued.introspected_by else {
            return Ok(Err(Reason::CredentialUnknown));
        };
        let id = self.snapshot.introspections.id(&hash, asked);
        match self.snapshot.introspected(id) {
            Some(Known::Active(active)) => self.vouched_for(issued, &hash, active),
            Some(Known::Inactive) => Ok(Err(Reason::TokenInactive)),
            None => self.ask_about(id, issued, token),
        }
    }

    /// A token that its issuer vouched for a moment ago: everything else is looked at now.
    fn vouched_for(
        &self,
        issued: &Issued,
        hash: &SecretHash,
        Active { claims, client }: &'a Active,
    ) -> Attempt<'a> {
        let known = self.issuer(issued, claims)?;
        let Some(known) = known.filter(|known| known.issuer.introspects) else {
            return refused(JwtError::Issuer);
        };
        if let Err(error) = self.is_good_now(issued, claims) {
            return refused(error);
        }
        let (digest, _) = hash.expose().split_at(16);
        let revoked = &known.issuer.revoked;
        if revoked
            .binary_search_by(|revoked| revoked.as_slice().cmp(digest))
            .is_ok()
        {
            return Ok(Err(Reason::TokenRevoked));
        }
        self.client(client, claims)
    }

    /// Its end counts to the second: beyond it nobody vouches for it.
    fn is_good_now(&self, issued: &Issued, claims: &Claims) -> Result<(), JwtError> {
        if !claims.is_for(&issued.audiences) {
            return Err(JwtError::Audience);
        }
        if claims.expires_at.is_some_and(|end| end <= self.now_ms) {
            return Err(JwtError::Expired);
        }
        claims.has_begun(self.now_ms, issued.leeway_ms)
    }

    fn ask_about(&self, id: IntrospectionId, issued: &Issued, token: &[u8]) -> Attempt<'a> {
        if token.len() > MAX_TOKEN_LENGTH {
            return refused(JwtError::TooLong);
        }
        let mut issuers: Vec<String> = Vec::new();
        for name in &issued.issuers {
            if settled(self.snapshot.issuer(name))?.is_some_and(|known| known.issuer.introspects) {
                issuers.push(name.clone());
            }
        }
        // A token's characters are ASCII, as was looked at before.
        match core::str::from_utf8(token) {
            Ok(token) if !issuers.is_empty() => Err(Stop::Ask(Question::Introspection(Box::new(
                TokenQuestion::new(id, token, issuers),
            )))),
            _ => refused(JwtError::Issuer),
        }
    }
}
