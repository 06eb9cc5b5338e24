//! What a body must be like, in the words of APISIX's own schemas.

use serde_json::{Map, Value};

/// What a text must be like.
pub(super) struct Text {
    max: usize,
    min: usize,
    pattern: Option<Pattern>,
}

struct Pattern {
    text: &'static str,
    allows: fn(char) -> bool,
}

/// A consumer's name.
pub(super) const USERNAME: Text = Text {
    min: 1,
    max: 256,
    pattern: Some(Pattern {
        text: r"^[a-zA-Z0-9_\-]+$",
        allows: |one| one.is_ascii_alphanumeric() || one == '_' || one == '-',
    }),
};
/// A credential's name.
pub(super) const NAME: Text = Text {
    min: 1,
    max: 256,
    pattern: None,
};
/// A description.
pub(super) const DESC: Text = Text {
    min: 0,
    max: 256,
    pattern: None,
};
const LABEL: Text = Text {
    min: 1,
    max: 256,
    pattern: Some(Pattern {
        text: r"^\S+$",
        allows: |one| !one.is_whitespace(),
    }),
};

/// What a value is called there.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "table",
    }
}

/// A value of the wrong type. Says nothing of the value.
pub(super) fn wrong_type(expected: &str, value: &Value) -> String {
    format!("wrong type: expected {expected}, got {}", type_of(value))
}

impl Text {
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let Value::String(text) = value else {
            return Err(wrong_type("string", value));
        };
        let length = text.chars().count();
        let Self { min, max, pattern } = self;
        if length < *min {
            return Err(format!(
                "string too short, expected at least {min}, got {length}"
            ));
        }
        if length > *max {
            return Err(format!(
                "string too long, expected at most {max}, got {length}"
            ));
        }
        match pattern {
            Some(pattern) if !text.chars().all(pattern.allows) => Err(format!(
                "failed to match pattern {:?} with {text:?}",
                pattern.text
            )),
            _ => Ok(()),
        }
    }
}

/// Checks a property, if it is there.
pub(super) fn property(
    object: &Map<String, Value>,
    name: &str,
    check: impl FnOnce(&Value) -> Result<(), String>,
) -> Result<(), String> {
    match object.get(name) {
        None => Ok(()),
        Some(value) => {
            check(value).map_err(|error| format!("property \"{name}\" validation failed: {error}"))
        }
    }
}

pub(super) fn required(object: &Map<String, Value>, name: &str) -> Result<(), String> {
    if object.contains_key(name) {
        Ok(())
    } else {
        Err(format!("property \"{name}\" is required"))
    }
}

/// Nothing else may be there.
pub(super) fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("additional properties forbidden, found {name}")),
    }
}

pub(super) fn labels(value: &Value) -> Result<(), String> {
    let Value::Object(labels) = value else {
        return Err(wrong_type("object", value));
    };
    for (name, value) in labels {
        let checked = LABEL.check(value);
        checked.map_err(|error| format!("failed to validate {name} (matching \".*\"): {error}"))?;
    }
    Ok(())
}

/// An identifier is a text, or a number that is read as one.
pub(super) fn identifier(value: &Value) -> Result<String, String> {
    let is_plain = |text: &str| {
        (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    let text = match value {
        Value::String(text) if is_plain(text) => Some(text.clone()),
        Value::Number(number) => number
            .as_u64()
            .filter(|number| *number > 0)
            .map(|number| number.to_string()),
        _ => None,
    };
    text.ok_or_else(|| {
        "property \"id\" validation failed: object matches none of the required: 1 to 64 of letters, digits and ._-"
            .to_owned()
    })
}
