//! What is known of use, and what can be decided by it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use e2e::{
    admin::{Admin, Credential},
    eventually::eventually,
    http::{Call, Client},
    stack::Stack,
};
use serde_json::{Value, json};

/// A stack that reports every second what credentials were used for.
async fn stack() -> (Stack, Client, Admin) {
    let often = |filter: &mut Value| filter["registry"]["usage_seconds"] = json!(1);
    let rules = json!([{"key_auth": {}, "basic_auth": {}}]);
    let stack = Stack::with(|config| config.rules(rules).with_filter(often)).await;
    let (client, admin) = (stack.client().await, stack.admin());
    (stack, client, admin)
}

/// The registry says what is expected of what it shows there.
async fn shows(admin: &Admin, path: &str, expected: impl Fn(&Value) -> bool) -> Value {
    eventually("it is known", || async {
        let shown = admin.get(path).await;
        if expected(&shown) {
            Ok(shown)
        } else {
            Err(shown)
        }
    })
    .await
}

fn path(credential: &Credential) -> String {
    format!("/v1/credentials/{}", credential.id)
}

/// How often the secret of this version was used.
fn used(shown: &Value, version: u64) -> u64 {
    let secrets = shown["secrets"].as_array().expect("secrets");
    let one = secrets.iter().find(|one| one["version"] == version);
    one.expect("a secret")["used"].as_u64().expect("a number")
}

/// Sends it until it has passed so many times: until every worker knows the credential, it is nobody's use.
async fn passes(call: &Call, times: u64) {
    let passed = AtomicU64::new(0);
    eventually("it passes often enough", || async {
        for _ in passed.load(Relaxed)..times {
            let answer = call.clone().send().await;
            if answer.status != 200 {
                return Err(answer.status);
            }
            passed.fetch_add(1, Relaxed);
        }
        Ok(())
    })
    .await;
}

/// Uses the old secret, then the new one, and each use is known as what it is.
async fn sees_who_took_over(admin: &Admin, credential: &Credential, old: Call, new: Call) {
    passes(&old, 5).await;
    let before = shows(admin, &path(credential), |shown| used(shown, 1) == 5).await;
    assert_eq!(before["grace"]["last_used"], "retiring", "{before}");
    assert_eq!(used(&before, 2), 0, "{before}");
    passes(&new, 3).await;
    let after = shows(admin, &path(credential), |shown| used(shown, 2) == 3).await;
    assert_eq!(after["grace"]["last_used"], "current", "{after}");
    assert_eq!(used(&after, 1), 5, "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_key_that_nobody_used_is_found() {
    let (_stack, client, admin) = stack().await;
    let (used, unused) = (admin.key("jack").await, admin.key("rose").await);
    eventually("only the other is found", || async {
        client.get("/").key(&used.secret).until(200).await;
        let found = admin.get("/v1/credentials?unused_for=5s").await;
        let ids: Vec<&Value> = found["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|one| &one["id"])
            .collect();
        if ids == [&json!(unused.id)] {
            Ok(())
        } else {
            Err(found)
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_grace_period_it_is_known_which_key_was_used() {
    let (_stack, client, admin) = stack().await;
    let old = admin.key("jack").await;
    let new = admin.rotate(&old.id, json!({"grace_period": 3600})).await;
    let (before, after) = (
        client.get("/").key(&old.secret),
        client.get("/").key(&new.secret),
    );
    sees_who_took_over(&admin, &old, before, after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retiring_chosen_password_is_counted_under_its_own_version() {
    let (_stack, client, admin) = stack().await;
    let application = admin.application(json!({"name": "shop"})).await;
    let body = json!({"type": "basic", "name": "ann", "username": "ann", "password": "the first one of ann"});
    let ann = admin.credential(&application, body).await;
    let next = json!({"password": "the second one of ann", "grace_period": 3600});
    admin.rotate(&ann.id, next).await;
    let (before, after) = (
        client.get("/").basic("ann", "the first one of ann"),
        client.get("/").basic("ann", "the second one of ann"),
    );
    sees_who_took_over(&admin, &ann, before, after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_disabling_would_break_is_known_by_gateway_group() {
    let (_stack, client, admin) = stack().await;
    let (used, unused) = (admin.key("jack").await, admin.key("rose").await);
    client.get("/").key(&used.secret).until(200).await;
    shows(&admin, &path(&used), |shown| {
        shown["usage"]["allowed"].as_u64() > Some(0)
    })
    .await;
    let impact = async |key: &Credential| {
        let question = json!({"action": "disable"});
        let answer = admin.post(&format!("{}/impact", path(key)), question).await;
        answer.expect(200).json()
    };
    let of_used = impact(&used).await;
    assert_eq!(of_used["breaks"], true, "{of_used}");
    assert_eq!(of_used["groups"][0]["group"], "default", "{of_used}");
    let requests = &of_used["groups"][0]["requests"];
    assert!(requests.as_u64() > Some(0), "{of_used}");
    assert_eq!(requests, &of_used["requests"]["last_30_days"], "{of_used}");
    let of_unused = impact(&unused).await;
    assert_eq!(of_unused["breaks"], false, "{of_unused}");
    assert_eq!(of_unused["groups"], json!([]), "{of_unused}");
}
