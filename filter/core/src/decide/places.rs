//! Where a request carries the credentials that a rule accepts.

use crate::{
    basic::Authorization,
    config::Protection,
    cookie, query,
    request::{Occurrences, Request},
};

/// What was found in each configured place.
#[derive(Clone, Copy, Default)]
pub(super) struct Places<'a> {
    pub(super) header: Occurrences<'a>,
    pub(super) query: Occurrences<'a>,
    pub(super) cookie: Occurrences<'a>,
    /// The secret that belongs to the key.
    pub(super) secret: Occurrences<'a>,
    /// Where the rule accepts HTTP Basic or bearer tokens.
    pub(super) authorization: Occurrences<'a>,
    /// Whether a bearer token is sent in the query beside the one in the header (RFC 6750 section 2).
    has_second_token: bool,
}

impl<'a> Places<'a> {
    pub(super) fn find(protection: &Protection, request: &Request<'a>) -> Self {
        let mut places = Self::default();
        if protection.basic.is_some() || protection.bearer.is_some() {
            places.authorization = request.authorization();
            places.has_second_token =
                protection.bearer.is_some() && places.has_token_in_query(request);
        }
        let Some(key_auth) = &protection.key_auth else {
            return places;
        };
        let header = key_auth.header.as_deref().unwrap_or_default();
        let secret = key_auth.secret_header.as_deref().unwrap_or_default();
        let cookie = key_auth.cookie.as_deref();
        for (name, value) in request.pairs() {
            if !header.is_empty() && name.eq_ignore_ascii_case(header.as_bytes()) {
                places.header.note(value);
            } else if !secret.is_empty() && name.eq_ignore_ascii_case(secret.as_bytes()) {
                places.secret.note(value);
            } else if let Some(cookie) = cookie
                && name.eq_ignore_ascii_case(b"cookie")
            {
                cookie::find(value, cookie, &mut places.cookie);
            }
        }
        if let Some(name) = &key_auth.query
            && let Some(query) = request.target().and_then(|target| target.query)
        {
            places.query = query::find(query, name);
        }
        places
    }

    #[inline(never)]
    fn has_token_in_query(&self, request: &Request<'a>) -> bool {
        let is_token = |value| Authorization::split(value).is("bearer");
        let target = request
            .target()
            .filter(|_| self.authorization.first.is_some_and(is_token));
        let query = target.and_then(|target| target.query);
        query.is_some_and(|query| query::find(query, "access_token").first.is_some())
    }

    /// Whether a bearer token is sent twice, where the rule accepts such: by whatever means.
    pub(super) fn token_is_repeated(&self) -> bool {
        self.has_second_token || self.authorization.repeated || self.authorization_is_joined()
    }

    /// Whether a credential occurs twice in one place, as separate headers or joined by Envoy into one; or a token in two.
    pub(super) fn any_is_repeated(&self) -> bool {
        self.token_is_repeated()
            || [self.header, self.query, self.cookie, self.secret]
                .iter()
                .any(|place| place.repeated)
    }

    fn authorization_is_joined(&self) -> bool {
        self.authorization.first.is_some_and(|value| {
            let authorization = Authorization::split(value);
            // Neither base64 nor a token has a comma.
            (authorization.is("basic") || authorization.is("bearer"))
                && authorization.credentials.contains(&b',')
        })
    }
}
