//! What is not acceptable, in APISIX's words where it has any.

use axum::http::Method;
use serde_json::{Value, json};

use super::{KEY, PASSWORD, basic_auth, key_auth, with_jack};

#[tokio::test]
async fn a_consumer_that_is_not_acceptable_is_refused_in_apisixs_words() {
    let (_registry, apisix) = with_jack().await;
    let long = "x".repeat(257);
    for (body, message) in [
        (
            json!([]),
            "invalid configuration: wrong type: expected object, got table",
        ),
        (
            json!({"id": "jack"}),
            "invalid configuration: property \"username\" is required",
        ),
        (
            json!({"username": 1}),
            "property \"username\" validation failed: wrong type: expected string, got number",
        ),
        (
            json!({"username": ""}),
            "property \"username\" validation failed: string too short, expected at least 1, got 0",
        ),
        (
            json!({"username": long}),
            "string too long, expected at most 256, got 257",
        ),
        (
            json!({"username": "a b"}),
            "property \"username\" validation failed: failed to match pattern",
        ),
        (
            json!({"username": "jill", "desc": long}),
            "property \"desc\" validation failed: string too long",
        ),
        (
            json!({"username": "jill", "more": 1}),
            "additional properties forbidden, found more",
        ),
        (
            json!({"username": "jill", "group_id": "g"}),
            "property \"group_id\" validation failed: consumer groups are not",
        ),
        (
            json!({"username": "jill", "create_time": 1, "update_time": 2}),
            "the property is forbidden:  create_time update_time",
        ),
        (
            json!({"username": "jill", "labels": {"env": ["a"]}}),
            "invalid configuration: property \"labels\" validation failed: failed to validate env (matching \".*\"): wrong type: expected string, got table",
        ),
        (
            json!({"username": "jill", "labels": {"env": "a b"}}),
            "failed to match pattern \"^\\\\S+$\" with \"a b\"",
        ),
        (
            json!({"username": "jill", "labels": {"custom_id": "ä"}}),
            "failed to validate custom_id: must be",
        ),
        (
            json!({"username": "jill", "labels": {"ä": "x"}}),
            "property \"labels\" validation failed: each name must be",
        ),
        (
            json!({"username": "jill", "plugins": []}),
            "property \"plugins\" validation failed: wrong type: expected object, got table",
        ),
        (
            json!({"username": "jill", "plugins": {"basic-auth": "blah"}}),
            "invalid plugins configuration: invalid plugin conf \"blah\" for plugin [basic-auth]",
        ),
        (
            // It may be the key itself: that is not said back.
            json!({"username": "jill", "plugins": {"key-auth": KEY}}),
            "invalid plugin conf string for plugin [key-auth]",
        ),
        (
            json!({"username": "jill", "plugins": {"basic-auth": {"username": "foo"}}}),
            "invalid plugins configuration: failed to check the configuration of plugin basic-auth err: property \"password\" is required",
        ),
        (
            json!({"username": "jill", "plugins": {"key-auth": {"key": 1}}}),
            "property \"key\" validation failed: wrong type: expected string, got number",
        ),
        (
            json!({"username": "jill", "plugins": {"key-auth": {"key": KEY, "_meta": {}}}}),
            "additional properties forbidden, found _meta",
        ),
        (
            json!({"username": "jill", "plugins": {"jwt-auth": {"key": "k"}}}),
            "plugin [jwt-auth] is not supported",
        ),
        (
            json!({"username": "jill", "plugins": {"limit-count": {}}}),
            "plugin [limit-count] is not supported",
        ),
    ] {
        let reply = apisix.put("/consumers", body).await;
        reply.is_refusal(400, message);
    }
    let reply = apisix
        .put("/consumers/jill", json!({"username": "jack"}))
        .await;
    reply.is_refusal(400, "wrong username");
    apisix.get("/consumers/jill").await.has(404);
}

