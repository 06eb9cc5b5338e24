//! What a credential may be used for.

use std::collections::BTreeSet;

use crate::error::InvalidField;

/// Scopes at most in one set.
pub const MAX_COUNT: usize = 64;
/// Characters at most in one scope.
pub const MAX_LENGTH: usize = 128;
/// Characters at most in a set, written as the header `X-Authenticated-Scope` carries it.
pub const MAX_TOTAL_LENGTH: usize = 2048;

/// An ordered set of scope tokens (RFC 6749 section 3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Checks each token and the bounds. `field` is where the set stands in the request.
    pub fn parse(field: &'static str, tokens: Vec<String>) -> Result<Self, InvalidField> {
        let invalid = |message: String| Err(InvalidField::new(field, message));
        if tokens.iter().any(|token| !is_scope(token)) {
            return invalid(format!(
                "each scope must be 1 to {MAX_LENGTH} visible ASCII characters without '\"' and '\\'"
            ));
        }
        let scopes = Self(tokens.into_iter().collect());
        if scopes.0.len() > MAX_COUNT {
            return invalid(format!("must be at most {MAX_COUNT} scopes"));
        }
        let total: usize = scopes
            .0
            .iter()
            .map(|scope| scope.len().saturating_add(1))
            .sum();
        if total > MAX_TOTAL_LENGTH {
            return invalid(format!(
                "must be at most {MAX_TOTAL_LENGTH} characters in total"
            ));
        }
        Ok(scopes)
    }

    /// Those of this set that `other` does not have.
    pub fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        self.0.difference(&other.0).map(String::as_str)
    }

    /// Each scope, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// For the store, which only holds what was checked when it was written.
impl From<Vec<String>> for Scopes {
    fn from(tokens: Vec<String>) -> Self {
        Self(tokens.into_iter().collect())
    }
}

fn is_scope(token: &str) -> bool {
    (1..=MAX_LENGTH).contains(&token.len())
        && token
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: &[&str], ok: bool) {
        let parsed = Scopes::parse("scopes", tokens.iter().map(ToString::to_string).collect());
        assert_eq!(parsed.is_ok(), ok, "{tokens:?}");
    }

    #[test]
    fn only_scope_tokens_are_scopes() {
        check(&["orders:read", "a/b", "!"], true);
        check(&[], true);
        check(&[""], false);
        check(&["two words"], false);
        check(&["quo\"te"], false);
        check(&["back\\slash"], false);
        check(&["ümlaut"], false);
        check(&["line\n"], false);
        check(&[&"x".repeat(MAX_LENGTH)], true);
        check(&[&"x".repeat(MAX_LENGTH + 1)], false);
    }

    #[test]
    fn a_set_is_bounded_in_count_and_in_length() {
        let many: Vec<String> = (0..=MAX_COUNT).map(|n| n.to_string()).collect();
        assert!(Scopes::parse("scopes", many).is_err());
        let long: Vec<String> = (0..20).map(|n| format!("{n:0>120}")).collect();
        assert!(Scopes::parse("scopes", long).is_err());
    }
}
