//! What a search found, for people and for programs.

use filter_core::key::SecretType;
use serde_json::{Value, json};

use super::{find::Found, report::Outcome};
use crate::cli::{
    console::Console,
    failure::Failure,
    leaks,
    output::{Format, print_json},
};

/// Prints finds with what became of their reports; `outcomes` is empty where none was wanted.
pub(super) fn print(
    console: &mut Console<'_>,
    format: Format,
    found: &[(String, Found)],
    outcomes: &[Outcome],
) -> Result<(), Failure> {
    let outcomes = outcomes
        .iter()
        .chain(std::iter::repeat(&Outcome::NotReported));
    let found = found.iter().zip(outcomes);
    match format {
        Format::Json => {
            let items = found.map(|((path, found), outcome)| as_json(path, found, outcome));
            print_json(console, &Value::Array(items.collect()))
        }
        Format::Table => {
            for ((path, found), outcome) in found {
                console.line(as_line(path, found, outcome))?;
            }
            Ok(())
        }
    }
}

fn as_line(path: &str, found: &Found, outcome: &Outcome) -> String {
    let (line, column, word) = (found.line, found.column, word(found.kind));
    let outcome = match outcome {
        Outcome::NotReported => String::new(),
        Outcome::NotKnown => " outcome unknown".to_owned(),
        Outcome::Told(outcome) => format!(" {}", leaks::describe(outcome)),
    };
    format!("{path}:{line}:{column} {word} {}{outcome}", found.masked())
}

/// `report` is null where the registry did not say what became of it.
fn as_json(path: &str, found: &Found, outcome: &Outcome) -> Value {
    let mut item = json!({
        "path": path, "line": found.line, "column": found.column, "type": word(found.kind),
        "masked": found.masked(),
    });
    let report = match outcome {
        Outcome::NotReported => return item,
        Outcome::NotKnown => Value::Null,
        Outcome::Told(outcome) => outcome.clone(),
    };
    if let Some(fields) = item.as_object_mut() {
        fields.insert("report".to_owned(), report);
    }
    item
}

const fn word(kind: SecretType) -> &'static str {
    match kind {
        SecretType::ApiKey => "api_key",
        SecretType::BearerToken => "bearer_token",
        SecretType::ClientSecret => "client_secret",
        SecretType::Password => "password",
        SecretType::GatewayToken => "gateway_token",
        SecretType::AdminToken => "admin_token",
        SecretType::RegistrationToken => "registration_token",
    }
}
