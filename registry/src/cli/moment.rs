//! Moments and durations as people write and read them.

use std::time::Duration;

use jiff::Timestamp as Moment;

use crate::clock::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a moment may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// No moment at all.
    Never,
    /// So long from now.
    In(Duration),
    /// Then.
    At(Moment),
}

impl When {
    /// As the API takes it: null, or RFC 3339.
    pub(super) fn resolve(self, now: Timestamp) -> Option<String> {
        match self {
            Self::Never => None,
            Self::At(moment) => Some(format!("{moment:.3}")),
            Self::In(duration) => {
                let millis = i64::try_from(now.after(duration).as_millis()).ok()?;
                let moment = Moment::from_millisecond(millis).ok()?;
                Some(format!("{moment:.3}"))
            }
        }
    }
}

/// Reads `never`, `90d` or `2027-01-31T12:00:00Z`.
pub(super) fn when(text: &str) -> Result<When, String> {
    if text == "never" {
        return Ok(When::Never);
    }
    if let Ok(duration) = duration(text) {
        return Ok(When::In(duration));
    }
    text.parse().map(When::At).map_err(|_| {
        "must be a moment such as 2027-01-31T12:00:00Z, a time from now such as 90d, or never"
            .to_owned()
    })
}

/// Reads `30d`, which is so long ago, or `2027-01-31T12:00:00Z`; answers how it is resolved against now.
pub(super) fn past(text: &str) -> Result<Past, String> {
    if let Ok(duration) = duration(text) {
        return Ok(Past::Ago(duration));
    }
    text.parse().map(Past::At).map_err(|_| {
        "must be a moment such as 2027-01-31T12:00:00Z, or a time before now such as 30d".to_owned()
    })
}

/// A moment that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// So long before now.
    Ago(Duration),
    /// Then.
    At(Moment),
}

impl Past {
    /// As the API takes it: RFC 3339.
    pub(super) fn resolve(self, now: Timestamp) -> String {
        let moment = match self {
            Self::At(moment) => moment,
            Self::Ago(duration) => {
                let millis = now.before(duration).as_millis();
                let millis = i64::try_from(millis).unwrap_or(i64::MAX);
                Moment::from_millisecond(millis).unwrap_or(Moment::MAX)
            }
        };
        format!("{moment:.3}")
    }
}

/// Reads `30d`, `12h`, `45m` or `90s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a duration such as 30d, 12h, 45m or 90s".to_owned();
    let unit = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => MINUTE,
        Some('h') => HOUR,
        Some('d') => DAY,
        _ => return Err(wrong()),
    };
    let digits = text.get(..text.len() - 1).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let seconds = count.checked_mul(unit).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

/// Reads a duration, or `never`.
pub(super) fn every(text: &str) -> Result<Every, String> {
    if text == "never" {
        return Ok(Every(None));
    }
    duration(text).map(|duration| Every(Some(duration)))
}

/// How often something is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Every(pub(super) Option<Duration>);

/// `3 days ago`, `in 2 hours`; what is not a moment stays as it is.
pub(super) fn relative(text: &str, now: Timestamp) -> String {
    let Ok(moment) = text.parse::<Moment>() else {
        return text.to_owned();
    };
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let distance = moment.as_millisecond() - now;
    let is_past = distance < 0;
    let millis = distance.unsigned_abs();
    // An hour from a moment ago is still an hour.
    let seconds = if is_past {
        millis / 1000
    } else {
        millis.div_ceil(1000)
    };
    if seconds == 0 {
        return "now".to_owned();
    }
    let length = length(seconds);
    if is_past {
        format!("{length} ago")
    } else {
        format!("in {length}")
    }
}

/// A number of seconds in its largest unit: `3 days`.
pub(super) fn length(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..MINUTE => (seconds, "second"),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * DAY)));
        for wrong in [
            "",
            "d",
            "1",
            "-1d",
            "1w",
            "1.5h",
            "+1d",
            "99999999999999999999d",
            "1é",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_absolute_relative_or_never() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let resolved = |text: &str| when(text).map(|when| when.resolve(now));
        assert_eq!(resolved("never"), Ok(None));
        assert_eq!(
            resolved("1d"),
            Ok(Some("2027-01-16T08:00:00.000Z".to_owned()))
        );
        assert_eq!(
            resolved("2027-01-31T12:00:00+01:00"),
            Ok(Some("2027-01-31T11:00:00.000Z".to_owned()))
        );
        assert!(resolved("tomorrow").is_err());
    }

    #[test]
    fn distances_are_told_in_their_largest_unit() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        assert_eq!(relative("2027-01-15T08:00:00Z", now), "now");
        assert_eq!(relative("2027-01-15T08:01:59Z", now), "in 1 minute");
        assert_eq!(relative("2027-01-15T08:59:59.999Z", now), "in 1 hour");
        assert_eq!(relative("2027-01-13T07:00:00Z", now), "2 days ago");
        assert_eq!(relative("soon", now), "soon");
    }
}
