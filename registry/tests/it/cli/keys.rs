//! `keysmith keys`.

use serde_json::json;

use super::Shell;
use crate::support::{Actor, Data, TestRegistry};

const INSTANCE: &str = "000102030405060708090a0b0c0d0e0f";

/// A gateway that says that it has everything up to this position.
async fn report(gateway: &Actor, epoch: &str, sequence: u64, revision: u64) {
    let report = json!({
        "gateway": "edge-1", "instance": INSTANCE, "sequence": sequence, "epoch": epoch, "revision": revision,
        "complete": true, "workers": 2,
    });
    gateway.post("/v1/gateway/report", report).await.has(204);
}

#[tokio::test]
async fn the_master_key_is_replaced_and_what_there_was_is_shown() {
    let registry = TestRegistry::start().await;
    registry.application("billing").await;
    let shell = Shell::at(&registry);
    let before = shell.json("keys show").await;
    let first = before["master_key"].as_str().unwrap().to_owned();
    let after = shell.json("keys rotate-master").await;
    assert_eq!(after["rotation"], json!(null));
    let second = after["master_key"].as_str().unwrap();
    assert_ne!(second, first);
    let table = shell.does("keys show").await;
    assert!(table.starts_with("MASTER KEY"), "{table}");
    let in_use = |id: &str| {
        let line = table.lines().find(|line| line.starts_with(id));
        line.is_some_and(|line| line.ends_with("in use"))
    };
    assert!(in_use(second) && !in_use(&first), "{table}");
    let masters = table.lines().take_while(|line| !line.is_empty());
    assert_eq!(masters.count(), 3, "{table}");
    // At once, again.
    let third = shell.json("keys rotate-master").await;
    assert_eq!(third["master_keys"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn without_a_next_master_key_the_way_out_is_named() {
    let data = Data::new().await;
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let registry = data.start(&[("KEYSMITH_MASTER_KEY", key)]).await;
    let said = Shell::at(&registry).fails(4, "keys rotate-master").await;
    assert!(said.contains("set next_master_key"), "{said}");
}

#[tokio::test]
async fn the_next_signing_key_is_made_once_and_shown() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let rows = |table: &str| {
        let rows = table.lines().skip(1);
        rows.map(|row| row.split_whitespace().nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let table = shell.does("keys rotate-signing").await;
    assert!(table.starts_with("SIGNING KEY"), "{table}");
    assert_eq!(rows(&table), ["current", "next"]);
    assert_eq!(shell.does("keys rotate-signing").await, table);
    let all = shell.does("keys show").await;
    assert!(all.ends_with(&table), "{all}");
}

#[tokio::test]
async fn a_digest_key_is_replaced_and_its_progress_told() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    for name in ["a", "b", "c"] {
        let body = json!({"type": "api_key", "name": name});
        registry.credential(&app, body).await;
    }
    let shell = Shell::at(&registry);
    assert_eq!(
        shell.does("keys digest-key default").await,
        "default: key 1\n"
    );
    let ran = shell.run("keys rotate-digest-key default").await;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "default: key 2\n"),
        "{ran:?}"
    );
    assert!(
        ran.err
            .starts_with("default: 0 of 3 records added under key 2\n"),
        "{ran:?}"
    );
    let said = shell.fails(3, "keys rotate-digest-key nowhere").await;
    assert!(said.contains("gateway group"), "{said}");
    shell.fails(3, "keys digest-key nowhere").await;
}

#[tokio::test]
async fn the_replacing_of_a_digest_key_waits_for_a_gateway_goes_on_after_a_restart_and_can_be_watched()
 {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    registry
        .credential(&app, json!({"type": "api_key", "name": "a"}))
        .await;
    let gateway = registry.gateway("default").await;
    let page = gateway.poll(None, 0).await;
    let epoch = format!("{:032x}", u128::from_be_bytes(page.epoch));
    report(&gateway, &epoch, 1, 1).await;

    let shell = Shell::at(&registry);
    let begun = shell.does("keys rotate-digest-key default --no-wait").await;
    assert_eq!(begun, "default: 0 of 1 records added under key 2\n");
    let said = shell.fails(4, "keys rotate-digest-key default").await;
    assert!(said.contains("is being replaced already"), "{said}");
    let switched = async |shell: &Shell| loop {
        let state = shell.json("keys digest-key default").await;
        if state["replacement"]["phase"] == "switched" {
            return state;
        }
    };
    let state = switched(&shell).await;
    assert_eq!(state["replacement"]["propagation"]["of"], 1);

    let token = gateway.token().to_owned();
    let registry = registry.stop().await.start(&[]).await;
    let shell = Shell::at(&registry);
    let state = switched(&shell).await;
    let said = shell.does("keys digest-key default").await;
    assert!(said.starts_with("default: key 2 "), "{said}");
    let revision = state["replacement"]["propagation"]["revision"].as_u64();
    let gateway = registry.bearer(&token);
    report(&gateway, &epoch, 2, revision.unwrap()).await;
    let done = shell.does("keys digest-key default --wait").await;
    assert_eq!(done, "default: key 2\n");
}
