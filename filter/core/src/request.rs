//! What a decision may look at of a request: borrowed from the header pairs as the host hands them over.

pub mod pairs;

use crate::{denial::Caller, identity::IdentityHeader, path::Target, request::pairs::Pairs};

/// A request's headers, with those that every decision needs picked out.
///
/// Names are compared without regard to case. Any bytes are fine, anywhere; what is missing or repeated is known to be.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pairs: Pairs<'a>,
    method: Occurrences<'a>,
    path: Occurrences<'a>,
    authority: Occurrences<'a>,
    host: Occurrences<'a>,
    authorization: Occurrences<'a>,
    has_origin: bool,
    asks_for_method: bool,
    caller: Caller,
    claims_identity: bool,
}

impl<'a> Request<'a> {
    /// Reads the headers once.
    #[must_use]
    pub fn read(pairs: Pairs<'a>) -> Self {
        let mut request = Self {
            pairs,
            method: Occurrences::default(),
            path: Occurrences::default(),
            authority: Occurrences::default(),
            host: Occurrences::default(),
            authorization: Occurrences::default(),
            has_origin: false,
            asks_for_method: false,
            caller: Caller::Http,
            claims_identity: false,
        };
        for (name, value) in pairs {
            request.note(name, value);
        }
        request
    }

    fn note(&mut self, name: &'a [u8], value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            4 if is("host") => self.host.note(value),
            5 if is(":path") => self.path.note(value),
            6 if is("origin") => self.has_origin = true,
            7 if is(":method") => self.method.note(value),
            10 if is(":authority") => self.authority.note(value),
            12 if is("content-type") => self.caller = caller(value),
            13 if is("authorization") => self.authorization.note(value),
            29 if is("access-control-request-method") => self.asks_for_method = true,
            length => {
                self.claims_identity |=
                    length >= IdentityHeader::SHORTEST && IdentityHeader::spelled(name).is_some();
            }
        }
    }

    /// The method, unless it is missing or repeated.
    #[must_use]
    pub fn method(&self) -> Option<&'a [u8]> {
        self.method.only()
    }

    /// The path with its query, unless it is missing (as in CONNECT) or repeated.
    #[must_use]
    pub fn target(&self) -> Option<Target<'a>> {
        self.path.only().map(Target::split)
    }

    /// The host as the client wrote it, unless it is missing or repeated.
    #[must_use]
    pub fn host(&self) -> Option<&'a [u8]> {
        if self.authority.first.is_some() {
            self.authority.only()
        } else {
            self.host.only()
        }
    }

    /// The `authorization` headers.
    #[must_use]
    pub fn authorization(&self) -> Occurrences<'a> {
        self.authorization
    }

    /// Whether a browser asks before the actual request (Fetch standard, CORS-preflight fetch).
    #[must_use]
    pub fn is_preflight(&self) -> bool {
        self.method() == Some(b"OPTIONS") && self.has_origin && self.asks_for_method
    }

    /// How Envoy answers this caller (gRPC-Web is answered as HTTP).
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Whether the client sent an identity header, in any spelling.
    #[must_use]
    pub fn claims_identity(&self) -> bool {
        self.claims_identity
    }

    /// All headers.
    #[must_use]
    pub fn pairs(&self) -> Pairs<'a> {
        self.pairs
    }
}

/// The same test as Envoy's, since Envoy turns the reply into gRPC.
fn caller(content_type: &[u8]) -> Caller {
    const GRPC: &[u8] = b"application/grpc";
    let is_grpc = content_type
        .split_at_checked(GRPC.len())
        .is_some_and(|(kind, rest)| {
            kind.eq_ignore_ascii_case(GRPC) && (rest.is_empty() || rest.starts_with(b"+"))
        });
    if is_grpc { Caller::Grpc } else { Caller::Http }
}

/// A header, parameter or cookie that should occur once at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occurrences<'a> {
    /// The first one's value as written.
    pub first: Option<&'a [u8]>,
    /// Whether there is another.
    pub repeated: bool,
}

impl<'a> Occurrences<'a> {
    /// Counts one more.
    pub fn note(&mut self, value: &'a [u8]) {
        self.repeated = self.first.is_some();
        self.first = self.first.or(Some(value));
    }

    /// The value, if there is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<&'a [u8]> {
        self.first.filter(|_| !self.repeated)
    }
}
