//! Finds as reports to the registry.

use filter_core::key::SecretType;
use serde_json::Value;

use super::find::Found;
use crate::cli::leaks::Leak;

/// Bytes of an address that the registry takes.
const LONGEST_ADDRESS: usize = 2048;

/// What became of a find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is nothing that the registry is told of, or nothing was to be reported.
    NotReported,
    /// It was to be reported, and the registry did not say what became of it.
    NotKnown,
    /// What the registry said.
    Told(Value),
}

/// What may be a credential's, as the registry takes it.
pub(super) fn leaks(found: &[(String, Found)]) -> Vec<Leak> {
    let reported = found.iter().filter(|(_, found)| is_reported(found.kind));
    reported
        .map(|(path, found)| Leak {
            value: found.value.clone(),
            url: address(path, found.line),
            source: "keysmith scan".to_owned(),
        })
        .collect()
}

/// What became of each find, by the registry's `answers` to the reports, of which the last may be missing.
pub(super) fn outcomes(found: &[(String, Found)], answers: Vec<Value>) -> Vec<Outcome> {
    let mut answers = answers.into_iter();
    let each = found.iter().map(|(_, found)| {
        if is_reported(found.kind) {
            answers.next().map_or(Outcome::NotKnown, Outcome::Told)
        } else {
            Outcome::NotReported
        }
    });
    each.collect()
}

const fn is_reported(kind: SecretType) -> bool {
    matches!(
        kind,
        SecretType::ApiKey | SecretType::BearerToken | SecretType::ClientSecret
    )
}

/// Path and line; of a path that is too long the end, which tells more than its beginning.
fn address(path: &str, line: u64) -> String {
    let path = path.replace(char::is_control, "\u{fffd}");
    let whole = format!("{path}:{line}");
    if whole.len() <= LONGEST_ADDRESS {
        return whole;
    }
    let mark = "…";
    let mut start = whole.len() - (LONGEST_ADDRESS - mark.len());
    while !whole.is_char_boundary(start) {
        start += 1;
    }
    format!("{mark}{}", whole.get(start..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_the_registry_takes() {
        assert_eq!(address("a/b.txt", 7), "a/b.txt:7");
        assert_eq!(address("a\nb", 1), "a\u{fffd}b:1");
        for path in ["x".repeat(2045), "x".repeat(2047), "é".repeat(2000)] {
            let address = address(&path, 12);
            assert!(address.len() <= LONGEST_ADDRESS, "{}", address.len());
            assert!(address.starts_with('…') == (path.len() > 2045), "{address}");
            assert!(address.ends_with(":12"), "{address}");
        }
    }
}
