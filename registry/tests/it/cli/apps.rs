//! `keysmith apps`.

use std::collections::BTreeSet;

use super::Shell;
use crate::support::{TestRegistry, text};

#[tokio::test]
async fn an_application_is_created_shown_changed_and_deleted_by_name() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let made = shell
        .json("apps create billing --custom-id c-17 --description 'Sends invoices' --label team=pay --scope orders:read")
        .await;
    assert_eq!(made["custom_id"], "c-17");
    assert_eq!(made["labels"]["team"], "pay");
    assert_eq!(made["scopes"][0], "orders:read");

    let shown = shell.does("apps show billing").await;
    assert!(shown.contains("description  Sends invoices\n"), "{shown}");
    assert!(shown.contains("labels       team=pay\n"), "{shown}");
    let id = text(&made["id"]);
    assert_eq!(
        shell.json(&format!("apps show {id}")).await["name"],
        "billing"
    );

    let changed = shell
        .json("apps update billing --name invoices --no-labels --custom-id ''")
        .await;
    assert_eq!(changed["name"], "invoices");
    assert_eq!(changed["custom_id"], serde_json::Value::Null);
    assert_eq!(changed["labels"], serde_json::json!({}));

    assert_eq!(
        shell.does("apps delete invoices --yes").await,
        "deleted invoices\n"
    );
    shell.fails(3, "apps show invoices").await;
    shell.fails(3, &format!("apps show {id}")).await;
}

#[tokio::test]
async fn an_application_is_disabled_and_enabled() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    assert_eq!(shell.json("apps disable billing").await["enabled"], false);
    assert!(shell.does("apps list").await.contains(" disabled "));
    assert_eq!(shell.json("apps enable billing").await["enabled"], true);
}

#[tokio::test]
async fn a_list_follows_its_pages_to_the_end_or_to_the_limit() {
    let registry = TestRegistry::start().await;
    for number in 0..505 {
        registry.application(&format!("app-{number:03}")).await;
    }
    let shell = Shell::at(&registry);
    let all = shell.json("apps list").await;
    let all = all.as_array().unwrap().iter();
    let names: BTreeSet<String> = all.map(|item| text(&item["name"])).collect();
    assert_eq!(names.len(), 505);
    let some = shell.json("apps list --limit 502").await;
    assert_eq!(some.as_array().unwrap().len(), 502);
    let table = shell.does("apps list --limit 2").await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("NAME     ID "), "{table}");
    assert!(
        lines[1].starts_with("app-") && lines[1].contains("  app_"),
        "{table}"
    );
}

#[tokio::test]
async fn what_is_not_possible_is_said_with_its_reason_and_a_code() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let taken = shell.fails(4, "apps create billing").await;
    assert!(taken.contains("name: the name is taken"), "{taken}");
    let unknown = shell.fails(3, "apps show nobody").await;
    assert_eq!(unknown, "keysmith: there is no application \"nobody\"\n");
    let wrong = shell.fails(1, "apps create 'no good'").await;
    assert!(wrong.contains("name: "), "{wrong}");
    shell.fails(2, "apps update billing").await;
    let unconfirmed = shell.fails(2, "apps delete billing").await;
    assert!(unconfirmed.contains("--yes"), "{unconfirmed}");
    shell.does("apps show billing").await;
}

#[tokio::test]
async fn a_refusal_in_json_is_the_problem_itself() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let said = shell.fails(4, "apps create billing --output json").await;
    let problem: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(problem["type"], "urn:keysmith:problem:conflict");
    assert_eq!(problem["field"], "name");
    let said = shell.fails(3, "apps show nobody --output json").await;
    let problem: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(problem["type"], "urn:keysmith:cli:not-found");
}

#[tokio::test]
async fn an_application_that_needs_a_key_has_a_default_one() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let refused = shell
        .fails(2, "apps create portal --default-key required")
        .await;
    assert!(refused.contains("--show-secret"), "{refused}");
    let out = shell
        .does("apps create portal --default-key required --show-secret")
        .await;
    assert!(out.lines().last().unwrap().starts_with("ks_ak_"), "{out}");
    assert!(out.contains("default key  cred_"), "{out}");
    let refused = shell
        .fails(4, "credentials delete portal/default --yes")
        .await;
    assert!(refused.contains("default"), "{refused}");

    let next = shell
        .json("credentials create portal next --show-secret")
        .await;
    let changed = shell
        .json("apps default-credential portal portal/next")
        .await;
    assert_eq!(changed["default_credential"], next["id"]);
    shell.does("credentials delete portal/default --yes").await;
    let freed = shell.json("apps update portal --default-key none").await;
    assert_eq!(freed["default_key"], "none");
    let again = "apps update portal --default-key required --default-credential portal/next";
    assert_eq!(shell.json(again).await["default_credential"], next["id"]);
}
