//! What becomes of a credential, seen from the gateway.

use std::time::Duration;

use e2e::{
    admin::{Admin, Credential},
    http::Client,
    stack::Stack,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A stack in which every request needs a key or a token.
async fn stack() -> (Stack, Client, Admin) {
    let stack = Stack::with_rule(json!({"key_auth": {}, "basic_auth": {}, "bearer": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    (stack, client, admin)
}

fn from_now(milliseconds: u64) -> String {
    (Timestamp::now() + Duration::from_millis(milliseconds)).to_string()
}

async fn change(admin: &Admin, credential: &Credential, body: Value) {
    admin
        .patch(&format!("/v1/credentials/{}", credential.id), body)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_at_once_ends_the_old_secret() {
    let (_stack, client, admin) = stack().await;
    let old = admin.key("jack").await;
    client.get("/").key(&old.secret).until(200).await;

    let new = admin.rotate(&old.id, json!({})).await;
    assert_ne!(new.secret, old.secret);
    assert_eq!(new.id, old.id);
    client.get("/").key(&new.secret).until(200).await;
    client.get("/").key(&old.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_with_grace_lets_both_in_until_it_ends() {
    let (_stack, client, admin) = stack().await;
    let old = admin.key("jack").await;
    client.get("/").key(&old.secret).until(200).await;

    let new = admin.rotate(&old.id, json!({"grace_period": 4})).await;
    client.get("/").key(&new.secret).until(200).await;
    client
        .get("/")
        .key(&old.secret)
        .consistently(200)
        .await
        .expect("the old one as well");
    client.get("/").key(&old.secret).until(401).await;
    client
        .get("/")
        .key(&new.secret)
        .consistently(200)
        .await
        .expect("the new one goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_again_without_grace_ends_the_retiring_secret_too() {
    let (_stack, client, admin) = stack().await;
    let first = admin.key("jack").await;
    let second = admin.rotate(&first.id, json!({"grace_period": 3600})).await;
    client.get("/").key(&second.secret).until(200).await;
    client.get("/").key(&first.secret).until(200).await;

    let third = admin.rotate(&first.id, json!({})).await;
    client.get("/").key(&third.secret).until(200).await;
    client.get("/").key(&first.secret).until(401).await;
    client.get("/").key(&second.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_a_password_keeps_the_user_name() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "office"})).await;
    let body = json!({"type": "basic", "name": "ann", "username": "ann"});
    let old = admin.credential(&application, body).await;
    client.get("/").basic("ann", &old.secret).until(200).await;
    let new = admin.rotate(&old.id, json!({})).await;
    client.get("/").basic("ann", &new.secret).until(200).await;
    client.get("/").basic("ann", &old.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_credential_is_refused_until_it_is_enabled() {
    let (_stack, client, admin) = stack().await;
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;
    change(&admin, &key, json!({"enabled": false})).await;
    client.get("/").key(&key.secret).until(401).await;
    change(&admin, &key, json!({"enabled": true})).await;
    client.get("/").key(&key.secret).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_application_takes_its_credentials_with_it() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let key = admin
        .credential(&application, json!({"type": "api_key", "name": "k"}))
        .await;
    let token = admin
        .credential(
            &application,
            json!({"type": "bearer_token", "name": "t", "expires_at": from_now(3_600_000)}),
        )
        .await;
    let other = admin.key("rose").await;
    client.get("/").key(&other.secret).until(200).await;
    client.get("/").bearer(&token.secret).until(200).await;

    let path = format!("/v1/applications/{application}");
    admin.patch(&path, json!({"enabled": false})).await;
    client.get("/").key(&key.secret).until(401).await;
    client.get("/").bearer(&token.secret).until(401).await;
    client
        .get("/")
        .key(&other.secret)
        .consistently(200)
        .await
        .expect("others are untouched");
    admin.patch(&path, json!({"enabled": true})).await;
    client.get("/").key(&key.secret).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_expires_by_itself() {
    let (mut stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let body = json!({"type": "bearer_token", "name": "t", "expires_at": from_now(5_000)});
    let token = admin.credential(&application, body).await;
    client.get("/").bearer(&token.secret).until(200).await;
    // Nobody needs to say so.
    stack.registry.kill();
    client.get("/").bearer(&token.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_not_valid_before_its_time() {
    let (mut stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let body = json!({"type": "api_key", "name": "k", "not_before": from_now(6_000)});
    let early = admin.credential(&application, body).await;
    let now = admin
        .credential(&application, json!({"type": "api_key", "name": "n"}))
        .await;
    client.get("/").key(&now.secret).until(200).await;
    client.get("/").key(&early.secret).send().await.expect(401);
    stack.registry.kill();
    client.get("/").key(&early.secret).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_credential_is_refused_and_its_neighbour_is_not() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let first = admin
        .credential(&application, json!({"type": "api_key", "name": "a"}))
        .await;
    let second = admin
        .credential(&application, json!({"type": "api_key", "name": "b"}))
        .await;
    client.get("/").key(&second.secret).until(200).await;
    admin.delete(&format!("/v1/credentials/{}", first.id)).await;
    client.get("/").key(&first.secret).until(401).await;
    client
        .get("/")
        .key(&second.secret)
        .consistently(200)
        .await
        .expect("the neighbour");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_application_removes_its_credentials() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let key = admin
        .credential(&application, json!({"type": "api_key", "name": "a"}))
        .await;
    let body =
        json!({"type": "basic", "name": "ann", "username": "ann", "password": "a chosen password"});
    admin.credential(&application, body).await;
    client.get("/").key(&key.secret).until(200).await;
    client
        .get("/")
        .basic("ann", "a chosen password")
        .until(200)
        .await;

    admin
        .delete(&format!("/v1/applications/{application}"))
        .await;
    client.get("/").key(&key.secret).until(401).await;
    client
        .get("/")
        .basic("ann", "a chosen password")
        .until(401)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_value_stays_dead_when_it_is_registered_anew() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let own = "an-own-key-of-enough-length";
    let body = json!({"type": "api_key", "name": "own", "value": own});
    let credential = admin.credential(&application, body.clone()).await;
    client.get("/").key(own).until(200).await;
    admin
        .delete(&format!("/v1/credentials/{}", credential.id))
        .await;
    client.get("/").key(own).until(401).await;

    let path = format!("/v1/applications/{application}/credentials");
    admin.post(&path, body).await.expect(409);
    client
        .get("/")
        .key(own)
        .consistently(401)
        .await
        .expect("still dead");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_in_a_row_all_arrive() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "jack"})).await;
    let mut kept = Vec::new();
    let mut deleted = Vec::new();
    for number in 0..120 {
        let body = json!({"type": "api_key", "name": format!("k{number}")});
        let key = admin.credential(&application, body).await;
        if number % 3 == 0 {
            admin.delete(&format!("/v1/credentials/{}", key.id)).await;
            deleted.push(key.secret);
        } else {
            kept.push(key.secret);
        }
    }
    let last = admin
        .credential(&application, json!({"type": "api_key", "name": "last"}))
        .await;
    client.get("/").key(&last.secret).until(200).await;
    for key in &kept {
        client.get("/").key(key).send().await.expect(200);
    }
    for key in &deleted {
        client.get("/").key(key).send().await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_knows_only_what_its_group_may_see() {
    let (_stack, client, admin) = stack().await;
    admin
        .post("/v1/gateway-groups", json!({"name": "partners"}))
        .await
        .expect(201);
    let elsewhere = json!({"name": "rose", "gateway_groups": ["partners"]});
    let elsewhere = admin.application(elsewhere).await;
    let hidden = admin
        .credential(&elsewhere, json!({"type": "api_key", "name": "k"}))
        .await;
    let shown = admin.key("jack").await;
    client.get("/").key(&shown.secret).until(200).await;
    client
        .get("/")
        .key(&hidden.secret)
        .consistently(401)
        .await
        .expect("another group's");
}
