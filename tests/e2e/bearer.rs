//! Bearer tokens (RFC 6750).

use e2e::{http::Client, stack::Stack};
use serde_json::json;

const MISSING: &str = "Missing bearer token in request";
const INVALID: &str = "Invalid bearer token in request";
/// No token works for ever.
const END: &str = "2099-12-31T00:00:00Z";

/// A stack with one rule, and of one application: a key, and a token with scope `orders:read`.
async fn prepared(rule: serde_json::Value) -> (Stack, Client, String, String) {
    let stack = Stack::with_rule(rule).await;
    let admin = stack.admin();
    let scopes = json!(["orders:read", "orders:write"]);
    let application = admin
        .application(json!({"name": "jack", "scopes": scopes}))
        .await;
    let key = json!({"type": "api_key", "name": "key", "scopes": ["orders:read"]});
    let key = admin.credential(&application, key).await.secret;
    let token = json!({"type": "bearer_token", "name": "token", "scopes": ["orders:read"], "expires_at": END});
    let token = admin.credential(&application, token).await.secret;
    let client = stack.client().await;
    client.get("/").bearer(&token).until(200).await;
    (stack, client, key, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_passes_and_refusals_carry_their_challenge() {
    let (_stack, client, key, token) = prepared(json!({"bearer": {}})).await;
    let missing = client.get("/").send().await.refused(401, MISSING);
    assert_eq!(
        missing.header("www-authenticate"),
        r#"Bearer realm="keysmith""#
    );
    let wrong = client
        .get("/")
        .bearer("wrong")
        .send()
        .await
        .refused(401, INVALID);
    let challenge = wrong.header("www-authenticate");
    assert!(
        challenge.starts_with(r#"Bearer realm="keysmith", error="invalid_token""#),
        "{challenge}"
    );
    client
        .get("/")
        .bearer(&key)
        .send()
        .await
        .refused(401, INVALID);
    client
        .get("/")
        .key(&token)
        .send()
        .await
        .refused(401, MISSING);

    for scheme in ["bearer", "BEARER"] {
        client
            .get("/")
            .header("authorization", format!("{scheme} {token}"))
            .send()
            .await
            .expect(200);
    }
    let seen = client.get("/").bearer(&token).send().await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    assert_eq!(seen.header("x-authenticated-scope"), "orders:read");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_passes_as_bearer_token_where_the_rule_accepts_it() {
    let rule = json!({"bearer": {"accept": ["bearer_token", "api_key"], "hide_credentials": true}});
    let (_stack, client, key, token) = prepared(rule).await;
    for credential in [key, token] {
        let seen = client.get("/").bearer(&credential).send().await.echoed();
        assert_eq!(seen.header("x-consumer-username"), "jack");
        assert!(!seen.has("authorization"), "hidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_refused_with_the_scope_that_is_needed() {
    let rules = json!([
        {"paths": [{"prefix": "/write"}], "bearer": {}, "required_scopes": ["orders:write"]},
        {"bearer": {}, "required_scopes": ["orders:read"]},
    ]);
    let stack = Stack::with_rules(rules).await;
    let admin = stack.admin();
    let scopes = json!(["orders:read", "orders:write"]);
    let application = admin
        .application(json!({"name": "jack", "scopes": scopes}))
        .await;
    let reader = json!({"type": "bearer_token", "name": "reader", "scopes": ["orders:read"], "expires_at": END});
    let reader = admin.credential(&application, reader).await.secret;
    let client = stack.client().await;
    client.get("/").bearer(&reader).until(200).await;

    let refused = client
        .get("/write")
        .bearer(&reader)
        .send()
        .await
        .expect(403);
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains(r#"error="insufficient_scope""#),
        "{challenge}"
    );
    assert!(challenge.contains(r#"scope="orders:write""#), "{challenge}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_accepted_method_has_its_challenge() {
    let rule = json!({"key_auth": {}, "basic_auth": {}, "bearer": {}, "realm": "secure-zone"});
    let stack = Stack::with_rule(rule).await;
    let refused = stack.client().await.get("/").send().await.expect(401);
    let challenges = refused.all("www-authenticate").join(", ");
    for challenge in [
        r#"apikey realm="secure-zone""#,
        r#"Basic realm="secure-zone""#,
        r#"Bearer realm="secure-zone""#,
    ] {
        assert!(challenges.contains(challenge), "{challenges}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_accepted_method_suffices() {
    let rule = json!({"key_auth": {}, "basic_auth": {}, "bearer": {}});
    let (stack, client, key, token) = prepared(rule).await;
    let admin = stack.admin();
    let application = admin.application(json!({"name": "office"})).await;
    let basic = json!({"type": "basic", "name": "ann", "username": "ann"});
    let ann = admin.credential(&application, basic).await;
    client.get("/").basic("ann", &ann.secret).until(200).await;
    client.get("/").key(&key).send().await.expect(200);
    client.get("/").bearer(&token).send().await.expect(200);
    // A key of its own beside somebody else's Authorization.
    client
        .get("/")
        .bearer("wrong")
        .key("wrong")
        .send()
        .await
        .expect(401);
}
