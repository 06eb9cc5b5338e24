//! `keysmith credentials deploy` and what follows from it, and `keysmith changes`.

use filter_core::feed::{Body, Page};
use serde_json::json;

use super::Shell;
use crate::support::{Actor, TestRegistry};

/// Reports as a gateway does that has everything there is now.
async fn follows(gateway: &Actor, sequence: u64) {
    let page = gateway.get("/v1/feed").await.has(200);
    let page = Page::decode(&page.body).unwrap();
    let Body::Snapshot(snapshot) = page.body else {
        panic!("no snapshot");
    };
    let body = json!({
        "gateway": "edge-1", "instance": "0".repeat(32), "sequence": sequence,
        "epoch": filter_core::gateway::hex(&page.epoch), "revision": snapshot.revision,
        "complete": true, "workers": 2, "max_staleness_seconds": 3600,
    });
    gateway.post("/v1/gateway/report", body).await.has(204);
}

#[tokio::test]
async fn a_credential_is_deployed_to_a_group_and_taken_away() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell
        .does("gateways create-group lab --mode on_demand")
        .await;
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    let done = shell.does("credentials deploy billing/ci lab").await;
    assert!(done.starts_with("deployed to lab\n"), "{done}");
    let table = shell.does("credentials deployments billing/ci").await;
    assert!(
        table.contains("default  automatic  ") && table.contains("lab      on_demand  "),
        "{table}"
    );
    let done = shell.json("credentials undeploy billing/ci lab").await;
    assert_eq!(done["group"], "lab");
    shell
        .fails(3, "credentials deploy billing/ci nowhere")
        .await;
    shell
        .fails(3, "credentials undeploy billing/other lab")
        .await;
    shell
        .fails(3, "credentials deployments billing/other")
        .await;
    shell.does("apps create narrow --group default").await;
    shell
        .does("credentials create narrow ci --show-secret")
        .await;
    shell.fails(4, "credentials deploy narrow/ci lab").await;
}

#[tokio::test]
async fn a_change_says_how_far_it_came() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let made = shell
        .json("credentials create billing ci --wait 0 --show-secret")
        .await;
    assert_eq!(made["propagation"]["of"], 0, "{made}");
    let revision = made["propagation"]["revision"].as_u64().unwrap();
    let out = shell.does(&format!("changes show {revision}")).await;
    assert!(out.starts_with("no gateway follows\nGROUP "), "{out}");
    let receipt = shell.json(&format!("changes show {revision}")).await;
    assert_eq!(receipt["revision"], revision);
    shell.fails(3, "changes show 999999").await;
    shell.fails(2, "changes show first").await;
    shell
        .fails(2, "credentials disable billing/ci --wait 31")
        .await;
    let out = shell
        .does("credentials delete billing/ci --yes --wait 1")
        .await;
    assert_eq!(out, "deleted ci\nno gateway follows\n");
}

#[tokio::test]
async fn a_change_waits_for_the_gateways_that_follow() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let gateway = registry.gateway("default").await;
    shell.does("apps create billing").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    follows(&gateway, 1).await;
    let disabled = shell.does("credentials disable billing/ci --wait 0").await;
    assert!(
        disabled.contains("\napplied by 0 of 1 gateways; the others may admit until 2027-01-15T"),
        "{disabled}"
    );
    let deleting = shell.does("credentials delete billing/ci --yes --wait 30");
    let following = async {
        for sequence in 2.. {
            follows(&gateway, sequence).await;
        }
    };
    let deleted = tokio::select! {
        deleted = deleting => deleted,
        () = following => unreachable!("it follows for ever"),
    };
    assert!(
        deleted.starts_with("deleted ci\napplied by 1 of 1 gateways after "),
        "{deleted}"
    );
}
