//! Claims about a registry whose database goes away and comes back.

use private_postgres::Server;
use serde_json::json;

use crate::support::{Data, Reply, TestRegistry};

/// Until the server is there again and has been found: bounded, because a request that finds no database waits for it.
const ATTEMPTS: u32 = 100;

async fn create(registry: &TestRegistry, name: &str) -> Reply {
    let body = json!({"name": name, "scopes": ["orders:read"]});
    let headers = [("Idempotency-Key", name)];
    registry
        .admin()
        .post_with("/v1/applications", &headers, body)
        .await
}

#[tokio::test]
async fn without_its_database_a_registry_says_to_come_back_and_goes_on_when_it_is_there_again() {
    let mut server = Server::start();
    let registry = Data::on(server.url("postgres")).start(&[]).await;
    create(&registry, "before").await.has(201);
    let gateway = registry.gateway("default").await;
    let before = registry.operator().get("/readyz").await;
    before.has(200);

    server.stop();
    let read = registry.admin().get("/v1/applications").await.has(503);
    assert_eq!(read.header("retry-after"), "2");
    let problem = read.json();
    assert_eq!(problem["type"], "urn:keysmith:problem:unavailable");
    let write = create(&registry, "during").await.has(503);
    assert_eq!(write.header("retry-after"), "2");
    gateway.get("/v1/feed").await.has(503);
    registry.operator().get("/readyz").await.has(503);
    registry.operator().get("/healthz").await.has(200);

    server.go_on();
    let mut attempts = 0;
    loop {
        // The same request again, by its key.
        let again = create(&registry, "during").await;
        if again.status == 201 {
            break;
        }
        again.has(503);
        attempts += 1;
        assert!(attempts < ATTEMPTS, "it does not come back");
    }
    registry.operator().get("/readyz").await.has(200);
    let listed = registry.admin().get("/v1/applications").await.has(200);
    let mut names: Vec<_> = listed.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    // Both were made at one moment.
    names.sort();
    assert_eq!(
        names,
        ["before", "during"],
        "nothing is lost or there twice"
    );
    gateway.get("/v1/feed").await.has(200);
    registry.stop().await;
}
