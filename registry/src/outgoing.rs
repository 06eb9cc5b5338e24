//! The one way in which the registry makes HTTP requests: to identity providers, at addresses that people and providers
//! name.
//!
//! Such an address must not become a way into the registry's own network. So a name is resolved here, each address that
//! it has is held against the [`Policy`], and the very address that was checked is dialled. Redirects are not followed.
//! Time and size are bounded. An answer of any status is an answer; what it means is the caller's to say.

mod address;
mod connection;
mod policy;
mod trust;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, rustls::ClientConfig};

pub use self::{
    address::{Address, AddressError},
    policy::Policy,
    trust::{TrustError, trust},
};

/// Bytes of an answer at most.
pub const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// For how long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For how long everything may take together.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no answer. None of them repeats a header or a body.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// The name has no address.
    #[error("{host} cannot be resolved: {reason}")]
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// One of its addresses is not one that the registry may talk to.
    #[error(
        "{host} is at {address}, which the registry does not talk to: see the setting outgoing_allowed_networks"
    )]
    Forbidden {
        /// The name, or the address itself.
        host: String,
        /// The address.
        address: IpAddr,
    },
    /// Without TLS, and not on this machine.
    #[error("{host} is not on this machine, and the address does not begin with https")]
    Plaintext {
        /// The name.
        host: String,
    },
    /// Nobody answers there, or not as TLS wants it: nothing was sent.
    #[error("cannot connect to {host}: {reason}")]
    Unreachable {
        /// The name.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The connection ended, or what came is not HTTP. What was asked for may have been done.
    #[error("{host} did not answer properly: {reason}")]
    Broken {
        /// The name.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer did not come in time. What was asked for may have been done.
    #[error("{host} did not answer within {} seconds", TIMEOUT.as_secs())]
    Late {
        /// The name.
        host: String,
    },
    /// The answer is longer than [`MAX_ANSWER_BYTES`]. What was asked for may have been done.
    #[error("the answer of {host} is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong {
        /// The name.
        host: String,
    },
}

impl OutgoingError {
    /// Whether it is certain that nobody got the request.
    #[must_use]
    pub const fn was_never_sent(&self) -> bool {
        matches!(
            self,
            Self::Unresolved { .. }
                | Self::Forbidden { .. }
                | Self::Plaintext { .. }
                | Self::Unreachable { .. }
        )
    }
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is to be done.
    pub method: Method,
    /// Where.
    pub address: Address,
    /// Headers; those with secrets marked as sensitive, so that they are not shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for none.
    pub body: Bytes,
}

/// An answer.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

impl std::fmt::Debug for Answer {
    /// Without headers and body, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// How names become addresses.
#[async_trait]
pub trait Resolve: std::fmt::Debug + Send + Sync {
    /// All addresses of a name.
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// The registry's way out. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Under a policy, trusting whom `tls` trusts.
    #[must_use]
    pub fn new(policy: Policy, resolver: Arc<dyn Resolve>, tls: Arc<ClientConfig>) -> Self {
        Self {
            policy: Arc::new(policy),
            resolver,
            tls: TlsConnector::from(tls),
        }
    }

    /// Sends a request, once, and reads the whole answer.
    pub async fn send(&self, call: Call) -> Result<Answer, OutgoingError> {
        let host = call.address.host().to_owned();
        let exchange = async {
            let at = self.allowed(&call.address).await?;
            let connecting = connection::open(&call.address, &at, &self.tls);
            let sender = match timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
            };
            let sender = sender.map_err(|error| OutgoingError::Unreachable {
                host: host.clone(),
                reason: error.to_string(),
            })?;
            connection::exchange(sender, call, &host).await
        };
        match timeout(TIMEOUT, exchange).await {
            Ok(answered) => answered,
            Err(_) => Err(OutgoingError::Late { host: host.clone() }),
        }
    }

    /// The addresses of a host, all of which may be talked to.
    async fn allowed(&self, address: &Address) -> Result<Vec<SocketAddr>, OutgoingError> {
        let host = address.host();
        let found = match address.literal() {
            Some(literal) => Ok(vec![SocketAddr::new(literal, address.port())]),
            None => self.resolver.addresses(host, address.port()).await,
        };
        let unresolved = |reason: String| OutgoingError::Unresolved {
            host: host.to_owned(),
            reason,
        };
        let found = found.map_err(|error| unresolved(error.to_string()))?;
        if found.is_empty() {
            return Err(unresolved("it has no address".to_owned()));
        }
        for candidate in &found {
            // One that may not be talked to spoils the name: which of them is dialled is not left to chance.
            if !self.policy.allows(candidate.ip()) {
                return Err(OutgoingError::Forbidden {
                    host: host.to_owned(),
                    address: candidate.ip(),
                });
            }
            if !address.is_https() && !policy::is_this_machine(candidate.ip()) {
                return Err(OutgoingError::Plaintext {
                    host: host.to_owned(),
                });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
