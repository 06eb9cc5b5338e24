//! Requests that were refused: counted in memory, and written down once for many, so that nobody fills the log or slows
//! the registry down by being refused.
//!
//! The first refusal of its kind is written within about a second; the further ones of its kind once a minute, with their
//! number. A crash loses what was counted since.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Action, Event, note};
use crate::{
    caller::Caller,
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::{OrganizationId, TokenId},
    store::WriteTransaction,
};

/// Kinds of refusals that are told apart in one period; the rest is counted together.
const MAX_KINDS: usize = 128;
/// How often refusals of one kind are written.
const PERIOD: Duration = Duration::from_mins(1);

/// Why there is no access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No token, or not in a form that is read.
    NoToken,
    /// Nobody's.
    UnknownToken,
    /// Its time is over.
    ExpiredToken,
    /// It was revoked.
    RevokedToken,
    /// It is valid, and its role does not allow the operation.
    Role,
}

impl Reason {
    const fn word(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::UnknownToken => "unknown_token",
            Self::ExpiredToken => "expired_token",
            Self::RevokedToken => "revoked_token",
            Self::Role => "role",
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Role => Action::AccessForbidden,
            _ => Action::LoginRefused,
        }
    }
}

/// A request that was refused, as far as requests are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The token, if it is or was one, and its organization.
    pub token: Option<(TokenId, OrganizationId)>,
    /// From where.
    pub address: Option<IpAddr>,
    /// Method and route.
    pub operation: String,
}

#[derive(Debug, Default)]
struct Count {
    /// Not written yet.
    waiting: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    is_written: bool,
}

/// What was refused and is to be written.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    since: Option<Timestamp>,
    kinds: HashMap<Refused, Count>,
    /// Of more kinds than are told apart: logins, and what was forbidden.
    others: [Count; 2],
}

impl Count {
    fn add(&mut self, count: u64, first: Timestamp, last: Timestamp) {
        self.waiting = self.waiting.saturating_add(count);
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }

    /// What is to be written now.
    fn take(&mut self) -> Option<(u64, Timestamp, Timestamp)> {
        let (first, last) = self.first.take().zip(self.last.take())?;
        self.is_written = true;
        Some((std::mem::take(&mut self.waiting), first, last))
    }
}

/// Refusals of one kind, on their way into the log.
#[derive(Debug)]
struct Line {
    action: Action,
    /// `None`: of the kinds that are not told apart.
    refused: Option<Refused>,
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

impl Refusals {
    /// Counts one. Never waits.
    pub fn add(&self, refused: Refused, now: Timestamp) {
        self.pending().add(refused, 1, (now, now));
    }

    /// Writes down what has not been written, in one transaction: of each kind once a minute, or all of it where the
    /// registry ends. What cannot be written is kept.
    pub async fn flush(&self, env: &Environment, is_last: bool) -> Result<(), Error> {
        let lines = self.pending().due(env.now(), is_last);
        if lines.is_empty() {
            return Ok(());
        }
        let written = write(env, &lines).await;
        if written.is_err() {
            self.pending().put_back(lines);
        }
        written
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn add(&mut self, refused: Refused, count: u64, (first, last): (Timestamp, Timestamp)) {
        let is_known = self.kinds.contains_key(&refused);
        let counted = if is_known || self.kinds.len() < MAX_KINDS {
            self.kinds.entry(refused).or_default()
        } else {
            self.others_of(refused.reason.action())
        };
        counted.add(count, first, last);
    }

    fn others_of(&mut self, action: Action) -> &mut Count {
        let [logins, forbidden] = &mut self.others;
        match action {
            Action::AccessForbidden => forbidden,
            _ => logins,
        }
    }

    fn due(&mut self, now: Timestamp, is_last: bool) -> Vec<Line> {
        let since = *self.since.get_or_insert(now);
        let is_over = is_last || now.since(since) >= PERIOD;
        let mut lines = Vec::new();
        for (refused, counted) in &mut self.kinds {
            let is_due = is_over || !counted.is_written;
            if let Some((count, first, last)) = is_due.then(|| counted.take()).flatten() {
                lines.push(Line {
                    action: refused.reason.action(),
                    refused: Some(refused.clone()),
                    count,
                    first,
                    last,
                });
            }
        }
        for action in [Action::LoginRefused, Action::AccessForbidden] {
            let counted = self.others_of(action);
            let is_due = is_over || !counted.is_written;
            if let Some((count, first, last)) = is_due.then(|| counted.take()).flatten() {
                lines.push(Line {
                    action,
                    refused: None,
                    count,
                    first,
                    last,
                });
            }
        }
        if is_over {
            *self = Self::default();
        }
        lines.sort_by_key(|line| line.first);
        lines
    }

    fn put_back(&mut self, lines: Vec<Line>) {
        for line in lines {
            let times = (line.first, line.last);
            if let Some(refused) = line.refused {
                self.add(refused.clone(), line.count, times);
                if let Some(counted) = self.kinds.get_mut(&refused) {
                    counted.is_written = false;
                }
            } else {
                let counted = self.others_of(line.action);
                counted.add(line.count, line.first, line.last);
                counted.is_written = false;
            }
        }
    }
}

async fn write(env: &Environment, lines: &[Line]) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    for line in lines {
        let (caller, event) = line.entry(write.as_mut()).await?;
        note(env, write.as_mut(), caller, event).await?;
    }
    env.commit(write).await?;
    Ok(())
}

impl Line {
    /// Whoever has no valid token acts for no organization: what it tried is the default one's to know.
    async fn entry(&self, write: &mut dyn WriteTransaction) -> Result<(Caller, Event), Error> {
        let token = self.refused.as_ref().and_then(|refused| refused.token);
        let organization = match token {
            Some((_, organization)) => organization,
            None => write.default_organization().await?.id,
        };
        let caller = Caller {
            token: token.map(|(id, _)| id),
            address: self.refused.as_ref().and_then(|refused| refused.address),
            ..Caller::registry(organization)
        };
        let subject = self
            .refused
            .as_ref()
            .map_or("other requests", |refused| refused.operation.as_str());
        let event = Event::of(self.action, subject)
            .with("count", self.count)
            .with("first_at", super::fields::moment(Some(self.first)))
            .with("last_at", super::fields::moment(Some(self.last)));
        let reason = self.refused.as_ref().map(|refused| refused.reason.word());
        Ok((caller, event.with("reason", reason)))
    }
}

#[cfg(test)]
mod tests;
