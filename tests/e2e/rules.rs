//! Which rule covers a request, and what it asks for.

use e2e::stack::Stack;
use serde_json::json;

const FORBIDDEN: &str = "The consumer_name is forbidden.";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_matching_rule_decides() {
    let stack = Stack::with_rules(json!([
        {"hosts": ["open.example.com"], "public": true},
        {"hosts": ["*.keys.example.com"], "key_auth": {"header": "x-key"}},
        {"paths": [{"exact": "/health"}], "methods": ["GET", "HEAD"], "public": true},
        {"paths": [{"prefix": "/orders"}], "key_auth": {"header": "order-key"}},
        {"paths": [{"prefix": "/orders"}], "public": true},
        {"methods": ["POST"], "bearer": {}},
    ]))
    .await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client
        .get("/orders")
        .header("order-key", &key)
        .until(200)
        .await;

    let open = client.clone().host("open.example.com");
    open.get("/anything").send().await.expect(200);
    for same in [
        "OPEN.example.com",
        "open.example.com:8080",
        "open.example.com.",
    ] {
        client.clone().host(same).get("/").send().await.expect(200);
    }
    let keys = client.clone().host("a.keys.example.com");
    keys.get("/").header("x-key", &key).send().await.expect(200);
    keys.get("/health").send().await.expect(401);
    client
        .clone()
        .host("keys.example.com")
        .get("/")
        .send()
        .await
        .expect(403);

    client.get("/health").send().await.expect(200);
    client.call("POST", "/health").send().await.expect(401);
    client.get("/health/x").send().await.expect(403);
    client.get("/orders").send().await.expect(401);
    client.get("/orders/7").send().await.expect(401);
    client.get("/orders?x=1").send().await.expect(401);
    client
        .get("/ordersx")
        .send()
        .await
        .refused(403, "No rule admits this request");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_a_rule_pass_where_the_configuration_says_so() {
    let stack = Stack::with(|config| {
        config.with_filter(|filter| {
            filter["rules"] = json!([{"paths": [{"prefix": "/orders"}], "key_auth": {}}]);
            filter["unmatched"] = json!("allow");
        })
    })
    .await;
    let client = stack.client().await;
    client.get("/orders").send().await.expect(401);
    let passed = client
        .get("/other")
        .header("x-consumer-username", "admin")
        .send()
        .await
        .echoed();
    assert!(!passed.has("x-consumer-username"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_lists_of_applications_decide_who_may() {
    let stack = Stack::with_rules(json!([
        {"paths": [{"prefix": "/write"}], "key_auth": {}, "required_scopes": ["orders:write"]},
        {"paths": [{"prefix": "/jack"}], "key_auth": {}, "allow_applications": ["jack"]},
        {"paths": [{"prefix": "/others"}], "key_auth": {}, "deny_applications": ["jack"]},
        {"key_auth": {}},
    ]))
    .await;
    let (client, admin) = (stack.client().await, stack.admin());
    let scopes = json!(["orders:write", "orders:read"]);
    let jack = admin
        .application(json!({"name": "jack", "scopes": scopes}))
        .await;
    let make = async |name: &str, scopes: serde_json::Value| {
        let body = json!({"type": "api_key", "name": name, "scopes": scopes});
        admin.credential(&jack, body).await.secret
    };
    let writer = make("writer", json!(["orders:write", "orders:read"])).await;
    let reader = make("reader", json!(["orders:read"])).await;
    let rose = admin.key("rose").await.secret;
    client.get("/").key(&rose).until(200).await;

    let seen = client.get("/write").key(&writer).send().await.echoed();
    assert_eq!(
        seen.header("x-authenticated-scope"),
        "orders:read orders:write"
    );
    client
        .get("/write")
        .key(&reader)
        .send()
        .await
        .refused(403, FORBIDDEN);
    client.get("/jack").key(&reader).send().await.expect(200);
    client
        .get("/jack")
        .key(&rose)
        .send()
        .await
        .refused(403, FORBIDDEN);
    client.get("/others").key(&rose).send().await.expect(200);
    client
        .get("/others")
        .key(&reader)
        .send()
        .await
        .refused(403, FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn preflights_pass_only_where_the_rule_lets_them() {
    let stack = Stack::with_rules(json!([
        {"paths": [{"prefix": "/cors"}], "key_auth": {}, "cors_preflight": "pass"},
        {"key_auth": {}},
    ]))
    .await;
    let client = stack.client().await;
    let preflight = |path: &str| {
        client
            .call("OPTIONS", path)
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "GET")
    };
    preflight("/cors")
        .header("x-consumer-username", "admin")
        .send()
        .await
        .expect(200);
    preflight("/").send().await.expect(401);
    client.call("OPTIONS", "/cors").send().await.expect(401);
    client
        .get("/cors")
        .header("origin", "https://app.example.com")
        .send()
        .await
        .expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_says_why() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let client = stack.client().await;
    client
        .get("/why?apikey=wrong-secret-value")
        .send()
        .await
        .expect(401);
    e2e::eventually::eventually("the access log has the reason", || async {
        let log = stack.envoy.log();
        let line = log.lines().find(|line| line.contains("GET /why "));
        line.filter(|line| line.contains("401 keysmith_credential_unknown"))
            .map(drop)
            .ok_or("not yet")
    })
    .await;
    assert!(!stack.envoy.log().contains("wrong-secret-value"));
}
