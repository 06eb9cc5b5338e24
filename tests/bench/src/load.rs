//! The load generators: what they send, and what they saw.

use std::net::SocketAddr;

use crate::{report::Failed, variant::secret::Secrets};

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
    /// Whether every answer must be 200; or else none may be.
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

impl Seen {
    /// Whether every request was answered as it had to be. That there were any is not certain: on a busy machine a short
    /// slice may be over before the generator has begun.
    pub fn verify(&self, traffic: &Traffic) -> Result<(), Failed> {
        let wanted = if traffic.admitted { 0 } else { self.answered };
        if self.failed == 0 && self.refused == wanted {
            return Ok(());
        }
        let wish = if traffic.admitted { "200" } else { "a refusal" };
        Err(format!("every answer must be {wish}: {self:?} from {traffic:?}").into())
    }
}
