//! One credential, for people.

use serde_json::Value;

use super::usage::{radar, totals, use_of};
use crate::cli::{
    console::Console,
    desk::print_propagation,
    failure::Failure,
    output::{enabled, joined, labels, moment, or, print_fields, text},
};

/// What is known of a credential.
pub(super) fn show(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    let mut fields = vec![
        ("name", text(item, "name")),
        ("id", text(item, "id")),
        ("application", text(item, "application")),
        ("type", text(item, "type")),
        ("status", enabled(item)),
        ("identifier", text(item, "identifier")),
        ("user name", text(item, "username")),
        ("client id", of_client(item, "client_id")),
        ("issuer", of_client(item, "issuer")),
        ("description", text(item, "description")),
        ("labels", labels(item)),
        ("scopes", joined(item, "scopes")),
        ("not before", moment(item, "not_before", console)),
        ("expires", or(moment(item, "expires_at", console), "never")),
        ("last used", moment(item, "last_used_at", console)),
        ("usage", totals(item, console)),
        ("created", moment(item, "created_at", console)),
        ("updated", moment(item, "updated_at", console)),
    ];
    if item.get("shared_secret") == Some(&Value::Bool(true)) {
        fields.push(("shared secret", "required".to_owned()));
    }
    if text(item, "secret_type") == "retrievable" {
        fields.push(("secret type", "retrievable".to_owned()));
    }
    fields.push(("rotation", rotation(item, console)));
    for secret in secrets(item) {
        fields.push(("secret", describe(secret, console)));
    }
    fields.push(("grace period", radar(item, secrets(item), console)));
    for deployment in list(item, "deployments") {
        fields.push(("deployment", place(deployment)));
    }
    print_fields(console, &fields)?;
    print_propagation(console, item)
}

/// What is known of secrets, in the order in which they are printed after it.
pub(super) fn show_secrets(console: &mut Console<'_>, item: &Value) -> Result<(), Failure> {
    for secret in secrets(item) {
        let line = describe(secret, console);
        console.line(line)?;
    }
    Ok(())
}

/// What is known of an OAuth client; empty for other credentials.
fn of_client(item: &Value, name: &str) -> String {
    item.get("client")
        .map_or_else(String::new, |client| text(client, name))
}

/// When the next rotation is due; empty where none is wanted.
fn rotation(item: &Value, console: &Console<'_>) -> String {
    let Some(rotation) = item.get("rotation") else {
        return String::new();
    };
    let due = moment(rotation, "due_at", console);
    match text(rotation, "state").as_str() {
        "due" => format!("due since {due}"),
        "due_soon" => format!("due soon, {due}"),
        "fresh" => format!("due {due}"),
        _ => String::new(),
    }
}

/// The current secret as it may be shown: its beginning and its end.
pub(super) fn masked(item: &Value) -> String {
    secrets(item).first().map(mask).unwrap_or_default()
}

/// `lab (on_demand): pending`, and what is in the way.
fn place(deployment: &Value) -> String {
    let [group, mode, state] = ["group", "mode", "state"].map(|name| text(deployment, name));
    let message = match text(deployment, "message") {
        message if message.is_empty() => message,
        message => format!(", {message}"),
    };
    format!("{group} ({mode}): {state}{message}")
}

fn secrets(item: &Value) -> &[Value] {
    list(item, "secrets")
}

fn list<'v>(item: &'v Value, name: &str) -> &'v [Value] {
    let found = item.get(name).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

fn mask(secret: &Value) -> String {
    let (prefix, end) = (text(secret, "prefix"), text(secret, "last_four"));
    if prefix.is_empty() && end.is_empty() {
        return text(secret, "origin");
    }
    format!("{prefix}…{end}")
}

/// A secret in one line: which it is, what may be seen of it, until when it works, and what is known of its use.
pub(super) fn describe(secret: &Value, console: &Console<'_>) -> String {
    let shared = text(secret, "part") == "shared";
    let mut line = format!(
        "{}version {}, {}, {}",
        if shared { "shared, " } else { "" },
        text(secret, "version"),
        text(secret, "state"),
        mask(secret)
    );
    let until = moment(secret, "until", console);
    if !until.is_empty() {
        line.push_str(", until ");
        line.push_str(&until);
    }
    if secret.get("used").is_some() {
        line.push_str(", ");
        line.push_str(&use_of(secret, "used", "last_used_at", console));
    }
    let leaked = moment(secret, "leaked_at", console);
    if !leaked.is_empty() {
        line.push_str(", leaked ");
        line.push_str(&leaked);
    }
    line
}
