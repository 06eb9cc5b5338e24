//! The README's references, held against what they describe.

use std::{fmt::Write as _, fs, process::Command};

use e2e::built;

fn readme() -> String {
    fs::read_to_string(built::root().join("README.md")).expect("README.md")
}

/// The names in the first column of the README's tables.
fn named_in_tables(readme: &str) -> Vec<&str> {
    readme
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| {
            let first = line.split('|').nth(1).unwrap_or_default();
            first.split('`').skip(1).step_by(2)
        })
        .flat_map(|name| name.split('.'))
        .collect()
}

#[test]
fn every_setting_of_the_registry_is_in_the_readme() {
    let help = Command::new(built::keysmith())
        .args(["serve", "--help"])
        .output()
        .expect("help");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let (_, settings) = help.split_once("Settings:").expect("a list of settings");
    let settings: Vec<&str> = settings
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once("  [default: "))
        .map(|(name, _)| name)
        .collect();
    assert!(settings.len() > 10, "{settings:?}");
    let readme = readme();
    let named = named_in_tables(&readme);
    for setting in settings {
        assert!(
            named.contains(&setting),
            "README.md does not explain {setting}"
        );
    }
}

#[test]
fn every_field_of_the_filters_configuration_is_in_the_readme() {
    let path = built::root().join("filter/core/src/config/input.rs");
    let source = fs::read_to_string(path).expect("the configuration's fields");
    let fields: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split_once(": "))
        .map(|(name, _)| name)
        .collect();
    assert!(fields.len() > 20, "{fields:?}");
    let readme = readme();
    let named = named_in_tables(&readme);
    for field in fields {
        assert!(
            named
                .iter()
                .any(|name| name.trim_end_matches("[]") == field),
            "README.md does not explain {field}"
        );
    }
}

#[test]
fn every_command_that_the_readme_names_can_be_made() {
    let makefile = fs::read_to_string(built::root().join("Makefile")).expect("Makefile");
    let readme = readme();
    let commands: Vec<&str> = readme
        .split(['`', '\n'])
        .filter_map(|piece| piece.strip_prefix("make "))
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"demo"), "{commands:?}");
    for command in commands {
        let target = format!("{command}:");
        assert!(
            makefile.lines().any(|line| line.starts_with(&target)),
            "README.md names `make {command}`"
        );
    }
}

#[test]
fn the_readmes_pattern_for_scanners_finds_what_the_registry_generates() {
    let readme = readme();
    let pattern = readme
        .lines()
        .find(|line| line.starts_with(r"\b[a-z0-9]"))
        .expect("a pattern in README.md");
    for kind in filter_core::key::SecretType::ALL {
        assert!(
            pattern.contains(kind.code()),
            "{pattern} lacks {}",
            kind.code()
        );
    }
    let rest = filter_core::key::RANDOM_LENGTH + filter_core::key::CHECK_LENGTH;
    assert!(
        pattern.contains(&format!("[0-9A-Za-z]{{{rest}}}")),
        "{pattern}"
    );
}

/// The table of endpoints, as the document has them.
fn endpoints() -> String {
    let path = built::root().join("registry/openapi.json");
    let document = fs::read_to_string(path).expect("registry/openapi.json");
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let mut table = String::from("| endpoint | what it does | roles |\n|---|---|---|\n");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let summary = operation["summary"].as_str().expect("a summary");
            if operation["tags"][0] == "oauth" {
                let _ = writeln!(
                    table,
                    "| `{} {path}` | {summary} | OAuth clients |",
                    method.to_uppercase()
                );
                continue;
            }
            // Under the one scheme by which it is called, its own or APISIX's.
            let schemes = operation["security"][0].as_object().expect("a scheme");
            let roles = schemes
                .values()
                .next()
                .and_then(serde_json::Value::as_array);
            let roles = roles.expect("roles");
            let roles: Vec<String> = roles
                .iter()
                .map(|role| format!("`{}`", role.as_str().expect("a role")))
                .collect();
            let (method, roles) = (method.to_uppercase(), roles.join(", "));
            let _ = writeln!(table, "| `{method} {path}` | {summary} | {roles} |");
        }
    }
    table
}

#[test]
fn every_endpoint_is_in_the_readme_with_the_roles_that_may_call_it() {
    let table = endpoints();
    assert!(
        readme().contains(&table),
        "README.md's table of endpoints must be:\n{table}"
    );
}
