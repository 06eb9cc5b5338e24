//! Claims about two registries that serve one database.

use std::time::Duration;

use filter_core::feed::Body;
use serde_json::{Value, json};

use crate::support::{Actor, Data, TestRegistry};

const INSTANCE: &str = "000102030405060708090a0b0c0d0e0f";
const MASTER_KEY: (&str, &str) = (
    "KEYSMITH_MASTER_KEY",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
);

/// Both start at the same time, where no registry has been.
async fn two() -> [TestRegistry; 2] {
    let data = Data::postgres_without_tables().await;
    let other = data.beside();
    let first = data.start(&[MASTER_KEY]).await;
    let second = other.start(&[MASTER_KEY]).await;
    [first, second]
}

/// Asks until it is so. There is no other way to hear of it.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let patience = Duration::from_mins(1);
    let waited = tokio::time::timeout(patience, asking).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}

async fn reports(gateway: &Actor, epoch: [u8; 16], sequence: u64, revision: u64) {
    let body = json!({
        "gateway": "edge", "instance": INSTANCE, "sequence": sequence, "complete": true, "workers": 2,
        "epoch": format!("{:032x}", u128::from_be_bytes(epoch)), "revision": revision,
    });
    gateway.post("/v1/gateway/report", body).await.has(204);
}

async fn listed(registry: &TestRegistry) -> Vec<Value> {
    let listed = registry.admin().get("/v1/gateways").await.has(200).json();
    listed["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_waits_at_one_registry_waits_for_a_gateway_that_reports_to_the_other() {
    let [first, second] = two().await;
    let made = first.gateway("default").await;
    let gateway = second.bearer(made.token());
    let application = first.application("billing").await;
    let mut page = gateway.poll(None, 0).await;
    while page.more {
        page = gateway.poll(Some(&page.next), 0).await;
    }
    reports(&gateway, page.epoch, 1, 1).await;
    until("it is known at the other", async || {
        listed(&first).await.len() == 1
    })
    .await;

    let admin = first.admin();
    let path = format!("/v1/applications/{application}");
    let change = json!({"enabled": false});
    let changing = admin.patch_with(&path, &[("prefer", "wait=30")], change);
    let hearing = async {
        let page = gateway.poll(Some(&page.next), 30).await;
        let Body::Changes(changes) = page.body else {
            panic!("{:?}", page.body);
        };
        reports(&gateway, page.epoch, 2, changes.revision).await;
    };
    let (changed, ()) = tokio::join!(changing, hearing);
    let propagation = &changed.has(200).json()["propagation"];
    assert_eq!(
        (&propagation["applied"], &propagation["of"]),
        (&json!(1), &json!(1)),
        "{propagation}"
    );

    // Forgotten at the one, it is forgotten at both.
    let path = format!("/v1/gateways/{INSTANCE}");
    admin.delete(&path).await.has(204);
    until("it is forgotten at the other", async || {
        listed(&second).await.is_empty()
    })
    .await;
    first.stop().await;
    second.stop().await;
}
