//! What it would break to do without a credential.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{Named, show::describe, usage::times};
use crate::cli::{
    client::Ask,
    console::Console,
    desk::Desk,
    failure::Failure,
    names::credential_id,
    output::{moment, or, print_fields, text},
};

#[derive(Debug, Args)]
pub(super) struct Impact {
    #[command(flatten)]
    named: Named,
    /// What is thought of
    #[arg(long, value_enum, value_name = "ACTION")]
    action: Thought,
}

/// What can be thought of doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Thought {
    /// To disable it
    Disable,
    /// To delete it
    Delete,
}

impl Thought {
    const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }
}

impl Impact {
    /// Asks, and prints the answer. Nothing is changed.
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let id = credential_id(&mut desk.client, &self.named.credential)?;
        let ask = Ask::post(format!("/v1/credentials/{id}/impact"))
            .json(&json!({"action": self.action.word()}))
            .repeatable();
        let impact = desk.client.send(&ask)?.json()?;
        desk.print_one(&impact, print)
    }
}

fn print(console: &mut Console<'_>, impact: &Value) -> Result<(), Failure> {
    let requests = impact.get("requests").unwrap_or(&Value::Null);
    let mut fields = vec![
        ("verdict", verdict(impact)),
        ("would be refused", text(impact, "would_be_refused")),
        ("last 7 days", requests_of(requests, "last_7_days")),
        ("last 30 days", requests_of(requests, "last_30_days")),
        (
            "last used",
            or(moment(impact, "last_used_at", console), "never"),
        ),
    ];
    for group in items(impact, "groups") {
        let last = moment(group, "last_used_at", console);
        let (name, count) = (text(group, "group"), count(group, "requests"));
        fields.push(("group", format!("{name}: {}, last {last}", times(count))));
    }
    for secret in items(impact, "secrets") {
        fields.push(("secret", describe(secret, console)));
    }
    fields.push(("other credentials", remaining(impact)));
    for unknown in items(impact, "unknown") {
        fields.push(("not known", text(unknown, "detail")));
    }
    print_fields(console, &fields)
}

/// Whether requests would fail, and how sure that is.
fn verdict(impact: &Value) -> String {
    let is_sure = items(impact, "unknown").is_empty();
    match (impact.get("breaks") == Some(&Value::Bool(true)), is_sure) {
        (true, _) => "breaks: requests that were admitted within 30 days would be refused",
        (false, true) => "breaks nothing: nobody was admitted with it within 30 days",
        (false, false) => "no use is known within 30 days, but not everything is known",
    }
    .to_owned()
}

fn requests_of(requests: &Value, name: &str) -> String {
    match count(requests, name) {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    }
}

fn remaining(impact: &Value) -> String {
    match count(impact, "remaining") {
        0 => "none that works is left to the application".to_owned(),
        1 => "1 that works is left to the application".to_owned(),
        count => format!("{count} that work are left to the application"),
    }
}

fn count(item: &Value, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn items<'v>(item: &'v Value, name: &str) -> &'v [Value] {
    item.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
