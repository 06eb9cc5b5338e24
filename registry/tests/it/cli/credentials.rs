//! `keysmith credentials`.

use std::time::Duration;

use super::Shell;
use crate::support::{TestRegistry, text};

#[tokio::test]
async fn a_credential_is_named_by_id_or_by_application_and_name() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing --scope orders:read").await;
    let made = shell
        .json("credentials create billing ci/main --scope orders:read --label env=prod --expires 2099-01-01T00:00:00Z --show-secret")
        .await;
    assert_eq!(made["expires_at"], "2099-01-01T00:00:00.000Z");
    let id = text(&made["id"]);
    assert_eq!(
        shell.json(&format!("credentials show {id}")).await["name"],
        "ci/main"
    );
    let shown = shell.does("credentials show billing/ci/main").await;
    assert!(shown.contains(&id) && shown.contains("env=prod"), "{shown}");
    assert!(shown.contains("version 1, current, ks_ak_…"), "{shown}");

    let unknown = shell.fails(3, "credentials show billing/other").await;
    assert_eq!(
        unknown,
        "keysmith: there is no credential \"billing/other\"\n"
    );
    shell.fails(3, "credentials show nobody/ci").await;
    shell
        .fails(
            3,
            &format!("credentials show {}", id.replace("cred_0", "cred_1")),
        )
        .await;
    assert!(
        shell
            .fails(2, "credentials show ci")
            .await
            .contains("APPLICATION/NAME")
    );
}

#[tokio::test]
async fn a_credential_is_listed_changed_disabled_and_deleted() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing --scope orders:read").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    shell
        .does("credentials create billing bob --type basic --username bob --show-secret")
        .await;

    let table = shell.does("credentials list billing").await;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("  basic    enabled  ks_pw_…"), "{table}");
    assert_eq!(
        shell
            .json("credentials list billing --limit 1")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let changed = shell
        .json("credentials update billing/ci --name main --description Main --scope orders:read --expires 2099-01-01T00:00:00+01:00")
        .await;
    assert_eq!(changed["name"], "main");
    assert_eq!(changed["expires_at"], "2098-12-31T23:00:00.000Z");
    let changed = shell
        .json("credentials update billing/main --expires never --no-scopes")
        .await;
    assert_eq!(changed["expires_at"], serde_json::Value::Null);
    assert_eq!(changed["scopes"], serde_json::json!([]));
    shell
        .fails(4, "credentials update billing/main --name bob")
        .await;
    shell.fails(2, "credentials update billing/main").await;
    shell
        .fails(2, "credentials update billing/main --expires tomorrow")
        .await;

    assert_eq!(
        shell.json("credentials disable billing/main").await["enabled"],
        false
    );
    assert_eq!(
        shell.json("credentials enable billing/main").await["enabled"],
        true
    );
    shell.fails(2, "credentials delete billing/main").await;
    assert_eq!(
        shell.does("credentials delete billing/main --yes").await,
        "deleted main\n"
    );
    shell.fails(3, "credentials show billing/main").await;
}

#[tokio::test]
async fn a_rotation_may_say_until_when_the_credential_is_honoured() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --expires 2098-01-01T00:00:00Z --show-secret")
        .await;
    let rotate = "credentials rotate billing/ci --immediately --show-secret --expires";
    let rotated = shell.json(&format!("{rotate} 2099-01-01T00:00:00Z")).await;
    assert_eq!(rotated["expires_at"], "2099-01-01T00:00:00.000Z");
    let rotated = shell.json(&format!("{rotate} never")).await;
    assert_eq!(rotated["expires_at"], serde_json::Value::Null);
}

#[tokio::test]
async fn rotation_says_what_becomes_of_the_old_secret() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let first = shell
        .does("credentials create billing ci --show-secret")
        .await;
    let undecided = shell
        .fails(2, "credentials rotate billing/ci --show-secret")
        .await;
    assert!(
        undecided.contains("--grace <DURATION>|--immediately"),
        "{undecided}"
    );

    let shown = shell
        .does("credentials rotate billing/ci --grace 1h --show-secret")
        .await;
    assert_ne!(shown.lines().last(), first.lines().last());
    assert!(shown.contains("version 1, retiring, ks_ak_…"), "{shown}");
    let rotated = shell
        .json("credentials rotate billing/ci --immediately --show-secret")
        .await;
    assert_eq!(rotated["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(rotated["secrets"][0]["version"], 3);
    shell
        .fails(
            3,
            "credentials rotate billing/other --immediately --show-secret",
        )
        .await;
}

#[tokio::test]
async fn a_bearer_token_ends() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let endless = "credentials create billing ci --type bearer_token --show-secret";
    assert!(
        shell.fails(1, endless).await.contains("expires_at"),
        "{endless}"
    );
    let made = shell.json(&format!("{endless} --expires 36500d")).await;
    assert!(
        text(&made["secret"]["value"]).starts_with("ks_bt_"),
        "{made}"
    );
}

