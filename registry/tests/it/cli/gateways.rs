//! `keysmith gateways` and `keysmith tokens`.

use super::Shell;
use crate::support::{TestRegistry, text};

#[tokio::test]
async fn gateway_groups_are_made_listed_and_deleted() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("gateways create-group edge").await;
    let made = shell
        .json("gateways create-group lab --mode on_demand")
        .await;
    assert_eq!(made["mode"], "on_demand");
    let table = shell.does("gateways groups").await;
    assert!(table.contains("edge     automatic  "), "{table}");
    shell.fails(4, "gateways create-group edge").await;
    shell.fails(2, "gateways delete-group edge").await;
    assert_eq!(
        shell.does("gateways delete-group edge --yes").await,
        "deleted edge\n"
    );
    shell.fails(3, "gateways delete-group edge --yes").await;
    shell.fails(4, "gateways delete-group default --yes").await;
}

#[tokio::test]
async fn a_gateways_token_works_until_it_is_revoked() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let made = shell
        .json("gateways create-token default --description edge-1 --expires 2099-01-01T00:00:00Z --show-secret")
        .await;
    let gateway = registry.bearer(&text(&made["token"]));
    let poll = "/v1/feed?wait=0&gateway=edge-1&instance=000102030405060708090a0b0c0d0e0f";
    gateway.get(poll).await.has(200);
    let table = shell.does("gateways list").await;
    assert!(
        table.contains("default  edge-1 ") && table.lines().count() == 2,
        "{table}"
    );
    let table = shell.does("gateways tokens default").await;
    assert!(
        table.contains("ks_gt_…") && table.contains("edge-1"),
        "{table}"
    );

    let id = text(&made["id"]);
    shell
        .fails(2, &format!("gateways revoke-token default {id}"))
        .await;
    shell
        .does(&format!("gateways revoke-token default {id} --yes"))
        .await;
    gateway.get("/v1/feed?wait=0").await.has(401);
    shell
        .fails(3, &format!("gateways revoke-token default {id} --yes"))
        .await;
    shell
        .fails(3, "gateways create-token nowhere --show-secret")
        .await;
    shell.fails(3, "gateways tokens nowhere").await;
}

#[tokio::test]
async fn a_token_for_the_api_works_until_it_is_revoked() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let made = shell
        .json("tokens create --description ci --show-secret")
        .await;
    let other = Shell::at(&registry).with("KEYSMITH_TOKEN", &text(&made["token"]));
    let table = other.does("tokens list").await;
    assert!(
        table.contains("portal_admin") && table.contains("  ci  "),
        "{table}"
    );
    let revoke = format!("tokens revoke {} --yes", text(&made["id"]));
    shell.does(&revoke).await;
    other.fails(5, "tokens list").await;
    shell.fails(3, &revoke).await;
}
