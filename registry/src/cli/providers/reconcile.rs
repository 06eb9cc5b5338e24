//! `keysmith providers reconcile`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::{COLLECTION, path};
use crate::cli::{
    client::Ask,
    desk::Desk,
    failure::Failure,
    output::{Format, Table, or, print_json, text},
};

/// What `keysmith providers reconcile --help` says about exit codes, beside those that every command has.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  everything agrees, or was repaired
  1  something does not agree, or the command failed
  2  the command line is wrong
  3 and more  as for every command: keysmith providers --help";

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// Its name or id [default: every provider but the built-in one]
    provider: Option<String>,
    /// Try again what is unfinished, and send metadata again that differ
    #[arg(long)]
    repair: bool,
    /// Remove clients that bear the registry's mark and are no credential's. Not where a copy of the database is served as
    /// well: its clients look the same
    #[arg(long)]
    orphans: bool,
    /// Give up what is unfinished and fails once more: somebody looks after it by hand
    #[arg(long)]
    forget: bool,
}

impl Reconcile {
    /// Compares, repairs what is asked for, and answers the exit code.
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<u8, Failure> {
        let Some(provider) = &self.provider else {
            return self.all(desk);
        };
        let found = self.one(desk, provider)?;
        if desk.format == Format::Json {
            print_json(desk.console, &found)?;
        } else {
            print(desk, &[(provider.clone(), found.clone())])?;
        }
        Ok(u8::from(is_left(&found)))
    }

    /// Of all providers. One that cannot be asked does not keep the others from being asked.
    fn all(&self, desk: &mut Desk<'_, '_>) -> Result<u8, Failure> {
        let providers = desk.client.list(COLLECTION, &[], None)?;
        let others = providers.iter().filter(|it| text(it, "kind") != "builtin");
        let (mut found, mut failed) = (Vec::new(), None);
        for name in others.map(|provider| text(provider, "name")) {
            match self.one(desk, &name) {
                Ok(one) => found.push((name, one)),
                Err(failure) => {
                    desk.console
                        .note(format_args!("keysmith: {name}: {failure}"));
                    failed = failed.or(Some(failure));
                }
            }
        }
        if desk.format == Format::Json {
            let named = found.iter().map(|(name, one)| {
                let mut members = Map::from_iter([("provider".to_owned(), json!(name))]);
                members.extend(one.as_object().cloned().unwrap_or_default());
                Value::Object(members)
            });
            let named = Value::Array(named.collect());
            print_json(desk.console, &named)?;
        } else {
            print(desk, &found)?;
        }
        match failed {
            Some(failure) => Err(failure),
            None => Ok(u8::from(found.iter().any(|(_, one)| is_left(one)))),
        }
    }

    fn one(&self, desk: &mut Desk<'_, '_>, provider: &str) -> Result<Value, Failure> {
        let address = format!("{}/reconcile", path(desk, provider)?);
        if !(self.repair || self.orphans || self.forget) {
            return desk.client.get(address);
        }
        let body = json!({"repair": self.repair, "orphans": self.orphans, "forget": self.forget});
        desk.client.send(&Ask::post(address).json(&body))?.json()
    }
}

/// Whether something does not agree still.
fn is_left(found: &Value) -> bool {
    let findings = found.get("findings").and_then(Value::as_array);
    let mut findings = findings.into_iter().flatten();
    findings.any(|finding| finding.get("repaired") != Some(&Value::Bool(true)))
}

fn print(desk: &mut Desk<'_, '_>, found: &[(String, Value)]) -> Result<(), Failure> {
    let mut table = Table::new([
        "PROVIDER",
        "KIND",
        "REPAIRED",
        "CLIENT",
        "CREDENTIAL",
        "DETAIL",
    ]);
    let mut is_empty = true;
    for (provider, one) in found {
        let findings = one.get("findings").and_then(Value::as_array);
        for finding in findings.into_iter().flatten() {
            is_empty = false;
            let repaired = finding.get("repaired") == Some(&Value::Bool(true));
            table.row([
                provider.clone(),
                text(finding, "kind"),
                if repaired { "yes" } else { "no" }.to_owned(),
                or(text(finding, "client_id"), "-"),
                or(text(finding, "credential"), "-"),
                text(finding, "detail"),
            ]);
        }
    }
    if !is_empty {
        table.print(desk.console)?;
    }
    for (provider, one) in found {
        let lists = if one.get("lists") == Some(&Value::Bool(true)) {
            ""
        } else {
            "; it has no list, so clients that are nobody's are not found"
        };
        let count = or(text(one, "checked"), "0");
        desk.console
            .note(format_args!("{provider}: clients compared: {count}{lists}"));
    }
    Ok(())
}