#[tokio::test]
async fn what_is_deployed_on_demand_is_deleted_only_by_force() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell
        .does("gateways create-group lab --mode on_demand")
        .await;
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --group lab --show-secret")
        .await;
    let refused = shell.fails(4, "credentials delete billing/ci --yes").await;
    assert!(refused.contains("lab"), "{refused}");
    shell
        .does("credentials delete billing/ci --yes --force")
        .await;
    shell.fails(3, "credentials show billing/ci").await;
}

#[tokio::test]
async fn a_rotation_is_finished_or_cancelled() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    let nothing = shell
        .fails(4, "credentials finish-rotation billing/ci")
        .await;
    assert!(nothing.contains("conflicts"), "{nothing}");
    shell
        .does("credentials rotate billing/ci --grace 7d --end-after-silence 1d --show-secret")
        .await;
    let cancelled = shell.json("credentials cancel-rotation billing/ci").await;
    assert_eq!(cancelled["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(cancelled["secrets"][0]["version"], 1);
    shell
        .does("credentials rotate billing/ci --grace 7d --show-secret")
        .await;
    let finished = shell.json("credentials finish-rotation billing/ci").await;
    assert_eq!(finished["secrets"].as_array().unwrap().len(), 1);
    assert_eq!(finished["secrets"][0]["version"], 3);
    shell
        .fails(
            2,
            "credentials rotate billing/ci --immediately --end-after-silence 1d --show-secret",
        )
        .await;
}

#[tokio::test]
async fn a_rotation_can_be_due() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --rotate-every 90d --show-secret")
        .await;
    let shown = shell.does("credentials show billing/ci").await;
    assert!(
        shown.contains("rotation     due 2027-04-15T08:00:00.000Z"),
        "{shown}"
    );
    let changed = shell
        .json("credentials update billing/ci --rotate-every 1h")
        .await;
    assert_eq!(changed["rotate_every"], 3600);
    let changed = shell
        .json("credentials update billing/ci --rotate-every never")
        .await;
    assert_eq!(changed["rotate_every"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_key_and_its_shared_secret_are_shown_together_and_rotated_apart() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let out = shell
        .does("credentials create billing ci --shared-secret --show-secret")
        .await;
    let lines: Vec<&str> = out.lines().rev().take(2).collect();
    assert!(
        lines[1].starts_with("ks_ak_") && lines[0].starts_with("ks_cs_"),
        "{out}"
    );
    let rotated = shell
        .json("credentials rotate billing/ci --part shared --immediately --show-secret")
        .await;
    assert!(
        text(&rotated["secret"]["shared_secret"]).starts_with("ks_cs_"),
        "{rotated}"
    );
    assert_eq!(rotated["secret"].get("value"), None);
}

#[tokio::test]
async fn credentials_are_found_in_all_applications() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    for name in ["billing", "search"] {
        shell.does(&format!("apps create {name}")).await;
        shell
            .does(&format!(
                "credentials create {name} ci --label team={name} --show-secret"
            ))
            .await;
    }
    shell.does("credentials disable search/ci").await;
    let count = async |options: &str| {
        let found = shell.json(&format!("credentials list {options}")).await;
        found.as_array().unwrap().len()
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("billing").await, 1);
    assert_eq!(count("--status disabled").await, 1);
    assert_eq!(
        count("--label team:billing --type api_key --name CI --prefix ks_ak_").await,
        1
    );
    assert_eq!(count("--label team --sort -last_used_at").await, 2);
    assert_eq!(count("--sort name --limit 1").await, 1);
    assert_eq!(count("--unused-for 30d").await, 0);
    assert_eq!(count("--expiring-within 40d").await, 0);
    assert_eq!(count("--rotation due").await, 0);
    shell
        .does("credentials update billing/ci --expires 2027-02-20T00:00:00Z --rotate-every 30d")
        .await;
    registry.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(count("--unused-for 30d").await, 2);
    assert_eq!(count("--expiring-within 40d").await, 1);
    assert_eq!(count("--expiring-within 1d").await, 0);
    assert_eq!(count("--rotation due").await, 1);
    assert_eq!(count("--rotation due_soon").await, 0);
    assert_eq!(count("--last-four 0000 --group default").await, 0);
    shell.fails(3, "credentials list nobody").await;
    assert!(
        shell
            .fails(1, "credentials list --status odd")
            .await
            .contains("status")
    );
}
