//! What became of the records of an import.

use serde_json::{Value, json};

use super::patience::Delayed;
use crate::cli::{
    desk::Desk,
    failure::Failure,
    output::{Format, print_json, text},
};

/// A record on its way: its line in the file, and its bytes.
pub(super) type Sent = (u64, Vec<u8>);

/// What became of the records.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) created: u64,
    pub(super) unchanged: u64,
    /// Dealt with by an earlier run.
    pub(super) skipped: u64,
    /// Lines, and why they failed.
    pub(super) failures: Vec<(u64, Value)>,
}

impl Tally {
    /// Records that are dealt with.
    pub(super) fn done(&self) -> u64 {
        self.created + self.unchanged + self.skipped + self.failures.len() as u64
    }

    /// Reads the results, one a line in the order of the records. Answers the records that failed for a reason that is none
    /// of theirs.
    pub(super) fn count(&mut self, chunk: &[Sent], answer: &[u8]) -> Result<Vec<Delayed>, Failure> {
        let strange = || Failure::Other("the registry's answer cannot be understood".to_owned());
        let lines = answer.split(|byte| *byte == b'\n');
        let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
        if lines.len() != chunk.len() {
            return Err(strange());
        }
        let mut delayed = Vec::new();
        for (result, sent) in lines.into_iter().zip(chunk) {
            let result: Value = serde_json::from_slice(result).map_err(|_| strange())?;
            match text(&result, "status").as_str() {
                "created" => self.created += 1,
                "unchanged" => self.unchanged += 1,
                "failed" => {
                    let problem = result.get("problem").cloned().unwrap_or_default();
                    let sent = sent.clone();
                    match problem.get("status").and_then(Value::as_u64) {
                        Some(500..) => delayed.push(Delayed { sent, problem }),
                        _ => self.failures.push((sent.0, problem)),
                    }
                }
                _ => return Err(strange()),
            }
        }
        Ok(delayed)
    }

    /// Prints it, also of an import that stopped on its way.
    pub(super) fn report(&self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let Self {
            created,
            unchanged,
            skipped,
            failures,
        } = self;
        let failed = failures.len();
        if desk.format == Format::Json {
            let failures: Vec<Value> = (failures.iter())
                .map(|(line, problem)| json!({"line": line, "problem": problem}))
                .collect();
            let summary = json!({
                "created": created, "unchanged": unchanged, "skipped": skipped, "failed": failed, "failures": failures,
            });
            return print_json(desk.console, &summary);
        }
        for (line, problem) in failures {
            desk.console
                .line(format_args!("line {line}: {}", explain(problem)))?;
        }
        let skipped = match skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        desk.console.line(format_args!(
            "{created} created, {unchanged} unchanged, {failed} failed{skipped}"
        ))
    }
}

/// The field and the reason, or the title alone.
fn explain(problem: &Value) -> String {
    let parts = [text(problem, "field"), text(problem, "detail")];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        text(problem, "title")
    } else {
        parts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_for_no_reason_of_its_own_is_not_dealt_with() {
        let chunk: Vec<Sent> = (1..=4).map(|line| (line, Vec::new())).collect();
        let failed = |status: u16| json!({"status": "failed", "problem": {"status": status}});
        let results = [
            json!({"status": "created"}),
            failed(503),
            failed(400),
            failed(500),
        ];
        let answer = results.map(|result| result.to_string()).join("\n");
        let mut tally = Tally::default();
        let delayed = tally.count(&chunk, answer.as_bytes()).unwrap();
        let delayed: Vec<u64> = delayed.iter().map(|delayed| delayed.sent.0).collect();
        assert_eq!(delayed, [2, 4]);
        assert_eq!((tally.created, tally.done()), (1, 2));
        assert!(tally.count(&chunk, b"").is_err(), "an answer cut short");
    }
}
