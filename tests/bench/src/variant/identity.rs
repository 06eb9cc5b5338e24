//! What each variant must tell the upstream about a caller, and nothing else: one header more would be one step more.

use super::{Check, username};

const USERNAME: &str = "x-consumer-username";
const IDENTIFIER: &str = "x-credential-identifier";
/// What begins every header that names a caller.
const PREFIXES: [&str; 3] = ["x-consumer-", "x-credential-", "x-authenticated-"];
/// What the probe says of everybody.
const EVERYBODY: &str = "application-0";
const CREDENTIAL: &str = "cred_";

/// Whether `seen`, the headers that reached the upstream, name the owner of credential number `number` exactly as this
/// check does.
pub(super) fn is_told(check: Check, number: usize, seen: &str) -> bool {
    let mut told: Vec<(&str, &str)> = seen
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    told.sort_unstable();
    let owner = match check {
        Check::None | Check::Empty => return told.is_empty(),
        Check::Probe => EVERYBODY.to_owned(),
        Check::NativeBasic => format!("user-{number}"),
        _ => username(number),
    };
    let says_which = check.is_keysmith() || check == Check::Probe;
    match told.as_slice() {
        [(USERNAME, name)] => !says_which && *name == owner,
        [(USERNAME, name), (IDENTIFIER, id)] => {
            says_which && *name == owner && id.starts_with(CREDENTIAL)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "target: /\nhost: a\nx-consumer-username: application-2\n";

    #[test]
    fn native_filters_tell_the_owner_alone() {
        assert!(is_told(Check::NativeKey, 10_000, OWNER));
        assert!(!is_told(Check::NativeKey, 0, OWNER));
        assert!(!is_told(Check::NativeKey, 10_000, "host: a\n"));
        let more = format!("{OWNER}x-credential-identifier: cred_1\n");
        assert!(!is_told(Check::NativeKey, 10_000, &more));
        assert!(is_told(
            Check::NativeBasic,
            3,
            "x-consumer-username: user-3"
        ));
    }

    #[test]
    fn keysmith_tells_the_owner_and_the_credential_and_nothing_else() {
        let told = format!("x-credential-identifier: cred_1\n{OWNER}");
        assert!(is_told(Check::Key, 10_000, &told));
        assert!(!is_told(Check::Key, 10_000, OWNER));
        let more = format!("{told}x-consumer-custom-id: custom-2\n");
        assert!(!is_told(Check::Key, 10_000, &more));
    }

    #[test]
    fn without_a_check_nothing_is_told() {
        assert!(is_told(Check::None, 0, "host: a"));
        assert!(!is_told(Check::Empty, 0, OWNER));
    }
}
