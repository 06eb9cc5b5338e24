//! What the command line says of use that gateways have reported.

use std::time::Duration;

use serde_json::{Value, json};

use super::Shell;
use crate::support::{START, TestRegistry, text};

/// Reports uses: `[version, outcome, count]`, all of them a second after the start.
async fn report(registry: &TestRegistry, id: &str, sequence: u64, uses: &[(u32, u8, u64)]) {
    let gateway = registry.gateway("default").await;
    let at = START.as_millis() + 1000;
    let uses: Vec<Value> = uses
        .iter()
        .map(|(version, outcome, count)| json!([id, version, outcome, count, at, at]))
        .collect();
    let body = json!({
        "gateway": "edge-1", "instance": "0".repeat(32), "sequence": sequence, "epoch": "0".repeat(32), "revision": 0,
        "complete": true, "workers": 2, "max_staleness_seconds": 86400,
        "usage": [{"lane": 0, "sequence": sequence, "lost": 0, "uses": uses}],
    });
    gateway.post("/v1/gateway/report", body).await.has(204);
}

/// What stands beside a name in what was printed; empty where the name does not.
fn field(printed: &str, name: &str) -> String {
    let mut lines = printed.lines();
    let text = lines.find_map(|line| line.strip_prefix(name));
    text.unwrap_or_default().trim_start().to_owned()
}

#[tokio::test]
async fn a_credential_is_shown_with_its_use_and_whether_its_new_secret_has_taken_over() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let made = shell
        .json("credentials create billing ci --show-secret")
        .await;
    let id = text(&made["id"]);
    let shown = shell.does("credentials show billing/ci").await;
    assert_eq!(
        field(&shown, "usage"),
        "0 allowed, 0 forbidden, 0 refused",
        "{shown}"
    );
    assert_eq!(field(&shown, "grace period"), "", "{shown}");
    assert!(
        field(&shown, "deployment").starts_with("default (automatic): "),
        "{shown}"
    );

    shell
        .does("credentials rotate billing/ci --grace 7d --show-secret")
        .await;
    registry.clock.advance(Duration::from_mins(1));
    report(&registry, &id, 1, &[(1, 0, 11), (1, 1, 1), (1, 2, 4)]).await;
    let shown = shell.does("credentials show billing/ci").await;
    assert!(
        field(&shown, "usage")
            .starts_with("11 allowed, 1 forbidden, 4 refused, since 2027-01-15T08:00:01.000Z ("),
        "{shown}"
    );
    let radar = field(&shown, "grace period");
    assert!(radar.starts_with("old secret last used "), "{shown}");
    assert!(
        radar.ends_with(", 12 times; new secret not used yet"),
        "{shown}"
    );
    report(&registry, &id, 2, &[(2, 0, 1)]).await;
    let shown = shell.does("credentials show billing/ci").await;
    let radar = field(&shown, "grace period");
    assert!(radar.contains("; new secret last used "), "{shown}");
    assert!(radar.ends_with(", once"), "{shown}");
}

#[tokio::test]
async fn what_would_break_is_said_before_it_is_done() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let made = shell
        .json("credentials create billing ci --show-secret")
        .await;
    let id = text(&made["id"]);
    let unused = shell
        .does("credentials impact billing/ci --action delete")
        .await;
    assert!(
        unused.starts_with("verdict            no use is known within 30 days, but not everything"),
        "{unused}"
    );
    assert!(
        unused.contains("not known          no gateway of group default reports"),
        "{unused}"
    );

    registry.clock.advance(Duration::from_mins(1));
    report(&registry, &id, 1, &[(1, 0, 12)]).await;
    let used = shell
        .does("credentials impact billing/ci --action disable")
        .await;
    assert!(used.starts_with("verdict            breaks: "), "{used}");
    assert!(used.contains("last 7 days        12 requests\n"), "{used}");
    assert!(
        used.contains("group              default: 12 times, last 2027-01-15T08:00:01.000Z"),
        "{used}"
    );
    assert!(
        used.contains("other credentials  none that works is left"),
        "{used}"
    );
    let json = shell
        .json(&format!("credentials impact {id} --action disable"))
        .await;
    assert_eq!(
        (&json["action"], &json["breaks"]),
        (&json!("disable"), &json!(true))
    );
    assert_eq!(
        shell.json("credentials show billing/ci").await["enabled"],
        true,
        "nothing was changed"
    );
    shell.fails(2, "credentials impact billing/ci").await;
    shell
        .fails(2, "credentials impact billing/ci --action rotate")
        .await;
    shell
        .fails(3, "credentials impact billing/other --action delete")
        .await;
}