#[tokio::test]
async fn a_credential_that_is_not_acceptable_is_refused_in_apisixs_words() {
    let (_registry, apisix) = with_jack().await;
    let with = |name: &str, value: Value| {
        let mut body = key_auth(KEY);
        body[name] = value;
        body
    };
    let both = json!({"plugins": {"key-auth": {"key": KEY}, "basic-auth": {"username": "jack", "password": PASSWORD}}});
    for (body, message) in [
        (with("id", json!("b")), "wrong credential id"),
        (
            with("id", json!(["a"])),
            "property \"id\" validation failed: object matches none of the required",
        ),
        (
            with("update_time", json!(1)),
            "the property is forbidden:  update_time",
        ),
        (
            with("status", json!(1)),
            "additional properties forbidden, found status",
        ),
        (
            with("name", json!("")),
            "property \"name\" validation failed: string too short",
        ),
        (
            with("name", json!("a b")),
            "property \"name\" validation failed: must be 1 to 256 visible ASCII characters",
        ),
        (json!({}), "property \"plugins\" is required"),
        (
            json!({"plugins": {}}),
            "expect object to have at least 1 properties",
        ),
        (
            both,
            "invalid configuration: property \"plugins\" validation failed: expect object to have at most 1 properties",
        ),
        (
            json!({"plugins": {"limit-conn": {"conn": 1}}}),
            "only supports auth type plugins in consumer credential",
        ),
        (
            json!({"plugins": {"hmac-auth": {}}}),
            "plugin [hmac-auth] is not supported",
        ),
        (
            json!({"plugins": {"key-auth": {}}}),
            "plugin key-auth err: property \"key\" is required",
        ),
        (key_auth(""), "minimum_own_key_length"),
        (
            key_auth("auth-one"),
            "must be 20 to 512 characters (the setting minimum_own_key_length",
        ),
        (
            basic_auth("jack", "short"),
            "the setting minimum_password_length",
        ),
        (
            basic_auth("a:b", PASSWORD),
            "plugin basic-auth err: property \"username\" validation failed",
        ),
        (
            key_auth("$secret://vault/test1/jack/key"),
            "references ($secret://, $env://) are not resolved",
        ),
        (
            key_auth("$ENV://A_KEY_OF_SOME_LENGTH"),
            "references ($secret://, $env://) are not resolved",
        ),
        (
            basic_auth("$env://JACK", PASSWORD),
            "references ($secret://, $env://) are not resolved",
        ),
        (
            basic_auth("jack", "$secret://vault/1/jack/password"),
            "references ($secret://, $env://) are not resolved",
        ),
    ] {
        let reply = apisix.put("/consumers/jack/credentials/a", body).await;
        reply.is_refusal(400, message);
    }
    let reply = apisix
        .put("/consumers/jack/credentials", key_auth(KEY))
        .await;
    reply.is_refusal(400, "missing credential id");
    let reply = apisix
        .put("/consumers/jack/credentials/a%20b", key_auth(KEY))
        .await;
    reply.is_refusal(400, "property \"id\" validation failed");
    let reply = apisix
        .put("/consumers/jack/credentials/a?ttl=60", key_auth(KEY))
        .await;
    reply.is_refusal(400, "expires_at");
    apisix.get("/consumers/jack/credentials/a").await.has(404);
}

#[tokio::test]
async fn what_is_no_json_is_refused_without_being_said_back() {
    let (_registry, apisix) = with_jack().await;
    for path in ["/consumers", "/consumers/jack/credentials/a"] {
        let reply = apisix.send(Method::PUT, path, "").await;
        reply.is_refusal(400, "missing configurations");
        let reply = apisix.send(Method::PUT, path, "{\"a-secret").await;
        reply.is_refusal(400, "invalid request body: not JSON at line 1 column");
        assert!(!reply.text().contains("a-secret"), "{}", reply.text());
        let large = format!("{{\"username\":\"{}\"}}", "x".repeat(70_000));
        let reply = apisix.send(Method::PUT, path, large).await;
        reply.is_refusal(413, "too large");
    }
}
