//! The commands of APISIX's documentation, as they are written there, against the registry, and what they do to a gateway.

use e2e::{
    admin::Admin,
    http::{Client, answer::Answer},
    stack::{Foundation, Stack},
};
use serde_json::{Value, json};

/// A stack that takes keys and passwords as short as those in APISIX's documentation.
async fn stack() -> (Stack, Client, Admin) {
    let foundation = Foundation::with(|settings| {
        for name in ["MINIMUM_OWN_KEY_LENGTH", "MINIMUM_PASSWORD_LENGTH"] {
            settings.more.push((name.to_owned(), "8".to_owned()));
        }
    })
    .await;
    let rules = json!([{"key_auth": {}, "basic_auth": {}}]);
    let config = foundation.config().rules(rules);
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    let (client, admin) = (stack.client().await, stack.admin());
    (stack, client, admin)
}

/// `curl http://…/apisix/admin… -H "X-API-KEY: $admin_key" -X PUT -d …`, which says that JSON is a form.
async fn put(admin: &Admin, path: &str, body: &Value) -> Answer {
    let call = admin.apisix("PUT", path);
    let form = "application/x-www-form-urlencoded";
    call.body(form, body.to_string()).send().await
}

async fn jack(admin: &Admin) {
    let body = json!({"username": "jack"});
    put(admin, "/consumers", &body).await.expect(201);
    let body = json!({"id": "cred-jack-key-auth", "plugins": {"key-auth": {"key": "jack-key"}}});
    let path = "/consumers/jack/credentials";
    put(admin, path, &body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_as_apisix_documents_it_opens_the_gateway() {
    let (_stack, client, admin) = stack().await;
    jack(&admin).await;
    let seen = client.get("/get").key("jack-key").until(200).await.echoed();
    assert_eq!(seen.all("x-consumer-username"), ["jack"]);
    assert_eq!(seen.all("x-credential-identifier"), ["cred-jack-key-auth"]);
    let path = "/consumers/jack/credentials/cred-jack-key-auth";
    admin.apisix("DELETE", path).send().await.expect(200);
    client.get("/get").key("jack-key").until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_made_as_apisix_documents_it_opens_the_gateway() {
    let (_stack, client, admin) = stack().await;
    let body = json!({"username": "johndoe", "labels": {"custom_id": "495aec6a"}});
    put(&admin, "/consumers", &body).await.expect(201);
    let plugin = json!({"username": "johndoe", "password": "john-key"});
    let body = json!({"id": "cred-john-basic-auth", "plugins": {"basic-auth": plugin}});
    let path = "/consumers/johndoe/credentials";
    put(&admin, path, &body).await.expect(201);
    let call = client.get("/get").basic("johndoe", "john-key");
    let seen = call.until(200).await.echoed();
    assert_eq!(seen.all("x-consumer-custom-id"), ["495aec6a"]);
    admin
        .apisix("DELETE", "/consumers/johndoe")
        .send()
        .await
        .expect(200);
    call.until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumers_own_plugin_opens_the_gateway_as_well() {
    let (_stack, client, admin) = stack().await;
    let body = json!({"username": "jack", "plugins": {"key-auth": {"key": "auth-one"}}});
    put(&admin, "/consumers", &body).await.expect(201);
    let seen = client.get("/get").key("auth-one").until(200).await.echoed();
    assert_eq!(seen.all("x-consumer-username"), ["jack"]);
    assert_eq!(seen.all("x-credential-identifier"), ["consumer.key-auth"]);
    put(&admin, "/consumers", &json!({"username": "jack"}))
        .await
        .expect(200);
    client.get("/get").key("auth-one").until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_get_shows_can_be_put_back_and_another_key_replaces_the_one_before() {
    let (_stack, client, admin) = stack().await;
    jack(&admin).await;
    client.get("/get").key("jack-key").until(200).await;
    let path = "/consumers/jack/credentials/cred-jack-key-auth";
    let shown = admin.apisix("GET", path).send().await.expect(200).json();
    let body = json!({"desc": "kept", "plugins": shown["value"]["plugins"]});
    assert!(!body.to_string().contains("jack-key"), "{body}");
    let wait = admin.apisix("PUT", path).header("prefer", "wait=10");
    wait.json(&body).send().await.expect(200);
    let still = client.get("/get").key("jack-key").consistently(200).await;
    still.expect("the mask stands for the key");
    let body = json!({"plugins": {"key-auth": {"key": "jack-key-2"}}});
    put(&admin, path, &body).await.expect(200);
    client.get("/get").key("jack-key-2").until(200).await;
    client.get("/get").key("jack-key").until(401).await;
    // What was revoked never works again.
    let body = json!({"plugins": {"key-auth": {"key": "jack-key"}}});
    put(&admin, path, &body).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_another_gateway_group_does_not_open_this_one() {
    let (_stack, client, admin) = stack().await;
    admin
        .post("/v1/gateway-groups", json!({"name": "edge"}))
        .await
        .expect(201);
    let body = json!({"username": "jack"});
    put(&admin, "/consumers", &body).await.expect(201);
    for (id, group) in [("elsewhere", "edge"), ("here", "default")] {
        let path = format!("/consumers/jack/credentials/{id}?gateway_group_id={group}");
        let body = json!({"plugins": {"key-auth": {"key": format!("the-key-for-{id}")}}});
        put(&admin, &path, &body).await.expect(201);
    }
    client.get("/get").key("the-key-for-here").until(200).await;
    client
        .get("/get")
        .key("the-key-for-elsewhere")
        .send()
        .await
        .expect(401);
}
