//! What people note about a thing: a description and labels. Nothing here reaches a gateway.

use std::collections::BTreeMap;

use crate::error::InvalidField;

/// Labels at most on one thing.
pub const MAX_LABELS: usize = 64;
/// Characters at most in a label's name.
pub const MAX_NAME_LENGTH: usize = 63;
/// Characters at most in a label's value.
pub const MAX_VALUE_LENGTH: usize = 256;
/// Characters at most in a description.
pub const MAX_DESCRIPTION_LENGTH: usize = 1024;

/// Names with values, in order of name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Checks names, values and the bounds.
    pub fn parse(labels: BTreeMap<String, String>) -> Result<Self, InvalidField> {
        let invalid = |message: String| Err(InvalidField::new("labels", message));
        if labels.len() > MAX_LABELS {
            return invalid(format!("must be at most {MAX_LABELS} labels"));
        }
        let is_name = |name: &str| {
            (1..=MAX_NAME_LENGTH).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
        };
        if !labels.keys().all(|name| is_name(name)) {
            return invalid(format!(
                "each name must be 1 to {MAX_NAME_LENGTH} of letters, digits and ._-/"
            ));
        }
        if !labels
            .values()
            .all(|value| is_text(value, MAX_VALUE_LENGTH))
        {
            return invalid(format!(
                "each value must be at most {MAX_VALUE_LENGTH} characters, none of them a control character"
            ));
        }
        Ok(Self(labels))
    }

    /// For showing and storing.
    #[must_use]
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// For the store, which only holds what was checked when it was written.
impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self(labels)
    }
}

/// Checks a description.
pub fn description(text: String) -> Result<String, InvalidField> {
    if is_text(&text, MAX_DESCRIPTION_LENGTH) {
        Ok(text)
    } else {
        Err(InvalidField::new(
            "description",
            format!(
                "must be at most {MAX_DESCRIPTION_LENGTH} characters, none of them a control character"
            ),
        ))
    }
}

/// Checks a value of 1 to `max` visible ASCII characters, which may stand in a header as it is.
pub fn visible_ascii(
    field: &'static str,
    text: String,
    max: usize,
) -> Result<String, InvalidField> {
    if (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(InvalidField::new(
            field,
            format!("must be 1 to {max} visible ASCII characters"),
        ))
    }
}

fn is_text(text: &str, max: usize) -> bool {
    text.chars().count() <= max && !text.chars().any(char::is_control)
}
