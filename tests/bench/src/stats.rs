//! Quantiles and their intervals, without any assumption about how the values are distributed.

use crate::report::Estimate;

/// How often the true value must lie in an interval.
const CONFIDENCE: f64 = 0.95;

/// The middle of the values.
pub const MEDIAN: f64 = 0.5;

/// What a quarter of the values stay below: other work on the machine only ever adds to a measured time, so the lower
/// quartile is nearer to the undisturbed value than the median.
pub const LOWER_QUARTILE: f64 = 0.25;

/// The quantile at `level` (0 to 1), between two neighbours in proportion; NaN without values.
pub fn quantile(values: &[f64], level: f64) -> f64 {
    let sorted = sorted(values);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = level * last as f64;
    let below = floor(position);
    let above = (below + 1).min(last);
    let share = position - below as f64;
    sorted[below] + (sorted[above] - sorted[below]) * share
}

/// The quantile at `level` (above 0, below 1) with its 95 % interval from order statistics: the number of values below
/// the true quantile is binomial, so two of the sorted values enclose it with a known probability. Where there are too
/// few values for that on a side, the interval has no end there: it is infinite. Without values the middle is NaN.
pub fn estimate(values: &[f64], level: f64) -> Estimate {
    let sorted = sorted(values);
    let (low, high) = ranks(sorted.len(), level);
    Estimate {
        middle: quantile(&sorted, level),
        low: Some(low.map_or(f64::NEG_INFINITY, |place| sorted[place])),
        high: Some(high.map_or(f64::INFINITY, |place| sorted[place])),
    }
}

/// `left[i] / right[i]` wherever both are there: what disturbs the machine for a while disturbs both of a pair.
pub fn paired_ratios(left: &[Option<f64>], right: &[Option<f64>]) -> Vec<f64> {
    paired(left, right, |left, right| left / right)
}

/// `left[i] - right[i]` wherever both are there.
pub fn paired_differences(left: &[Option<f64>], right: &[Option<f64>]) -> Vec<f64> {
    paired(left, right, |left, right| left - right)
}

fn paired(
    left: &[Option<f64>],
    right: &[Option<f64>],
    combine: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let pairs = left.iter().zip(right);
    pairs
        .filter_map(|(left, right)| Some(combine((*left)?, (*right)?)))
        .collect()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The places, counted from 0, of the narrowest interval around the quantile that misses it on either side in at most
/// half of the remaining 5 %; `None` for a side on which even the outermost value misses it more often.
fn ranks(count: usize, level: f64) -> (Option<usize>, Option<usize>) {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let mut below = 0.0;
    let mut low = None;
    // With `successes` values below the quantile, the value at that place is not below it.
    for (successes, probability) in binomial(count, level).into_iter().enumerate().take(count) {
        below += probability;
        if below <= tail {
            // P(at most `successes` values below the quantile) is small: the value at that place is below it.
            low = Some(successes);
        }
        if below >= 1.0 - tail {
            return (low, Some(successes));
        }
    }
    (low, None)
}

/// The probabilities of 0 to `count` successes, each of probability `success` (neither 0 nor 1).
fn binomial(count: usize, success: f64) -> Vec<f64> {
    let mut logarithm = count as f64 * (1.0 - success).ln();
    let odds = (success / (1.0 - success)).ln();
    let mut probabilities = vec![logarithm.exp()];
    for successes in 1..=count {
        logarithm += odds + ((count - successes + 1) as f64 / successes as f64).ln();
        probabilities.push(logarithm.exp());
    }
    probabilities
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position within a slice"
)]
fn floor(position: f64) -> usize {
    position as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Target, Verdict};

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "halves and whole numbers are exact")]
    fn quantile_lies_between_its_neighbours() {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], MEDIAN), 2.5);
        assert_eq!(quantile(&one_to(5), LOWER_QUARTILE), 2.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
        assert!(quantile(&[], MEDIAN).is_nan());
    }

    #[test]
    fn interval_of_a_median_has_the_ranks_of_the_textbooks() {
        // The tables of the sign test: of 30 values the 10th and 21st, of 10 the 2nd and 9th, of 6 the whole range.
        for (count, low, high) in [(30, 10.0, 21.0), (10, 2.0, 9.0), (6, 1.0, 6.0)] {
            let median = estimate(&one_to(count), MEDIAN);
            assert_eq!((median.low, median.high), (Some(low), Some(high)));
        }
    }

    #[test]
    fn interval_of_too_few_values_has_no_ends() {
        for count in [0, 1, 5] {
            let median = estimate(&one_to(count), MEDIAN);
            let ends = (Some(f64::NEG_INFINITY), Some(f64::INFINITY));
            assert_eq!((median.low, median.high), ends, "{count} values");
        }
    }

    #[test]
    fn interval_of_a_tail_is_open_where_too_few_values_reach_it() {
        let few = estimate(&one_to(50), 0.99);
        assert!(few.low.is_some_and(f64::is_finite));
        assert_eq!(few.high, Some(f64::INFINITY));
        let enough = estimate(&one_to(500), 0.99);
        assert_eq!(enough.high, Some(500.0));
    }

    #[test]
    fn too_few_values_decide_nothing() {
        let target = Target::at_most(100.0, "row");
        for count in [0, 1, 5] {
            let verdict = target.judge(&estimate(&one_to(count), MEDIAN));
            assert_eq!(verdict, Verdict::NotDecidable, "{count} values");
        }
        assert_eq!(target.judge(&estimate(&one_to(6), MEDIAN)), Verdict::Met);
    }

    #[test]
    fn interval_of_a_quartile_lies_around_it() {
        let quartile = estimate(&one_to(40), LOWER_QUARTILE);
        assert!(quartile.low.is_some_and(|low| low < quartile.middle));
        assert!(quartile.high.is_some_and(|high| high > quartile.middle));
        assert!(quartile.high.is_some_and(|high| high < 20.0));
    }

    #[test]
    fn slice_without_its_partner_makes_no_pair() {
        let left = [Some(3.0), None, Some(8.0), Some(5.0)];
        let right = [Some(2.0), Some(1.0), Some(4.0), None];
        assert_eq!(paired_ratios(&left, &right), [1.5, 2.0]);
        assert_eq!(paired_differences(&left, &right), [1.0, 4.0]);
    }

    #[test]
    fn disturbance_that_lasts_over_a_pair_does_not_change_its_ratio() {
        let calm = [Some(20.0), Some(30.0)];
        let disturbed = [Some(40.0), Some(60.0)];
        assert_eq!(paired_ratios(&disturbed, &calm), [2.0, 2.0]);
    }
}
