//! Durations in query parameters: `30d`, `12h`, `45m`, `90s`.

use std::time::Duration;

use super::problem::Problem;

/// Ten years: longer than anything that is asked for.
const MAX_SECONDS: u64 = 3650 * 24 * 3600;

/// Reads a duration; the problem names the parameter.
pub(crate) fn parse(field: &'static str, text: &str) -> Result<Duration, Problem> {
    seconds(text)
        .filter(|seconds| (1..=MAX_SECONDS).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            let message = "must be a whole number of days, hours, minutes or seconds, at most 3650 days: \
                30d, 12h, 45m or 90s";
            Problem::invalid(field, message)
        })
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let unit = match unit {
        "d" => 24 * 3600,
        "h" => 3600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_a_unit() {
        for (text, seconds) in [
            ("30d", 2_592_000),
            ("12h", 43_200),
            ("45m", 2_700),
            ("1s", 1),
        ] {
            assert_eq!(parse("f", text).unwrap(), Duration::from_secs(seconds));
        }
        for text in [
            "",
            "d",
            "30",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "3651d",
            "9999999999999999999999d",
            "1d ",
            "é",
        ] {
            assert!(parse("f", text).is_err(), "{text:?}");
        }
    }
}
