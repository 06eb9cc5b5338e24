//! `keysmith credentials deploy` and what follows from it, and `keysmith changes`.

use super::Shell;
use crate::support::TestRegistry;

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
