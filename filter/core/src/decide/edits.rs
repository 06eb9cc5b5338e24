//! What is taken out of a request that passes.

use alloc::vec::Vec;

use super::places::Places;
use crate::{
    basic::Authorization,
    config::{KeyAuth, Protection},
    cookie,
    identity::IdentityHeader,
    query,
    request::Request,
};

const AUTHORIZATION: &str = "authorization";
const COOKIE: &str = "cookie";

/// What is taken out of a request that passes. Nothing is on the heap unless there is something to take out of a list.
#[derive(Default)]
pub struct Edits<'a> {
    key_header: Option<&'a str>,
    secret_header: Option<&'a str>,
    drops_authorization: bool,
    drops_cookies: bool,
    claimed_identity: Vec<&'a [u8]>,
    path: Option<Vec<u8>>,
    cookie: Option<Vec<u8>>,
}

impl<'a> Edits<'a> {
    /// The headers to remove, every copy. An entry may occur twice.
    pub fn removed_headers(&self) -> impl Iterator<Item = &[u8]> {
        [
            self.key_header,
            self.secret_header,
            self.drops_authorization.then_some(AUTHORIZATION),
            self.drops_cookies.then_some(COOKIE),
        ]
        .into_iter()
        .flatten()
        .map(str::as_bytes)
        .chain(self.claimed_identity.iter().copied())
    }

    /// The new `:path`, where the query loses a parameter.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.path.as_deref()
    }

    /// The new and only `cookie` header, where others remain.
    #[must_use]
    pub fn cookie(&self) -> Option<&[u8]> {
        self.cookie.as_deref()
    }

    /// Takes out what the client says about who it is, in any spelling.
    pub(super) fn of_stranger(request: &Request<'a>) -> Self {
        let mut edits = Self::default();
        if request.claims_identity() {
            edits.claimed_identity = request
                .pairs()
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| IdentityHeader::spelled(name).is_some())
                .collect();
        }
        edits
    }

    /// Takes out the credentials that the rule hides, from every place, whichever of them was used.
    pub(super) fn hide(
        mut self,
        protection: &'a Protection,
        request: &Request<'a>,
        places: &Places<'a>,
    ) -> Self {
        if let Some(value) = places.authorization.first
            && hides_authorization(protection, value)
        {
            self.drops_authorization = true;
        }
        match &protection.key_auth {
            Some(key_auth) if key_auth.hides => self.hide_key(key_auth, request, places),
            _ => self,
        }
    }

    fn hide_key(
        mut self,
        key_auth: &'a KeyAuth,
        request: &Request<'a>,
        places: &Places<'a>,
    ) -> Self {
        if places.header.first.is_some() {
            self.key_header = key_auth.header.as_deref();
        }
        if places.secret.first.is_some() {
            self.secret_header = key_auth.secret_header.as_deref();
        }
        if let (Some(name), Some(target)) = (&key_auth.query, request.target())
            && places.query.first.is_some()
        {
            self.path = Some(query::without(&target, name));
        }
        if let Some(name) = &key_auth.cookie
            && places.cookie.first.is_some()
        {
            let mut others = Vec::new();
            for (header, value) in request.pairs() {
                if header.eq_ignore_ascii_case(COOKIE.as_bytes()) {
                    cookie::append_without(value, name, &mut others);
                }
            }
            if others.is_empty() {
                self.drops_cookies = true;
            } else {
                self.cookie = Some(others);
            }
        }
        self
    }
}

/// The method that the header's scheme belongs to decides; for another scheme, any that hides.
fn hides_authorization(protection: &Protection, value: &[u8]) -> bool {
    let basic = protection.basic.as_ref().map(|basic| basic.hides);
    let bearer = protection.bearer.as_ref().map(|bearer| bearer.hides);
    let authorization = Authorization::split(value);
    let owner = if authorization.is("basic") {
        basic
    } else if authorization.is("bearer") {
        bearer
    } else {
        None
    };
    owner.unwrap_or(basic == Some(true) || bearer == Some(true))
}

impl core::fmt::Debug for Edits<'_> {
    /// Paths and cookies may hold secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Edits")
            .field("key_header", &self.key_header)
            .field("drops_authorization", &self.drops_authorization)
            .finish_non_exhaustive()
    }
}
