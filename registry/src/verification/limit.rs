//! So many attempts a minute, for each of many.

use std::{net::IpAddr, time::Duration};

use super::{Tag, memory::Memory};
use crate::clock::Timestamp;

const MINUTE: u64 = 60_000;

/// Token buckets that hold one minute's worth, kept as the moment when each is full again (GCRA). Under a flood of
/// new names the oldest are forgotten, which fills their buckets.
#[derive(Debug)]
pub(crate) struct Limiter {
    full_at: Memory<Tag, u64>,
    /// Milliseconds for which one attempt counts.
    cost: u64,
}

impl Limiter {
    pub(crate) fn per_minute(attempts: u32, remembered: usize) -> Self {
        Self {
            full_at: Memory::new(remembered),
            cost: (MINUTE / u64::from(attempts.max(1))).max(1),
        }
    }

    /// Takes one attempt; answers how long to wait when there is none.
    pub(super) fn take(&mut self, who: Tag, now: Timestamp) -> Option<Duration> {
        self.take_many(who, 1, now)
    }

    /// Takes so many attempts at once, or none of them. More than a minute's worth is never taken.
    pub(crate) fn take_many(
        &mut self,
        who: Tag,
        attempts: u32,
        now: Timestamp,
    ) -> Option<Duration> {
        let next = self.next(&who, attempts, now);
        let wait = over(next, now);
        if wait.is_none() {
            self.full_at.insert(who, next);
        }
        wait
    }

    /// How long to wait until an attempt can be taken, without taking it.
    pub(crate) fn wait(&self, who: &Tag, now: Timestamp) -> Option<Duration> {
        over(self.next(who, 1, now), now)
    }

    /// When the bucket would be full again after so many attempts.
    fn next(&self, who: &Tag, attempts: u32, now: Timestamp) -> u64 {
        let full_at = self.full_at.get(who).copied().unwrap_or(0);
        let full_at = full_at.max(now.as_millis());
        full_at.saturating_add(self.cost.saturating_mul(attempts.into()))
    }
}

/// By how much more than a minute's worth is taken.
fn over(next: u64, now: Timestamp) -> Option<Duration> {
    let over = next.saturating_sub(now.as_millis()).saturating_sub(MINUTE);
    (over > 0).then(|| Duration::from_millis(over))
}

/// The address as one client counts: an IPv6 network of 64 bits is one, and a mapped IPv4 address is that address.
pub(super) fn source(text: &str) -> String {
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: Tag = [1; 32];

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_one_after_another() {
        let mut limiter = Limiter::per_minute(60, 8);
        let start = Timestamp::from_millis(1_000_000);
        for _ in 0..60 {
            assert_eq!(limiter.take(WHO, start), None);
        }
        assert_eq!(limiter.take(WHO, start), Some(Duration::from_secs(1)));
        let later = start.after(Duration::from_secs(1));
        assert_eq!(limiter.take(WHO, later), None);
        assert_eq!(limiter.take(WHO, later), Some(Duration::from_secs(1)));
        assert_eq!(limiter.take([2; 32], later), None);
    }

    #[test]
    fn addresses_of_one_network_are_one_source() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:2"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
