//! Secrets go where the caller says, and nowhere else.

use std::os::unix::fs::PermissionsExt as _;

use super::Shell;
use crate::support::{TestRegistry, text};

async fn with_application(registry: &TestRegistry) -> Shell {
    let shell = Shell::at(registry);
    shell.does("apps create billing").await;
    shell
}

#[tokio::test]
async fn nothing_is_made_before_it_is_said_where_the_secret_goes() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    for command in [
        "credentials create billing ci",
        "credentials create billing ci --show-secret --secret-file secret",
        "tokens create",
        "gateways create-token default",
    ] {
        let refused = shell.fails(2, command).await;
        assert!(refused.contains("--show-secret"), "{command}: {refused}");
    }
    assert_eq!(
        shell.json("credentials list billing").await,
        serde_json::json!([])
    );
    assert_eq!(
        shell.json("gateways tokens default").await,
        serde_json::json!([])
    );
}

#[tokio::test]
async fn a_shown_secret_is_alone_on_the_last_line() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    for (command, prefix) in [
        ("credentials create billing ci --show-secret", "ks_ak_"),
        (
            "credentials rotate billing/ci --immediately --show-secret",
            "ks_ak_",
        ),
        ("tokens create --show-secret", "ks_at_"),
        ("gateways create-token default --show-secret", "ks_gt_"),
    ] {
        let out = shell.does(command).await;
        let secret = out.lines().last().unwrap();
        assert!(secret.starts_with(prefix) && secret.len() == 39, "{out}");
        assert_eq!(out.matches(secret).count(), 1, "{out}");
    }
}

#[tokio::test]
async fn a_secret_in_a_file_is_only_there_and_only_for_its_owner() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    let command = "credentials create billing ci --secret-file secret";
    let ran = shell.run(command).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let secret = shell.read("secret").trim().to_owned();
    assert!(secret.starts_with("ks_ak_"), "{secret}");
    assert!(
        !ran.out.contains(&secret) && !ran.err.contains(&secret),
        "{ran:?}"
    );
    let mode = shell
        .path("secret")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let again = shell
        .fails(1, "credentials create billing other --secret-file secret")
        .await;
    assert!(again.contains("cannot create secret"), "{again}");
    assert_eq!(shell.read("secret").trim(), secret);
    shell.fails(3, "credentials show billing/other").await;
}

#[tokio::test]
async fn a_file_for_a_secret_that_was_not_made_goes_away_again() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    shell
        .fails(4, "credentials create billing ci --secret-file secret")
        .await;
    assert!(!shell.path("secret").exists());
}

#[tokio::test]
async fn json_holds_the_secret_only_when_it_is_to_be_shown() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    let shown = shell
        .json("credentials create billing a --show-secret")
        .await;
    assert!(text(&shown["secret"]["value"]).starts_with("ks_ak_"));
    let hidden = shell
        .json("credentials create billing b --secret-file b")
        .await;
    assert_eq!(hidden.get("secret"), None);
    let shown = shell.json("tokens create --show-secret").await;
    assert!(text(&shown["token"]).starts_with("ks_at_"));
    let hidden = shell.json("tokens create --secret-file token").await;
    assert_eq!(hidden.get("token"), None);
}

#[tokio::test]
async fn own_values_come_from_files_and_standard_input() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    shell.file("value", "my-own-key-of-twenty-characters\n");
    let out = shell
        .does("credentials create billing own --value-file value")
        .await;
    assert!(!out.contains("my-own-key"), "{out}");
    assert!(out.contains("…ters"), "{out}");

    let shell = shell.typing("correct horse battery staple");
    let made = shell
        .json("credentials create billing bob --type basic --username bob --password-file -")
        .await;
    assert_eq!(made["secrets"][0]["origin"], "chosen");
    assert_eq!(made.get("secret"), None);
    let shell = shell.typing("another horse, same battery");
    shell
        .does("credentials rotate billing/bob --immediately --password-file -")
        .await;

    let superfluous = "credentials create billing x --value-file value --show-secret";
    assert!(
        shell
            .fails(2, superfluous)
            .await
            .contains("no secret is made")
    );
    let nobody_asks = "credentials create billing x --type basic --username x --ask-password";
    assert!(
        shell
            .fails(2, nobody_asks)
            .await
            .contains("--password-file -")
    );
    shell
        .fails(1, "credentials create billing x --value-file missing")
        .await;
}

#[tokio::test]
async fn no_argument_takes_a_secret() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    for command in [
        "credentials create billing ci --value my-own-key-of-twenty-characters --show-secret",
        "credentials create billing ci --password secret --show-secret",
        "credentials rotate billing/ci --immediately --value my-own-key-of-twenty-characters",
        "apps list --token ks_at_1",
    ] {
        let refused = shell.fails(2, command).await;
        assert!(
            refused.contains("unexpected argument"),
            "{command}: {refused}"
        );
    }
}

#[tokio::test]
async fn lists_and_descriptions_hold_no_secret() {
    let registry = TestRegistry::start().await;
    let shell = with_application(&registry).await;
    let out = shell
        .does("credentials create billing ci --show-secret")
        .await;
    let secret = out.lines().last().unwrap();
    for command in [
        "credentials list billing",
        "credentials show billing/ci",
        "apps show billing",
    ] {
        assert!(!shell.does(command).await.contains(secret), "{command}");
        let json = shell.json(command).await.to_string();
        assert!(!json.contains(secret), "{command}");
    }
}

#[tokio::test]
async fn what_was_kept_for_it_can_be_revealed() {
    let settings = [("KEYSMITH_ALLOW_RETRIEVABLE_SECRETS", "true")];
    let registry = TestRegistry::with(&settings).await;
    let shell = with_application(&registry).await;
    let out = shell
        .does("credentials create billing ci --retrievable --show-secret")
        .await;
    let secret = out.lines().last().unwrap();
    assert!(
        shell
            .fails(2, "credentials reveal billing/ci")
            .await
            .contains("--show-secret")
    );
    let shown = shell
        .does("credentials reveal billing/ci --show-secret")
        .await;
    assert_eq!(shown.lines().last(), Some(secret), "{shown}");
    let hidden = shell
        .json("credentials reveal billing/ci --secret-file kept")
        .await;
    assert!(!hidden.to_string().contains(secret), "{hidden}");
    assert_eq!(shell.read("kept").trim(), secret);
    shell
        .does("credentials create billing hashed --show-secret")
        .await;
    shell
        .fails(4, "credentials reveal billing/hashed --show-secret")
        .await;
}
