//! The API key that an application must have, and what disabling the application does to all of them.

use e2e::stack::Stack;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_required_key_works_until_another_took_its_place() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let body = json!({"name": "billing", "default_key": "required"});
    let made = admin
        .post("/v1/applications", body)
        .await
        .expect(201)
        .json();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let (app, first) = (text(&made["id"]), &made["default_credential"]);
    let (key, first) = (text(&first["secret"]["value"]), text(&first["id"]));
    client.get("/").key(&key).until(200).await;
    let delete = || admin.call("DELETE", &format!("/v1/credentials/{first}"));
    delete().send().await.expect(409);

    let body = json!({"type": "api_key", "name": "next"});
    let next = admin.credential(&app, body).await;
    let put = admin.call("PUT", &format!("/v1/applications/{app}/default-credential"));
    let put = put.json(&json!({"credential": next.id}));
    put.send().await.expect(200);
    delete().send().await.expect(204);
    client.get("/").key(&key).until(401).await;
    client.get("/").key(&next.secret).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enabled_application_has_its_credentials_back_as_they_were() {
    let stack = Stack::with_rule(json!({"key_auth": {}, "basic_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let app = admin.application(json!({"name": "billing"})).await;
    let key = |name: &str| json!({"type": "api_key", "name": name});
    let (one, two) = (
        admin.credential(&app, key("one")).await,
        admin.credential(&app, key("two")).await,
    );
    let basic = json!({"type": "basic", "name": "ann", "username": "ann"});
    let basic = admin.credential(&app, basic).await;
    client.get("/").key(&one.secret).until(200).await;
    client.get("/").key(&two.secret).until(200).await;
    client.get("/").basic("ann", &basic.secret).until(200).await;
    let two_path = format!("/v1/credentials/{}", two.id);
    admin.patch(&two_path, json!({"enabled": false})).await;
    client.get("/").key(&two.secret).until(401).await;

    let path = format!("/v1/applications/{app}");
    admin.patch(&path, json!({"enabled": false})).await;
    client.get("/").key(&one.secret).until(401).await;
    client.get("/").basic("ann", &basic.secret).until(401).await;
    admin.patch(&path, json!({"enabled": true})).await;
    client.get("/").key(&one.secret).until(200).await;
    client.get("/").basic("ann", &basic.secret).until(200).await;
    let still = client.get("/").key(&two.secret).consistently(401).await;
    still.expect("what was disabled stays disabled");
}
