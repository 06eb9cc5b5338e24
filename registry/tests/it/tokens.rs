//! Tokens and gateway groups.

use std::time::Duration;

use filter_core::key::{SecretType, Shape, shape};
use serde_json::json;

use crate::support::{TestRegistry, text, token};

#[tokio::test]
async fn a_gateway_token_is_shown_once_and_works_until_it_is_revoked() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let tokens = "/v1/gateway-groups/default/tokens";
    let made = admin
        .post(tokens, json!({"description": "edge-1"}))
        .await
        .has(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let value = text(&made["token"]);
    assert_eq!(
        shape(value.as_bytes()),
        Shape::Generated(SecretType::GatewayToken)
    );
    assert_eq!(made["role"], "gateway");

    let listed = admin.get(tokens).await.has(200);
    assert!(!listed.text().contains(&value));
    assert_eq!(
        listed.json()["items"][0]["last_four"],
        value[value.len() - 4..]
    );

    let gateway = registry.bearer(&value);
    gateway.get("/v1/feed").await.has(200);
    let path = format!("{tokens}/{}", text(&made["id"]));
    let elsewhere = format!("/v1/tokens/{}", text(&made["id"]));
    admin
        .delete(&elsewhere)
        .await
        .is_problem(404, "not-found", None);
    admin.delete(&path).await.has(204);
    gateway
        .get("/v1/feed")
        .await
        .is_problem(401, "unauthorized", None);
}

#[tokio::test]
async fn a_token_ends_when_it_expires() {
    let registry = TestRegistry::start().await;
    let body = json!({"expires_at": "2027-01-15T08:01:00Z"});
    let made = registry
        .admin()
        .post("/v1/tokens", body)
        .await
        .has(201)
        .json();
    let other = registry.bearer(&text(&made["token"]));
    other.get("/v1/tokens").await.has(200);
    registry.clock.advance(Duration::from_mins(1));
    other.get("/v1/tokens").await.has(401);
}

#[tokio::test]
async fn a_gateway_token_may_come_from_the_configuration() {
    let value = token(SecretType::GatewayToken, 3);
    let registry = TestRegistry::with(&[("KEYSMITH_GATEWAY_TOKEN", &value)]).await;
    registry
        .bearer(&value)
        .get("/v1/feed?group=default")
        .await
        .has(200);
    let data = registry.stop().await;
    let registry = data.start(&[("KEYSMITH_GATEWAY_TOKEN", &value)]).await;
    registry.bearer(&value).get("/v1/feed").await.has(200);
    let listed = registry
        .admin()
        .get("/v1/gateway-groups/default/tokens")
        .await
        .has(200)
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test]
async fn groups_are_created_listed_and_deleted() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let made = admin
        .post(
            "/v1/gateway-groups",
            json!({"name": "edge", "mode": "on_demand"}),
        )
        .await
        .has(201);
    assert_eq!(made.header("location"), "/v1/gateway-groups/edge");
    assert_eq!(
        admin.get("/v1/gateway-groups/edge").await.has(200).json(),
        made.json()
    );
    let listed = admin.get("/v1/gateway-groups").await.has(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let again = admin
        .post("/v1/gateway-groups", json!({"name": "edge"}))
        .await;
    again.is_problem(409, "conflict", Some("name"));
    let bad = admin
        .post("/v1/gateway-groups", json!({"name": "no/slash"}))
        .await;
    bad.is_problem(400, "invalid-value", Some("name"));

    registry.gateway("edge").await;
    admin
        .delete("/v1/gateway-groups/edge")
        .await
        .is_problem(409, "conflict", None);
    let tokens = admin.get("/v1/gateway-groups/edge/tokens").await.json();
    let token = text(&tokens["items"][0]["id"]);
    admin
        .delete(&format!("/v1/gateway-groups/edge/tokens/{token}"))
        .await
        .has(204);
    admin.delete("/v1/gateway-groups/edge").await.has(204);
    admin
        .get("/v1/gateway-groups/edge")
        .await
        .is_problem(404, "not-found", None);
    admin
        .delete("/v1/gateway-groups/default")
        .await
        .is_problem(409, "conflict", None);
    let nowhere = admin
        .post("/v1/gateway-groups/nowhere/tokens", json!({}))
        .await;
    nowhere.is_problem(404, "not-found", None);
}

#[tokio::test]
async fn nobody_makes_a_token_above_its_own() {
    let registry = TestRegistry::start().await;
    let org_admin = registry
        .minted(json!({"role": "org_admin", "expires_at": "2027-01-15T09:00:00Z"}))
        .await;
    let made = org_admin
        .post(
            "/v1/tokens",
            json!({"role": "developer", "owner": "team-a"}),
        )
        .await
        .has(201)
        .json();
    assert_eq!(made["owner"], "team-a");
    assert_eq!(made["expires_at"], "2027-01-15T09:00:00.000Z");
    for role in ["portal_admin", "api_owner", "auditor", "leak_reporter"] {
        let refused = org_admin.post("/v1/tokens", json!({"role": role})).await;
        refused.is_problem(403, "forbidden", Some("role"));
    }
    let later = json!({"role": "org_admin", "expires_at": "2027-01-15T09:00:01Z"});
    let refused = org_admin.post("/v1/tokens", later).await;
    refused.is_problem(400, "invalid-value", Some("expires_at"));
}

#[tokio::test]
async fn an_organizations_administrator_sees_and_revokes_no_token_of_the_installation() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    registry.clock.advance(Duration::from_millis(1));
    let org_admin = registry.minted(json!({"role": "org_admin"})).await;
    registry.clock.advance(Duration::from_millis(1));
    registry
        .minted(json!({"role": "developer", "owner": "a"}))
        .await;
    let all = admin.get("/v1/tokens").await.has(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3, "{all}");
    let own = org_admin.get("/v1/tokens").await.has(200).json();
    let own = own["items"].as_array().unwrap();
    let roles: Vec<&str> = own
        .iter()
        .map(|item| item["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["org_admin", "developer"]);
    let mut of_installation = all["items"].as_array().unwrap().iter();
    let above = of_installation.find(|item| item["role"] == "portal_admin");
    let above = text(&above.unwrap()["id"]);
    assert_eq!(own[0]["created_by"], above.as_str());
    let above = format!("/v1/tokens/{above}");
    org_admin
        .delete(&above)
        .await
        .is_problem(404, "not-found", None);
    let beneath = format!("/v1/tokens/{}", text(&own[1]["id"]));
    org_admin.delete(&beneath).await.has(204);
}

#[tokio::test]
async fn a_developer_has_an_owner_and_nobody_else_does() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    for body in [
        json!({"role": "developer"}),
        json!({"role": "developer", "owner": ""}),
        json!({"role": "developer", "owner": "two words"}),
        json!({"role": "org_admin", "owner": "team-a"}),
    ] {
        let refused = admin.post("/v1/tokens", body).await;
        refused.is_problem(400, "invalid-value", Some("owner"));
    }
}
