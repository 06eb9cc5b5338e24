//! Who polls this process of the registry.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::report::check_name;
use crate::{clock::Timestamp, error::InvalidField, ids::GroupId};

/// Gateways remembered at most.
const MAX: usize = 10_000;

/// A start of a gateway, in its group.
type Key = (GroupId, [u8; 16]);

/// When each gateway last began to poll. Kept in memory only.
#[derive(Debug, Default)]
pub struct Polls(Mutex<HashMap<Key, Poll>>);

/// A gateway's last poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Poll {
    pub(super) gateway: String,
    pub(super) at: Timestamp,
}

impl Polls {
    /// Notes that a gateway begins to poll. The one that was not seen for longest is forgotten when there are too many.
    pub fn saw(
        &self,
        group: GroupId,
        gateway: &str,
        instance: [u8; 16],
        at: Timestamp,
    ) -> Result<(), InvalidField> {
        check_name(gateway)?;
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if polls.len() >= MAX && !polls.contains_key(&(group, instance)) {
            let oldest = polls
                .iter()
                .min_by_key(|(_, poll)| poll.at)
                .map(|(key, _)| *key);
            oldest.map(|key| polls.remove(&key));
        }
        let poll = Poll {
            gateway: gateway.to_owned(),
            at,
        };
        polls.insert((group, instance), poll);
        Ok(())
    }

    /// Forgets those that have not polled since.
    pub fn forget_before(&self, moment: Timestamp) {
        let mut polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        polls.retain(|_, poll| poll.at >= moment);
    }

    pub(super) fn all(&self) -> Vec<(Key, Poll)> {
        let polls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        polls
            .iter()
            .map(|(key, poll)| (*key, poll.clone()))
            .collect()
    }
}
