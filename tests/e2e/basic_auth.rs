//! HTTP Basic, with generated and with chosen passwords.

use e2e::{eventually::eventually, stack::Stack};
use serde_json::json;

const MISSING: &str = "Missing authorization in request";
const UNREADABLE: &str = "Invalid authorization in request";
const WRONG: &str = "Invalid user authorization";

/// Registered by [`ann`].
const PASSWORD: &str = "correct horse: battery staple";

async fn ann(stack: &Stack, password: serde_json::Value) -> e2e::admin::Credential {
    let admin = stack.admin();
    let application = admin.application(json!({"name": "office"})).await;
    let body = json!({"type": "basic", "name": "ann", "username": "ann"});
    let body = match password {
        serde_json::Value::Null => body,
        chosen => {
            let mut body = body;
            body["password"] = chosen;
            body
        }
    };
    admin.credential(&application, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_passes_and_others_do_not() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    let ann = ann(&stack, json!(null)).await;
    client.get("/").basic("ann", &ann.secret).until(200).await;

    let missing = client.get("/").send().await.refused(401, MISSING);
    assert_eq!(missing.header("www-authenticate"), r#"Basic realm="basic""#);
    for (username, password) in [
        ("ann", "wrong"),
        ("ann", ""),
        ("Ann", ann.secret.as_str()),
        ("bob", ann.secret.as_str()),
        ("", ann.secret.as_str()),
        ("ann", &format!("{} ", ann.secret)),
        ("ann", &format!("{}:", ann.secret)),
    ] {
        let refused = client.get("/").basic(username, password).send().await;
        refused.refused(401, WRONG);
    }
    let seen = client
        .get("/")
        .basic("ann", &ann.secret)
        .send()
        .await
        .echoed();
    assert_eq!(seen.header("x-consumer-username"), "office");
    assert!(seen.has("authorization"), "not hidden unless asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_basic_is_said_to_be_invalid() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    for value in [
        "Bad_header Zm9vOmJhcg==",
        "Basic YmFy",
        "Basic ????",
        "Basic",
        "Basic  ",
        "",
    ] {
        client
            .get("/")
            .header("authorization", value)
            .send()
            .await
            .refused(401, UNREADABLE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schemes_case_does_not_matter() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    let ann = ann(&stack, json!(null)).await;
    client.get("/").basic("ann", &ann.secret).until(200).await;
    let value = e2e::http::basic("ann", &ann.secret);
    for scheme in ["BASIC", "basic", "bAsIc"] {
        let value = value.replacen("Basic", scheme, 1);
        client
            .get("/")
            .header("authorization", value)
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_password_is_verified_by_the_registry_and_remembered() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    ann(&stack, json!(PASSWORD)).await;
    client.get("/").basic("ann", PASSWORD).until(200).await;
    client
        .get("/")
        .basic("ann", "wrong password")
        .send()
        .await
        .refused(401, WRONG);
    client
        .get("/")
        .basic("nobody", PASSWORD)
        .send()
        .await
        .refused(401, WRONG);

    // From now on the registry is not asked.
    let mut stack = stack;
    stack.registry.kill();
    client
        .get("/")
        .basic("ann", PASSWORD)
        .consistently(200)
        .await
        .expect("remembered");
    let asked = client
        .get("/")
        .basic("ann", "another guess")
        .send()
        .await
        .expect(503);
    assert_ne!(asked.header("retry-after"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_chosen_password_replaces_the_remembered_one() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let ann = ann(&stack, json!(PASSWORD)).await;
    client.get("/").basic("ann", PASSWORD).until(200).await;

    let newer = "another chosen password";
    admin.rotate(&ann.id, json!({"password": newer})).await;
    client.get("/").basic("ann", newer).until(200).await;
    client.get("/").basic("ann", PASSWORD).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_one_verification() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    ann(&stack, json!(PASSWORD)).await;
    let calls = (0..40).map(|_| {
        let call = client.get("/").basic("ann", PASSWORD);
        tokio::spawn(async move { call.until(200).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("every caller gets in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_users_password_does_not_lock_the_user_out() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    ann(&stack, json!(PASSWORD)).await;
    client.get("/").basic("ann", PASSWORD).until(200).await;
    for guess in 0..60 {
        let answer = client
            .get("/")
            .basic("ann", &format!("guess {guess}"))
            .send()
            .await;
        assert!(matches!(answer.status, 401 | 503), "{answer:?}");
    }
    client
        .get("/")
        .basic("ann", PASSWORD)
        .consistently(200)
        .await
        .expect("still in");
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_basic_credentials_do_not_reach_the_upstream() {
    let stack = Stack::with_rule(json!({"basic_auth": {"hide_credentials": true}})).await;
    let client = stack.client().await;
    let ann = ann(&stack, json!(null)).await;
    let call = client.get("/").basic("ann", &ann.secret);
    call.until(200).await;
    assert!(!call.send().await.echoed().has("authorization"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_authorization_is_refused() {
    let stack = Stack::with_rule(json!({"basic_auth": {}, "bearer": {}})).await;
    let client = stack.client().await;
    let ann = ann(&stack, json!(null)).await;
    client.get("/").basic("ann", &ann.secret).until(200).await;
    let twice = client
        .get("/")
        .basic("ann", &ann.secret)
        .basic("ann", &ann.secret);
    twice
        .send()
        .await
        .refused(400, "Repeated credential in request");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_credential_ends_the_remembered_verdict() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let ann = ann(&stack, json!(PASSWORD)).await;
    client.get("/").basic("ann", PASSWORD).until(200).await;
    admin.delete(&format!("/v1/credentials/{}", ann.id)).await;
    client.get("/").basic("ann", PASSWORD).until(401).await;
    eventually("the refusal is of a wrong user", || async {
        let answer = client.get("/").basic("ann", PASSWORD).send().await;
        if answer.text().contains(WRONG) {
            Ok(())
        } else {
            Err(answer)
        }
    })
    .await;
}
