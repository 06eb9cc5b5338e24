//! The load generators: what they send, and what they saw.

use std::net::SocketAddr;

use crate::{
    report::Failed,
    system::http::{Connection, get},
    variant::secret::Secrets,
};

pub mod h2load;
pub mod wrk;

/// What is sent to an Envoy.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Where to.
    pub address: SocketAddr,
    /// The path, without a query.
    pub path: &'static str,
    /// The secrets, of which each request carries one drawn from all; `None` sends none.
    pub secrets: Option<Secrets>,
    /// Whether every answer must be 200 to 399; or else none may be.
    pub admitted: bool,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Requests that were answered.
    pub answered: u64,
    /// Answers that were not 200 to 399.
    pub refused: u64,
    /// Connections and requests that failed.
    pub failed: u64,
}

impl Traffic {
    /// Sends one request of it: a refusal must be 401 exactly. The generators count only that an answer is not 200 to 399,
    /// and an Envoy that is not ready answers 503.
    pub fn verify_refused(&self) -> Result<(), Failed> {
        let header = match &self.secrets {
            Some(secrets) => format!(
                "{}{}",
                secrets.kind.header_prefix(),
                secrets.read()?.first().ok_or("no secrets")?
            ),
            None => String::new(),
        };
        let headers: Vec<(&str, &str)> = header.split_once(": ").into_iter().collect();
        let status = Connection::open(self.address)?.status(&get(self.path, &headers))?;
        if status == 401 {
            return Ok(());
        }
        Err(format!("a request must be answered with 401: {status} to {self:?}").into())
    }
}

impl Seen {
    /// Of a generator that ended before it had begun.
    pub const NOTHING: Self = Self {
        answered: 0,
        refused: 0,
        failed: 0,
    };

    /// Whether every request was answered as it had to be. That there were any is not certain: on a busy machine a short
    /// slice may be over before the generator has begun.
    pub fn verify(&self, traffic: &Traffic) -> Result<(), Failed> {
        let wanted = if traffic.admitted { 0 } else { self.answered };
        if self.failed == 0 && self.refused == wanted {
            return Ok(());
        }
        let wish = if traffic.admitted {
            "200 to 399"
        } else {
            "a refusal"
        };
        Err(format!("every answer must be {wish}: {self:?} from {traffic:?}").into())
    }
}
