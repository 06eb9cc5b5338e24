//! Comma-separated values as objects (RFC 4180).

use serde_json::{Map, Value, json};

use crate::api::problem::{Kind, Problem};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Text,
    /// `true` or `false`.
    Flag,
    /// Apart by spaces.
    Words,
    /// `name=value`, apart by semicolons.
    Pairs,
}

/// Every column that there can be.
const COLUMNS: [(&str, Content); 16] = [
    ("application", Content::Text),
    ("create_application", Content::Flag),
    ("name", Content::Text),
    ("type", Content::Text),
    ("value", Content::Text),
    ("sha256", Content::Text),
    ("username", Content::Text),
    ("password", Content::Text),
    ("password_hash", Content::Text),
    ("identifier", Content::Text),
    ("description", Content::Text),
    ("labels", Content::Pairs),
    ("scopes", Content::Words),
    ("enabled", Content::Flag),
    ("not_before", Content::Text),
    ("expires_at", Content::Text),
];

/// The columns of a file, in its order.
pub(super) struct Header(Vec<(&'static str, Content)>);

impl Header {
    /// Reads the first line.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Problem> {
        let mut columns: Vec<(&'static str, Content)> = Vec::new();
        for name in cells(line)? {
            let column = COLUMNS.into_iter().find(|(known, _)| *known == name);
            let column = column.ok_or_else(|| {
                let known: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
                let known = known.join(", ");
                Problem::invalid("header", format!("must be columns out of {known}"))
            })?;
            if columns.contains(&column) {
                return Err(Problem::invalid(column.0, "is a column twice"));
            }
            columns.push(column);
        }
        Ok(Self(columns))
    }

    /// Reads a line as an object. Cells that are empty are absent.
    pub(super) fn object(&self, line: &[u8]) -> Result<Value, Problem> {
        let cells = cells(line)?;
        if cells.len() != self.0.len() {
            let detail = format!("{} cells, but {} columns", cells.len(), self.0.len());
            return Err(Problem::new(Kind::Malformed).detail(detail));
        }
        let mut object = Map::new();
        for ((name, content), cell) in self.0.iter().zip(cells) {
            if !cell.is_empty() {
                object.insert((*name).to_owned(), value(name, *content, cell)?);
            }
        }
        Ok(Value::Object(object))
    }
}

fn value(name: &str, content: Content, cell: String) -> Result<Value, Problem> {
    Ok(match content {
        Content::Text => Value::String(cell),
        Content::Flag => match cell.as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => return Err(Problem::invalid(name, "must be true or false")),
        },
        Content::Words => cell.split_ascii_whitespace().collect(),
        Content::Pairs => {
            let mut pairs = Map::new();
            for pair in cell.split(';') {
                let wrong = || {
                    Problem::invalid(
                        name,
                        "must be name=value, apart by semicolons, each name once",
                    )
                };
                let (label, value) = pair.split_once('=').ok_or_else(wrong)?;
                if pairs
                    .insert(label.trim().to_owned(), json!(value))
                    .is_some()
                {
                    return Err(wrong());
                }
            }
            Value::Object(pairs)
        }
    })
}

/// The cells of one line: plain, or between quotes, where a doubled quote stands for one.
fn cells(line: &[u8]) -> Result<Vec<String>, Problem> {
    let malformed = |detail: &str| Problem::new(Kind::Malformed).detail(detail);
    let text = std::str::from_utf8(line).map_err(|_| malformed("not UTF-8"))?;
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquote(quoted).ok_or_else(|| malformed("a quote is opened and not closed"))?
        } else {
            let (cell, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            if cell.contains('"') {
                return Err(malformed("a quote stands in the middle of a cell"));
            }
            (cell.to_owned(), after)
        };
        rest = after;
        cells.push(cell);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Ok(cells),
            None => return Err(malformed("a comma must follow a closing quote")),
        }
    }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                cell.push('"');
                rest = after;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, wanted: Option<&[&str]>) {
        let cells = cells(line.as_bytes()).ok();
        let cells: Option<Vec<&str>> = cells
            .as_ref()
            .map(|cells| cells.iter().map(String::as_str).collect());
        assert_eq!(cells.as_deref(), wanted, "{line}");
    }

    #[test]
    fn cells_are_plain_or_quoted() {
        check("a,b,c", Some(&["a", "b", "c"]));
        check("a,,", Some(&["a", "", ""]));
        check("", Some(&[""]));
        check("\"a,b\",\"c\nd\"", Some(&["a,b", "c\nd"]));
        check("\"say \"\"a\"\"\",\"\"", Some(&["say \"a\"", ""]));
        check("\"a", None);
        check("a\"b", None);
        check("\"a\"b", None);
    }

    #[test]
    fn a_line_is_an_object_of_what_is_in_its_cells() {
        let header = Header::parse(b"application,name,labels,scopes,enabled,description").unwrap();
        let object = header
            .object(b"billing,ci,team=a; env=b=c,read  write,false,")
            .unwrap();
        assert_eq!(
            object,
            json!({
                "application": "billing", "name": "ci", "labels": {"team": "a", "env": "b=c"},
                "scopes": ["read", "write"], "enabled": false,
            })
        );
        for line in ["a,b", "a,b,team,,,", "a,b,x=1;x=2,,,", "a,b,,,yes,"] {
            assert!(header.object(line.as_bytes()).is_err(), "{line}");
        }
        assert!(Header::parse(b"application,application").is_err());
        assert!(Header::parse(b"application,secret").is_err());
    }
}
