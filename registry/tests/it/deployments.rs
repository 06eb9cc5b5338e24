//! Deploying credentials to gateway groups.

use serde_json::{Value, json};

use crate::support::{Actor, TestRegistry, text};

async fn group(admin: &Actor, name: &str, mode: &str) {
    let body = json!({"name": name, "mode": mode});
    admin.post("/v1/gateway-groups", body).await.has(201);
}

/// What a gateway reports that has everything.
async fn reports(gateway: &Actor, number: u64) {
    let page = gateway.get("/v1/feed").await.has(200);
    let page = filter_core::feed::Page::decode(&page.body).unwrap();
    let epoch = format!("{:032x}", u128::from_be_bytes(page.epoch));
    let body = json!({
        "gateway": "edge", "instance": "0123456789abcdef0123456789abcdef", "sequence": number, "epoch": epoch,
        "revision": number, "complete": true, "workers": 2, "max_staleness_seconds": 3600,
    });
    gateway.post("/v1/gateway/report", body).await.has(204);
}

async fn states(admin: &Actor, path: &str) -> Vec<(String, String)> {
    let listed = admin.get(&format!("{path}/deployments")).await.has(200);
    let listed = listed.json();
    let items = listed["items"].as_array().unwrap().iter();
    items
        .map(|item| (text(&item["group"]), text(&item["state"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = expected.iter();
    owned
        .map(|(group, state)| ((*group).to_owned(), (*state).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_deployment_is_what_gateways_report_and_not_what_is_hoped() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    group(&admin, "demand", "on_demand").await;
    let demand = registry.gateway("demand").await;
    let application = registry.application("a").await;
    let key = json!({"type": "api_key", "name": "ci", "gateway_groups": ["default"]});
    let created = registry.credential(&application, key).await;
    assert_eq!(created["deploy"], "chosen");
    let path = format!("/v1/credentials/{}", text(&created["id"]));
    assert_eq!(
        states(&admin, &path).await,
        pairs(&[("default", "pending")])
    );

    let there = format!("{path}/deployments/demand");
    let reply = admin.put(&there).await.has(200);
    let revision: u64 = reply.header("keysmith-revision").parse().unwrap();
    let expected =
        json!({"group": "demand", "mode": "on_demand", "state": "pending", "revision": revision});
    assert_eq!(reply.json(), expected);
    let again = admin.put(&there).await.has(200);
    assert_eq!(again.json(), expected);
    assert!(again.headers.get("keysmith-revision").is_none());

    reports(&demand, revision).await;
    let shown = admin.get(&path).await.has(200).json();
    let demanded =
        json!({"group": "demand", "mode": "on_demand", "state": "deployed", "revision": revision});
    assert_eq!(shown["deployments"][1], demanded);
    assert_eq!(shown["propagation"]["revision"], revision);
    assert_eq!(shown["propagation"]["applied"], 1);

    let reply = admin.delete(&there).await.has(200);
    assert_eq!(reply.json()["state"], "undeploying");
    reports(&demand, revision + 1).await;
    let expected = [("default", "pending"), ("demand", "undeployed")];
    assert_eq!(states(&admin, &path).await, pairs(&expected));
}

#[tokio::test]
async fn a_gateway_that_cannot_be_relied_upon_is_named_and_can_be_forgotten() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let gateway = registry.gateway("default").await;
    let application = registry.application("a").await;
    let key = json!({"type": "api_key", "name": "ci"});
    let created = registry.credential(&application, key).await;
    let path = format!("/v1/credentials/{}", text(&created["id"]));
    reports(&gateway, 1).await;
    registry.clock.advance(std::time::Duration::from_secs(41));
    let shown = admin.get(&path).await.has(200).json();
    let deployment = &shown["deployments"][0];
    assert_eq!(deployment["state"], "error");
    let message = text(&deployment["message"]);
    assert!(
        message.contains("\"edge\" (0123456789abcdef0123456789abcdef) is silent"),
        "{message}"
    );
    let silent = &shown["propagation"]["gateways"][0];
    assert_eq!(silent["state"], "silent");
    assert_eq!(silent["may_admit_until"], "2027-01-15T09:00:06.000Z");
    assert_eq!(
        shown["propagation"]["may_admit_until"],
        silent["may_admit_until"]
    );

    let gone = "/v1/gateways/0123456789abcdef0123456789abcdef";
    admin.delete(gone).await.has(204);
    admin.delete(gone).await.is_problem(404, "not-found", None);
    assert_eq!(
        states(&admin, &path).await,
        pairs(&[("default", "pending")])
    );
}

#[tokio::test]
async fn what_cannot_be_deployed_says_why() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    group(&admin, "demand", "on_demand").await;
    let body = json!({"name": "a", "gateway_groups": ["default"]});
    let application = text(&admin.post("/v1/applications", body).await.has(201).json()["id"]);
    let key = json!({"type": "api_key", "name": "ci"});
    let created = registry.credential(&application, key).await;
    let path = format!("/v1/credentials/{}/deployments", text(&created["id"]));
    let refused = admin.put(&format!("{path}/demand")).await;
    let problem = refused.is_problem(409, "conflict", None);
    assert!(
        text(&problem["detail"]).contains("gateway_groups"),
        "{problem}"
    );
    let missing = admin.put(&format!("{path}/nowhere")).await;
    missing.is_problem(404, "not-found", None);
    let unknown = json!({"type": "api_key", "name": "x", "gateway_groups": ["nowhere"]});
    let path = format!("/v1/applications/{application}/credentials");
    let refused = admin.post(&path, unknown).await;
    refused.is_problem(400, "invalid-value", Some("gateway_groups"));
}

#[tokio::test]
async fn what_is_deployed_on_demand_is_deleted_only_by_force() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    group(&admin, "demand", "on_demand").await;
    let application = registry.application("a").await;
    let key = json!({"type": "api_key", "name": "ci", "gateway_groups": ["demand"]});
    let created = registry.credential(&application, key).await;
    let path = format!("/v1/credentials/{}", text(&created["id"]));
    let problem = admin.delete(&path).await.is_problem(409, "conflict", None);
    let detail = text(&problem["detail"]);
    assert!(
        detail.contains("demand") && detail.contains("force=true"),
        "{detail}"
    );
    let wrong = admin.delete(&format!("{path}?force=yes")).await;
    wrong.is_problem(400, "invalid-value", Some("force"));
    admin.delete(&format!("{path}?force=true")).await.has(204);
}

#[tokio::test]
async fn every_change_that_gateways_see_has_a_receipt() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let gateway = registry.gateway("default").await;
    let body = json!({"name": "a"});
    let created = admin.post("/v1/applications", body).await.has(201);
    assert_eq!(created.header("keysmith-revision"), "1");
    let path = format!("/v1/applications/{}", text(&created.json()["id"]));
    let unseen = admin
        .patch(&path, json!({"description": "x"}))
        .await
        .has(200);
    assert!(unseen.headers.get("keysmith-revision").is_none());
    let seen = admin.patch(&path, json!({"enabled": false})).await.has(200);
    assert_eq!(seen.header("keysmith-revision"), "2");

    registry.clock.advance(std::time::Duration::from_secs(1));
    reports(&gateway, 1).await;
    let receipt = admin.get("/v1/changes/2").await.has(200).json();
    let edge = &receipt["gateways"][0];
    assert_eq!(
        (&receipt["applied"], &receipt["of"], &edge["state"]),
        (&json!(0), &json!(1), &json!("pending"))
    );
    assert_eq!(receipt["after_ms"], Value::Null);
    reports(&gateway, 2).await;
    let receipt = admin.get("/v1/changes/2").await.has(200).json();
    assert_eq!(
        (&receipt["applied"], &receipt["after_ms"]),
        (&json!(1), &Value::Null),
        "it began after the change"
    );
    let shown = admin.get(&path).await.has(200).json();
    assert_eq!(shown["propagation"], receipt);
    for missing in ["/v1/changes/3", "/v1/changes/99999999999999999999"] {
        let problem = admin.get(missing).await.is_problem(404, "not-found", None);
        if missing.ends_with('3') {
            assert!(
                text(&problem["detail"]).contains("86400 seconds"),
                "{problem}"
            );
        }
    }
}

#[tokio::test]
async fn who_prefers_to_wait_is_told_how_far_the_change_has_come() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let application = registry.application("a").await;
    let path = format!("/v1/applications/{application}/credentials");
    let headers = [("prefer", "wait=10"), ("idempotency-key", "once")];
    let body = json!({"type": "api_key", "name": "ci"});
    let created = admin
        .post_with(&path, &headers, body.clone())
        .await
        .has(201);
    assert_eq!(created.header("preference-applied"), "wait=10");
    let created_body = created.json();
    assert_eq!(created_body["propagation"]["of"], 0, "there is no gateway");
    let again = admin
        .post_with(&path, &headers, body.clone())
        .await
        .has(201);
    assert_eq!(again.json(), created_body);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let plain = admin.post_with(&path, &headers[1..], body).await.has(201);
    assert!(plain.json().get("propagation").is_none());

    let path = format!("/v1/credentials/{}", text(&created_body["id"]));
    let unseen = json!({"description": "x"});
    let reply = admin.patch_with(&path, &[("prefer", "wait=1")], unseen);
    let unseen = reply.await.has(200);
    assert_eq!(unseen.json()["propagation"], Value::Null);
    assert!(
        unseen.headers.get("preference-applied").is_none(),
        "there is nothing to wait for"
    );
    let deployment = format!("{path}/deployments/default");
    let prefer = [("prefer", "wait=1")];
    let reply = admin.send(axum::http::Method::DELETE, &deployment, &prefer, "".into());
    let undeployed = reply.await.has(200).json();
    assert_eq!(undeployed["state"], "undeployed");
    assert_eq!(
        undeployed["propagation"]["revision"],
        undeployed["revision"]
    );
    let reply = admin.send(axum::http::Method::DELETE, &path, &prefer, "".into());
    let gone = reply.await.has(200);
    assert_eq!(
        gone.text(),
        r#"{"propagation":null}"#,
        "it was nowhere any more"
    );
}

#[tokio::test]
async fn who_waits_is_answered_when_the_gateway_reports() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let gateway = registry.gateway("default").await;
    let application = registry.application("a").await;
    reports(&gateway, 1).await;
    let path = format!("/v1/applications/{application}");
    let wait = [("prefer", "wait=30")];
    let body = json!({"enabled": false});
    let (reply, ()) = tokio::join!(admin.patch_with(&path, &wait, body), async {
        while admin.get("/v1/changes/2").await.status != 200 {
            tokio::task::yield_now().await;
        }
        reports(&gateway, 2).await;
    });
    let receipt = &reply.has(200).json()["propagation"];
    assert_eq!(
        (&receipt["applied"], &receipt["of"], &receipt["after_ms"]),
        (&json!(1), &json!(1), &json!(0))
    );
}
