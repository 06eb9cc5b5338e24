//! `keysmith audit`.

use super::Shell;
use crate::support::{TestRegistry, text};

#[tokio::test]
async fn what_was_done_is_listed_the_latest_first() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    shell.does("apps create search").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    let table = shell.does("audit list").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("AT "), "{table}");
    assert!(
        lines[1].contains("credential.created") && lines[1].contains("127.0.0.1"),
        "{table}"
    );

    let of_billing = shell.json("audit list --app billing").await;
    assert_eq!(of_billing.as_array().unwrap().len(), 2);
    let of_ci = shell.json("audit list --credential billing/ci").await;
    assert_eq!(of_ci.as_array().unwrap().len(), 1);
    let made = shell
        .json("audit list --action application.created --limit 1")
        .await;
    assert_eq!(text(&made[0]["subject"]), "search");
    // The registry's clock stands in 2027.
    let since = shell
        .json("audit list --app billing --since 2027-01-16T00:00:00Z")
        .await;
    assert_eq!(since, serde_json::json!([]));
    let until = shell
        .json("audit list --app billing --until 2027-01-16T00:00:00Z")
        .await;
    assert_eq!(until.as_array().unwrap().len(), 2);

    assert!(
        shell
            .fails(1, "audit list --action nothing")
            .await
            .contains("action: ")
    );
    shell.fails(2, "audit list --since yesterday").await;
    shell.fails(3, "audit list --app nobody").await;
}
