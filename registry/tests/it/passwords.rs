//! `/v1/gateway/verify`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Actor, Reply, TestRegistry, text};

const PASSWORD: &str = "correct horse battery";

async fn ann(registry: &TestRegistry) -> Value {
    let app = registry.application("billing").await;
    let body = json!({"type": "basic", "name": "ann", "username": "ann", "password": PASSWORD});
    registry.credential(&app, body).await
}

async fn ask(gateway: &Actor, username: &str, password: &str, source: &str) -> Reply {
    let body = json!({"username": username, "password": password, "source": source});
    gateway.post("/v1/gateway/verify", body).await
}

async fn asks(gateway: &Actor, username: &str, password: &str) -> Value {
    ask(gateway, username, password, "203.0.113.9")
        .await
        .has(200)
        .json()
}

#[tokio::test]
async fn only_the_right_password_is_verified() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let ann = ann(&registry).await;
    let right =
        json!({"verified": true, "credential": ann["id"], "version": 1, "secret_version": 1});
    let wrong = json!({"verified": false});
    assert_eq!(asks(&gateway, "ann", PASSWORD).await, right);
    assert_eq!(asks(&gateway, "ann", PASSWORD).await, right);
    assert_eq!(asks(&gateway, "ann", "correct horse batterz").await, wrong);
    assert_eq!(asks(&gateway, "bob", PASSWORD).await, wrong);
    assert_eq!(asks(&gateway, "", "").await, wrong);
    let metrics = registry.operator().get("/metrics").await.text();
    for line in [
        "keysmith_password_verifications_total{outcome=\"verified\"} 1",
        "keysmith_password_verifications_total{outcome=\"remembered\"} 1",
        "keysmith_password_verifications_total{outcome=\"refused\"} 3",
    ] {
        assert!(metrics.contains(line), "{line}\nis not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_password_is_only_for_the_groups_that_see_its_credential() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    admin
        .post(
            "/v1/gateway-groups",
            json!({"name": "inner", "mode": "on_demand"}),
        )
        .await
        .has(201);
    let inner = registry.gateway("inner").await;
    ann(&registry).await;
    assert_eq!(asks(&inner, "ann", PASSWORD).await["verified"], false);
}

#[tokio::test]
async fn a_remembered_verdict_ends_with_what_it_was_made_of() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let path = format!("/v1/credentials/{}", text(&ann(&registry).await["id"]));
    let admin = registry.admin();
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], true);
    admin.patch(&path, json!({"enabled": false})).await.has(200);
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], false);
    admin.patch(&path, json!({"enabled": true})).await.has(200);
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], true);
    let next = "another horse battery";
    admin
        .post(&format!("{path}/rotate"), json!({"password": next}))
        .await
        .has(200);
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], false);
    assert_eq!(asks(&gateway, "ann", next).await["version"], 2);
    admin.delete(&path).await.has(204);
    assert_eq!(asks(&gateway, "ann", next).await["verified"], false);
}

#[tokio::test]
async fn during_a_grace_period_both_passwords_work_and_then_one() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let path = format!(
        "/v1/credentials/{}/rotate",
        text(&ann(&registry).await["id"])
    );
    let next = "another horse battery";
    let body = json!({"password": next, "grace_period": 60});
    registry.admin().post(&path, body).await.has(200);
    let old = asks(&gateway, "ann", PASSWORD).await;
    assert_eq!(
        (&old["verified"], &old["version"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(old["secret_version"], 1);
    assert_eq!(old["until"], 1_800_000_060_000_u64);
    let new = asks(&gateway, "ann", next).await;
    assert_eq!(
        (&new["verified"], &new["secret_version"], &new["until"]),
        (&json!(true), &json!(2), &Value::Null)
    );
    registry.clock.advance(Duration::from_mins(1));
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], false);
    assert_eq!(asks(&gateway, "ann", next).await["verified"], true);
}

#[tokio::test]
async fn a_generated_password_is_not_verified_here() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(
            &app,
            json!({"type": "basic", "name": "b", "username": "ann"}),
        )
        .await;
    let password = text(&issued["secret"]["value"]);
    assert_eq!(asks(&gateway, "ann", &password).await["verified"], false);
}

