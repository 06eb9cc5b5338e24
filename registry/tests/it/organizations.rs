//! `/v1/organizations`: tenants, and how much each may have.

use serde_json::json;

use crate::support::{TestRegistry, text};

#[tokio::test]
async fn an_organization_is_created_changed_and_deleted() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let body = json!({"name": "acme", "max_credentials": 10});
    let made = admin.post("/v1/organizations", body).await.has(201);
    let path = made.header("location");
    assert_eq!(path, "/v1/organizations/acme");
    assert_eq!(made.json()["max_credentials"], 10);
    let tag = made.header("etag");
    let change = json!({"max_credentials": null, "max_tokens": 2, "description": "a tenant"});
    let changed = admin
        .patch_with(&path, &[("if-match", &tag)], change.clone())
        .await
        .has(200);
    assert_eq!(changed.json()["max_credentials"], json!(null));
    assert_eq!(changed.json()["max_tokens"], 2);
    let stale = admin.patch_with(&path, &[("if-match", &tag)], change).await;
    stale.is_problem(412, "precondition-failed", Some("If-Match"));
    assert_eq!(admin.get(&path).await.has(200).json(), changed.json());
    let all = admin.get("/v1/organizations").await.has(200).json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);

    registry
        .minted_in("acme", json!({"role": "org_admin"}))
        .await;
    admin.delete(&path).await.is_problem(409, "conflict", None);
    let acting = admin.clone().acting_in("acme");
    let tokens = acting.get("/v1/tokens").await.has(200).json();
    let token = format!("/v1/tokens/{}", text(&tokens["items"][0]["id"]));
    acting.delete(&token).await.has(204);
    admin.delete(&path).await.has(204);
    admin.get(&path).await.is_problem(404, "not-found", None);
    let gone = acting.get("/v1/applications").await;
    gone.is_problem(404, "not-found", None);
    let again = admin
        .post("/v1/organizations", json!({"name": "acme"}))
        .await;
    again.is_problem(409, "conflict", Some("name"));
    for name in ["", "two words", "a/b"] {
        let bad = admin.post("/v1/organizations", json!({"name": name})).await;
        bad.is_problem(400, "invalid-value", Some("name"));
    }
}

#[tokio::test]
async fn what_belongs_to_one_organization_does_not_show_in_another() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    admin
        .post("/v1/organizations", json!({"name": "acme"}))
        .await
        .has(201);
    let acme = registry
        .minted_in("acme", json!({"role": "org_admin"}))
        .await;
    acme.post("/v1/applications", json!({"name": "billing"}))
        .await
        .has(201);
    let own = admin.get("/v1/applications").await.has(200).json();
    assert_eq!(own["items"], json!([]));
    let theirs = admin.clone().acting_in("acme");
    let theirs = theirs.get("/v1/applications").await.has(200).json();
    assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
    // The name is one application's in the whole installation.
    let taken = admin
        .post("/v1/applications", json!({"name": "billing"}))
        .await;
    taken.is_problem(409, "conflict", Some("name"));
    let entries = acme.get("/v1/audit").await.has(200).json();
    let actions: Vec<&str> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["application.created", "token.created"]);
}

#[tokio::test]
async fn a_limit_names_itself() {
    let settings = [
        ("KEYSMITH_MAX_APPLICATIONS", "1"),
        ("KEYSMITH_MAX_CREDENTIALS", "1"),
        ("KEYSMITH_MAX_TOKENS", "2"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let admin = registry.admin();
    let application = registry.application("a").await;
    let key = json!({"type": "api_key", "name": "one"});
    registry.credential(&application, key).await;
    admin
        .post("/v1/tokens", json!({"role": "org_admin"}))
        .await
        .has(201);
    let credentials = format!("/v1/applications/{application}/credentials");
    for (path, body, kind) in [
        (
            "/v1/applications",
            json!({"name": "b"}),
            "application-limit",
        ),
        (
            credentials.as_str(),
            json!({"type": "api_key", "name": "two"}),
            "credential-limit",
        ),
        ("/v1/tokens", json!({"role": "org_admin"}), "token-limit"),
    ] {
        admin.post(path, body).await.is_problem(409, kind, None);
    }
}

#[tokio::test]
async fn an_administrator_of_the_default_organization_reads_nothing_of_the_installation() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let tenant = registry.minted(json!({"role": "org_admin"})).await;
    registry.minted(json!({"role": "auditor"})).await;
    registry.gateway("default").await;
    admin
        .post("/v1/organizations", json!({"name": "acme"}))
        .await
        .has(201);
    admin
        .post("/v1/gateway-groups", json!({"name": "edge"}))
        .await
        .has(201);
    registry.application("by-the-installation").await;
    tenant
        .post("/v1/applications", json!({"name": "by-the-tenant"}))
        .await
        .has(201);
    let own = json!({"role": "developer", "owner": "ann"});
    tenant.post("/v1/tokens", own).await.has(201);
    let actions = async |path: &str| {
        let page = tenant.get(path).await.has(200).json();
        let items = page["items"].as_array().unwrap().clone();
        let actions = items.iter().map(|entry| text(&entry["action"]));
        actions.collect::<Vec<String>>()
    };
    let seen = actions("/v1/audit").await;
    let expected = [
        "token.created",
        "application.created",
        "application.created",
        "token.created",
    ];
    assert_eq!(seen, expected);
    assert_eq!(
        actions("/v1/audit?action=organization.created").await,
        [""; 0]
    );
    let all = admin.get("/v1/audit").await.has(200).json();
    assert!(all["items"].as_array().unwrap().len() > 7, "{all}");
}
