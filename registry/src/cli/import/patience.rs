//! Sending records until the registry has taken every one.

use serde_json::Value;

use super::tally::Sent;
use crate::cli::{failure::Failure, output::text};

/// How often records are sent at most while the registry cannot take them.
const ATTEMPTS: u32 = 10;

/// A record that the registry could not take for a reason that is none of the record's, and that reason.
#[derive(Clone, Debug)]
pub(super) struct Delayed {
    pub(super) sent: Sent,
    pub(super) problem: Value,
}

/// Sends records, and those that were delayed again; `send` is told which attempt it is. What is delayed after the last
/// attempt stops the import: only another run may count it as dealt with.
pub(super) fn until_taken(
    chunk: Vec<Sent>,
    mut send: impl FnMut(u32, &[Sent]) -> Result<Vec<Delayed>, Failure>,
) -> Result<(), Failure> {
    let mut waiting = chunk;
    for attempt in 1..=ATTEMPTS {
        if waiting.is_empty() {
            return Ok(());
        }
        let delayed = send(attempt, &waiting)?;
        if attempt == ATTEMPTS
            && let Some(first) = delayed.first()
        {
            return Err(gives_up(first));
        }
        waiting = delayed.into_iter().map(|delayed| delayed.sent).collect();
    }
    Ok(())
}

fn gives_up(first: &Delayed) -> Failure {
    let (line, title) = (first.sent.0, text(&first.problem, "title"));
    Failure::Unreachable(format!(
        "the import stopped: the registry cannot take line {line} now ({title}). Run the same command again later; what \
         is there already stays as it is"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(lines: impl IntoIterator<Item = u64>) -> Vec<Sent> {
        lines.into_iter().map(|line| (line, Vec::new())).collect()
    }

    fn delayed(sent: &[Sent]) -> Vec<Delayed> {
        let problem = json!({"title": "Busy", "status": 503});
        let each = sent.iter().cloned();
        each.map(|sent| Delayed {
            sent,
            problem: problem.clone(),
        })
        .collect()
    }

    #[test]
    fn what_was_delayed_is_sent_again_until_it_is_taken() {
        let mut seen = Vec::new();
        let taken = until_taken(sent(1..=3), |attempt, waiting| {
            seen.push((attempt, waiting.len()));
            Ok(delayed(waiting.get(1..).unwrap()))
        });
        assert!(taken.is_ok());
        assert_eq!(seen, [(1, 3), (2, 2), (3, 1)]);
    }

    #[test]
    fn what_is_never_taken_stops_the_import_as_an_overloaded_registry_does() {
        let mut attempts = 0;
        let stopped = until_taken(sent([7, 9]), |_, waiting| {
            attempts += 1;
            Ok(delayed(waiting))
        });
        let failure = stopped.unwrap_err();
        assert_eq!((attempts, failure.code()), (ATTEMPTS, 6));
        assert!(
            failure.to_string().contains("line 7 now (Busy)"),
            "{failure}"
        );
    }
}
