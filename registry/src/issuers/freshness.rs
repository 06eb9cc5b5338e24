//! For how long what a provider publishes is good, as its answer says, within bounds.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};

/// Not fetched more often, whatever the answer says.
pub(super) const SHORTEST: Duration = Duration::from_mins(1);
/// Not kept longer, whatever the answer says.
pub(super) const LONGEST: Duration = Duration::from_hours(1);
/// Where the answer says nothing.
const UNSAID: Duration = Duration::from_mins(5);
/// The first pause after a failure. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// For how long an answer with these headers is good (RFC 9111 section 5.2.2).
pub(super) fn of(headers: &HeaderMap) -> Duration {
    let directives = headers.get_all(header::CACHE_CONTROL).iter();
    let directives = directives.filter_map(|value| value.to_str().ok());
    let mut said = None;
    for directive in directives.flat_map(|value| value.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        if matches!(directive.as_str(), "no-store" | "no-cache") {
            return SHORTEST;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            said = seconds.trim_matches('"').parse::<u64>().ok();
        }
    }
    let age = number(headers, &header::AGE).unwrap_or(0);
    let left = said.map(|seconds| Duration::from_secs(seconds.saturating_sub(age)));
    left.unwrap_or(UNSAID).clamp(SHORTEST, LONGEST)
}

/// For how long nothing is tried after so many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1).min(16));
    let pause = FIRST_PAUSE.saturating_mul(doubled.unwrap_or(u32::MAX));
    pause.min(LONGEST_PAUSE)
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good_for(pairs: &[(HeaderName, &'static str)]) -> u64 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        of(&headers).as_secs()
    }

    #[test]
    fn an_answer_is_good_for_as_long_as_it_says_within_bounds() {
        let control = |value| vec![(header::CACHE_CONTROL, value)];
        assert_eq!(good_for(&[]), 300);
        assert_eq!(good_for(&control("public, max-age=600")), 600);
        assert_eq!(good_for(&control("max-age=5")), 60);
        assert_eq!(good_for(&control("max-age=999999")), 3600);
        assert_eq!(good_for(&control("max-age=600, no-cache")), 60);
        assert_eq!(good_for(&control("max-age=soon")), 300);
        let aged = [(header::CACHE_CONTROL, "max-age=600"), (header::AGE, "500")];
        assert_eq!(good_for(&aged), 100);
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let seconds: Vec<u64> = (1..=4).map(|it| pause(it).as_secs()).collect();
        assert_eq!(seconds, [2, 4, 8, 16]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
