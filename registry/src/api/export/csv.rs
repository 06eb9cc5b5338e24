//! Credentials as comma-separated values (RFC 4180).

use serde_json::Value;

use super::line::ExportedBody;

/// In this order; the names are those of the fields.
const COLUMNS: [&str; 16] = [
    "application",
    "name",
    "type",
    "username",
    "identifier",
    "description",
    "labels",
    "scopes",
    "enabled",
    "not_before",
    "expires_at",
    "id",
    "created_at",
    "updated_at",
    "rotated_at",
    "last_used_at",
];

/// With the names of the columns first, or without.
pub(super) fn write(bodies: impl Iterator<Item = ExportedBody>, with_header: bool) -> Vec<u8> {
    let mut text = String::new();
    if with_header {
        text.push_str(&COLUMNS.join(","));
        text.push_str("\r\n");
    }
    for body in bodies {
        let object = serde_json::to_value(body).unwrap_or_default();
        let cells = COLUMNS.map(|column| cell(&plain(object.get(column).unwrap_or(&Value::Null))));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// As an import reads it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(words) => {
            let words: Vec<String> = words.iter().map(plain).collect();
            words.join(" ")
        }
        Value::Object(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", plain(value)))
                .collect();
            pairs.join(";")
        }
        other => other.to_string(),
    }
}

fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', ' ', '\t', '\r', '\n']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("=a,b", "\"'=a,b\""),
        ] {
            assert_eq!(cell(text), wanted);
        }
    }
}
