//! Where a request goes, as people and providers write it.

use std::{fmt, net::IpAddr, num::NonZeroU16, str::FromStr};

use axum::http::{Uri, uri::Scheme};

/// The longest address, in bytes.
pub(super) const MAX_LENGTH: usize = 2048;

/// Why a text is not an address that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL, or not an absolute one.
    #[error("must be an absolute URL of at most {MAX_LENGTH} bytes")]
    Malformed,
    /// It is neither `https` nor `http`.
    #[error("must begin with https:// (or http:// for this machine)")]
    Scheme,
    /// It carries a user name or password.
    #[error("must not carry a user name or password")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("must not have a fragment")]
    Fragment,
}

/// An absolute `https` or `http` URL without user name and fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    host: String,
    is_https: bool,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError::Malformed);
        }
        // `Uri` cuts it off in silence.
        if text.contains('#') {
            return Err(AddressError::Fragment);
        }
        let uri: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) => return Err(AddressError::Scheme),
            None => return Err(AddressError::Malformed),
        };
        let authority = uri.authority().ok_or(AddressError::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::Credentials);
        }
        // `Uri` takes what is no port for none.
        let behind_host = authority.as_str().strip_prefix(authority.host());
        let has_bad_port = match behind_host.unwrap_or_default() {
            "" => false,
            port => port
                .strip_prefix(':')
                .and_then(|port| port.parse::<NonZeroU16>().ok())
                .is_none(),
        };
        let host = authority
            .host()
            .trim_matches(['[', ']'])
            .to_ascii_lowercase();
        if host.is_empty() || has_bad_port {
            return Err(AddressError::Malformed);
        }
        Ok(Self {
            uri,
            host,
            is_https,
        })
    }
}

impl Address {
    /// The host in lower case, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as an address, where it is one.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port, said or not.
    #[must_use]
    pub fn port(&self) -> u16 {
        let default = if self.is_https { 443 } else { 80 };
        self.uri.port_u16().unwrap_or(default)
    }

    /// Whether TLS is spoken there.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether it has TLS, or is on this machine by its address or as `localhost`, and so needs none.
    #[must_use]
    pub fn may_be_plain(&self) -> bool {
        let is_local = self
            .literal()
            .map_or(self.host == "localhost", |address| address.is_loopback());
        self.is_https || is_local
    }

    /// Host and port as they were written, for the `host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.uri
            .authority()
            .map_or("", |authority| authority.as_str())
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
    }

    /// Whether both are the same scheme, host and port (RFC 6454): a provider's credentials go nowhere else.
    #[must_use]
    pub fn has_origin_of(&self, other: &Self) -> bool {
        (self.is_https, &self.host, self.port()) == (other.is_https, &other.host, other.port())
    }

    /// The address of something below this one, whatever this one ends with. `path` begins without a slash.
    pub fn below(&self, path: &str) -> Result<Self, AddressError> {
        let own = self.to_string();
        let own = own.split('?').next().unwrap_or_default();
        format!("{}/{path}", own.trim_end_matches('/')).parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for Address {
    /// Without the query, which may hold what is not to be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.uri.path())
    }
}
