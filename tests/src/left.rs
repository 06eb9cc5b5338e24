//! What a registry that was killed has left in its database, as `keysmith backup` finds it.

use std::process::Command;

use serde_json::Value;

use crate::{built, registry::Settings};

/// The rows of a table, each with its columns by name.
///
/// # Panics
/// When there is no such table, or the database cannot be read.
pub fn rows(settings: &Settings, table: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("left");
    let output = keysmith(settings).arg("backup").arg(&file).output();
    let output = output.expect("the registry's command line");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = std::fs::read_to_string(&file).expect("a backup");
    let mut lines = text
        .lines()
        .map(|line| -> Value { serde_json::from_str(line).expect("a line of JSON") });
    let header = lines.next().expect("the first line");
    let tables = header["tables"].as_array().expect("the tables");
    let columns = tables.iter().find(|known| known["name"] == table);
    let columns = columns.expect("the table")["columns"].as_array();
    let names: Vec<&str> = columns
        .into_iter()
        .flatten()
        .filter_map(|column| column["name"].as_str())
        .collect();
    lines
        .skip_while(|line| line["table"] != table)
        .skip(1)
        .map_while(|line| match line {
            Value::Array(cells) => Some(cells),
            _ => None,
        })
        .map(|cells| names.iter().map(ToString::to_string).zip(cells).collect())
        .collect()
}

/// The registry's command line, with the configuration that it serves with.
pub fn keysmith(settings: &Settings) -> Command {
    let mut command = Command::new(built::keysmith());
    command.env("KEYSMITH_DATA_DIR", &settings.data);
    for (name, value) in &settings.more {
        command.env(format!("KEYSMITH_{name}"), value);
    }
    command
}
