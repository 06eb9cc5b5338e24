//! What a credential is used for, for people.

use serde_json::Value;

use crate::cli::{
    console::Console,
    output::{ago, moment, text},
};

/// `12 allowed, 3 forbidden, 4 refused, since ...`; empty where the answer does not say.
pub(super) fn totals(item: &Value, console: &Console<'_>) -> String {
    let Some(usage) = item.get("usage") else {
        return String::new();
    };
    let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (allowed, forbidden, refused) = (count("allowed"), count("forbidden"), count("refused"));
    let since = match moment(usage, "since", console) {
        since if since.is_empty() => since,
        since => format!(", since {since}"),
    };
    format!("{allowed} allowed, {forbidden} forbidden, {refused} refused{since}")
}

/// While an old secret still works, who uses which, in one line; empty at other times.
pub(super) fn radar(item: &Value, secrets: &[Value], console: &Console<'_>) -> String {
    let Some(grace) = item.get("grace").filter(|grace| grace.is_object()) else {
        return String::new();
    };
    let old = use_of(grace, "retiring_used", "retiring_last_used_at", console);
    let retiring = secrets.iter().find(|one| text(one, "state") == "retiring");
    let part = retiring.map(|one| text(one, "part")).unwrap_or_default();
    let is_successor = |one: &&Value| text(one, "state") == "current" && text(one, "part") == part;
    let new = secrets.iter().find(is_successor);
    let new = new.map_or_else(String::new, |new| {
        format!(
            "; new secret {}",
            use_of(new, "used", "last_used_at", console)
        )
    });
    format!("old secret {old}{new}")
}

/// `last used 4 min ago, 12 times`, or `not used yet`.
pub(super) fn use_of(item: &Value, count: &str, last: &str, console: &Console<'_>) -> String {
    let last = ago(item, last, console);
    if last.is_empty() {
        return "not used yet".to_owned();
    }
    let count = item.get(count).and_then(Value::as_u64).unwrap_or(0);
    format!("last used {last}, {}", times(count))
}

/// `once`, or `12 times`.
pub(super) fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