#[tokio::test]
async fn attempts_are_limited_for_an_address_and_for_a_name() {
    let settings = [
        ("KEYSMITH_VERIFY_PER_SOURCE_PER_MINUTE", "4"),
        ("KEYSMITH_VERIFY_PER_USERNAME_PER_MINUTE", "3"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let gateway = registry.gateway("default").await;
    ann(&registry).await;
    assert_eq!(
        ask(&gateway, "ann", PASSWORD, "192.0.2.1")
            .await
            .has(200)
            .json()["verified"],
        true
    );
    for attempt in 0..2 {
        ask(&gateway, "ann", &format!("wrong {attempt}"), "192.0.2.2")
            .await
            .has(200);
    }
    let limited = ask(&gateway, "ann", "wrong 2", "192.0.2.3").await;
    limited.is_problem(429, "too-many-attempts", None);
    assert_eq!(limited.header("retry-after"), "20");
    // What is remembered is not an attempt, and who proved itself is not slowed by others.
    assert_eq!(
        ask(&gateway, "ann", PASSWORD, "192.0.2.3")
            .await
            .has(200)
            .json()["verified"],
        true
    );
    registry.clock.advance(Duration::from_secs(301));
    for attempt in 0..3 {
        ask(&gateway, "ann", &format!("again {attempt}"), "192.0.2.4")
            .await
            .has(200);
    }
    ask(&gateway, "ann", "again 3", "192.0.2.4").await.has(429);
    for source in ["192.0.2.1", "192.0.2.4"] {
        assert_eq!(
            ask(&gateway, "ann", PASSWORD, source).await.has(200).json()["verified"],
            true
        );
    }

    for attempt in 0..4 {
        ask(&gateway, &format!("name-{attempt}"), "wrong", "2001:db8::1")
            .await
            .has(200);
    }
    ask(&gateway, "name-4", "wrong", "2001:db8::2")
        .await
        .has(429);
    ask(&gateway, "name-4", "wrong", "2001:db8:0:1::1")
        .await
        .has(200);
}

#[tokio::test]
async fn who_proved_a_password_is_not_slowed_by_others_at_the_same_address() {
    let settings = [
        ("KEYSMITH_VERIFY_PER_SOURCE_PER_MINUTE", "2"),
        ("KEYSMITH_VERDICT_SECONDS", "0"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let gateway = registry.gateway("default").await;
    ann(&registry).await;
    let right = async || ask(&gateway, "ann", PASSWORD, "192.0.2.1").await;
    assert_eq!(right().await.has(200).json()["verified"], true);
    let guess = async |attempt: u32| {
        let username = format!("name-{attempt}");
        ask(&gateway, &username, "wrong", "192.0.2.1").await
    };
    guess(0).await.has(200);
    guess(1).await.has(429);
    for _ in 0..3 {
        assert_eq!(right().await.has(200).json()["verified"], true);
    }
    // Nor do they take from what the others may ask.
    registry.clock.advance(Duration::from_secs(30));
    guess(2).await.has(200);
}

#[tokio::test]
async fn a_password_that_was_revoked_is_an_attempt_like_any_other() {
    let settings = [
        ("KEYSMITH_VERIFY_PER_USERNAME_PER_MINUTE", "1"),
        ("KEYSMITH_VERDICT_SECONDS", "0"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let gateway = registry.gateway("default").await;
    let path = format!("/v1/credentials/{}", text(&ann(&registry).await["id"]));
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], true);
    registry.admin().delete(&path).await.has(204);
    assert_eq!(asks(&gateway, "ann", PASSWORD).await["verified"], false);
    registry.clock.advance(Duration::from_mins(1));
    let guess = "another guess";
    ask(&gateway, "ann", guess, "192.0.2.2").await.has(200);
    ask(&gateway, "ann", PASSWORD, "192.0.2.1").await.has(429);
}

#[tokio::test]
async fn attempts_at_one_group_do_not_count_at_another() {
    let settings = [
        ("KEYSMITH_VERIFY_PER_SOURCE_PER_MINUTE", "2"),
        ("KEYSMITH_VERIFY_PER_USERNAME_PER_MINUTE", "1"),
    ];
    let registry = TestRegistry::with(&settings).await;
    let admin = registry.admin();
    let inner = json!({"name": "inner", "mode": "on_demand"});
    admin.post("/v1/gateway-groups", inner).await.has(201);
    let outside = registry.gateway("default").await;
    let inside = registry.gateway("inner").await;
    for attempt in ["a", "b"] {
        ask(&inside, attempt, "wrong", "192.0.2.1").await.has(200);
        ask(&inside, attempt, "other", "192.0.2.2").await.has(429);
    }
    ask(&inside, "c", "wrong", "192.0.2.1").await.has(429);
    for attempt in ["a", "b"] {
        ask(&outside, attempt, "wrong", "192.0.2.1").await.has(200);
    }
}

#[tokio::test]
async fn equal_questions_at_a_time_are_computed_once() {
    let registry = TestRegistry::with(&[("KEYSMITH_VERIFY_PER_USERNAME_PER_MINUTE", "1")]).await;
    let gateway = registry.gateway("default").await;
    ann(&registry).await;
    let questions = (0..10).map(|_| asks(&gateway, "ann", PASSWORD));
    for answer in futures_util::future::join_all(questions).await {
        assert_eq!(answer["verified"], true);
    }
}

#[tokio::test]
async fn a_question_is_checked() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let reply = gateway
        .post(
            "/v1/gateway/verify",
            json!({"username": "ann", "password": 777_777_777}),
        )
        .await;
    let problem = reply.is_problem(400, "invalid-value", Some("password"));
    assert!(!problem.to_string().contains("777"), "{problem}");
    let long = "x".repeat(5000);
    ask(&gateway, "ann", &long, "")
        .await
        .is_problem(400, "invalid-value", Some("password"));
    ask(&gateway, &long, "x", "")
        .await
        .is_problem(400, "invalid-value", Some("username"));
}

#[tokio::test]
async fn nobody_learns_by_a_conflict_whether_a_guess_was_another_ones_password() {
    let registry = TestRegistry::start().await;
    let application = registry.application("billing").await;
    let victim = json!({"type": "basic", "name": "ann", "username": "ann", "password": "correct horse battery"});
    registry.credential(&application, victim).await;
    let mallory = json!({"role": "developer", "owner": "mallory"});
    let mallory = registry.minted(mallory).await;
    let own = mallory.post("/v1/applications", json!({"name": "own"}));
    let own = text(&own.await.has(201).json()["id"]);
    let credentials = format!("/v1/applications/{own}/credentials");
    let mine = json!({"type": "basic", "name": "m", "username": "m"});
    let mine = mallory.post(&credentials, mine).await.has(201).json();
    let rotate = format!("/v1/credentials/{}/rotate", text(&mine["id"]));
    for guess in ["correct horse battery", "another horse battery"] {
        let body = json!({"type": "basic", "name": "x", "username": "ann", "password": guess});
        let made = mallory.post(&credentials, body).await;
        made.is_problem(409, "conflict", Some("username"));
        let body = json!({"username": "ann", "password": guess});
        let rotated = mallory.post(&rotate, body).await;
        rotated.is_problem(409, "conflict", Some("username"));
    }
}
