//! `/v1/credentials`.

use filter_core::key::{SecretType, Shape, shape};
use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

fn is_generated(issued: &Value, kind: SecretType) -> bool {
    shape(text(&issued["secret"]["value"]).as_bytes()) == Shape::Generated(kind)
}

#[tokio::test]
async fn each_type_shows_its_secret_once() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    for (body, kind) in [
        (
            json!({"type": "api_key", "name": "key"}),
            SecretType::ApiKey,
        ),
        (
            json!({"type": "bearer_token", "name": "token", "expires_at": "2099-12-31T00:00:00Z"}),
            SecretType::BearerToken,
        ),
        (
            json!({"type": "basic", "name": "basic", "username": "ann"}),
            SecretType::Password,
        ),
    ] {
        let issued = registry.credential(&app, body).await;
        assert!(is_generated(&issued, kind), "{issued}");
        let secret = text(&issued["secret"]["value"]);
        let path = format!("/v1/credentials/{}", text(&issued["id"]));
        let shown = registry.admin().get(&path).await.has(200);
        assert!(!shown.text().contains(&secret));
        assert_eq!(shown.header("cache-control"), "no-store");
        let summary = &shown.json()["secrets"][0];
        assert_eq!(summary["prefix"], format!("ks_{}_", kind.code()));
        assert_eq!(summary["last_four"], secret[secret.len() - 4..]);
        assert_eq!(summary["state"], "current");
        assert_eq!(shown.json()["identifier"], issued["id"]);
    }
}

#[tokio::test]
async fn a_created_credential_is_where_the_answer_says() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    let created = registry
        .admin()
        .post(&path, json!({"type": "api_key", "name": "ci"}))
        .await
        .has(201);
    let got = registry
        .admin()
        .get(&created.header("location"))
        .await
        .has(200);
    assert_eq!(got.header("etag"), created.header("etag"));
    let mut expected = created.json();
    expected.as_object_mut().unwrap().remove("secret");
    let mut alone = got.json();
    for shown_alone in ["deployments", "propagation"] {
        let value = alone.as_object_mut().unwrap().remove(shown_alone);
        assert!(value.is_some(), "{shown_alone}");
    }
    assert_eq!(alone, expected);
}

#[tokio::test]
async fn a_chosen_password_is_shown_nowhere() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let body = json!({"type": "basic", "name": "b", "username": "ann", "password": "correct horse battery"});
    let issued = registry.credential(&app, body).await;
    assert_eq!(issued["secret"], Value::Null);
    assert_eq!(issued["secrets"][0]["origin"], "chosen");
    assert_eq!(issued["secrets"][0]["last_four"], "");
    assert!(!issued.to_string().contains("horse"));
}

#[tokio::test]
async fn the_fields_of_a_secret_must_fit_its_type() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    for (body, field) in [
        (json!({"type": "basic", "name": "x"}), "username"),
        (
            json!({"type": "api_key", "name": "x", "username": "ann"}),
            "username",
        ),
        (
            json!({"type": "api_key", "name": "x", "password": "correct horse"}),
            "password",
        ),
        (
            json!({"type": "bearer_token", "name": "x", "value": "an-own-value-of-some-length"}),
            "value",
        ),
        (
            json!({"type": "basic", "name": "x", "username": "ann", "value": "y"}),
            "value",
        ),
        (
            json!({"type": "api_key", "name": "x", "value": "short"}),
            "value",
        ),
        (
            json!({"type": "basic", "name": "x", "username": "ann", "password": "short"}),
            "password",
        ),
        (
            json!({"type": "basic", "name": "x", "username": "a:b"}),
            "username",
        ),
        (json!({"type": "oauth", "name": "x"}), "type"),
        (json!({"type": "api_key", "name": ""}), "name"),
        (
            json!({"type": "api_key", "name": "x", "scopes": ["admin"]}),
            "scopes",
        ),
        (
            json!({"type": "api_key", "name": "x", "expires_at": "2020-01-01T00:00:00Z"}),
            "expires_at",
        ),
        (
            json!({"type": "api_key", "name": "x", "expires_at": "tomorrow"}),
            "expires_at",
        ),
        (
            json!({"type": "api_key", "name": "x", "expires_at": "1969-01-01T00:00:00Z"}),
            "expires_at",
        ),
        (
            json!({"type": "api_key", "name": "x", "enabled": null}),
            "enabled",
        ),
    ] {
        let reply = registry.admin().post(&path, body.clone()).await;
        assert_eq!(reply.status, 400, "{body}");
        reply.is_problem(400, "invalid-value", Some(field));
    }
    registry
        .admin()
        .post(
            "/v1/applications/app_00000000000000000000000000/credentials",
            json!({"type": "api_key", "name": "x"}),
        )
        .await
        .is_problem(404, "not-found", None);
}

#[tokio::test]
async fn a_value_that_is_or_was_a_secret_is_refused_without_saying_whose() {
    let registry = TestRegistry::start().await;
    let (one, two) = (
        registry.application("one").await,
        registry.application("two").await,
    );
    let own = json!({"type": "api_key", "name": "own", "value": "an-own-value-of-some-length"});
    let first = registry.credential(&one, own.clone()).await;
    let path = format!("/v1/applications/{two}/credentials");
    let refused = registry.admin().post(&path, own.clone()).await;
    let problem = refused.is_problem(409, "conflict", Some("value"));
    assert!(!problem.to_string().contains("one"), "{problem}");
    assert!(!problem.to_string().contains(&text(&first["id"])));

    let mine = format!("/v1/credentials/{}", text(&first["id"]));
    registry.admin().delete(&mine).await.has(204);
    registry
        .admin()
        .post(&path, own)
        .await
        .is_problem(409, "conflict", Some("value"));
}

#[tokio::test]
async fn a_password_that_was_revoked_is_refused() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let body = json!({"type": "basic", "name": "b", "username": "ann", "password": "correct horse battery"});
    let issued = registry.credential(&app, body).await;
    let rotate = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
    let again = json!({"password": "correct horse battery"});
    let refused = registry.admin().post(&rotate, again).await;
    refused.is_problem(409, "conflict", Some("password"));
}

#[tokio::test]
async fn a_bearer_token_always_has_an_end() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    for body in [
        json!({"type": "bearer_token", "name": "t"}),
        json!({"type": "bearer_token", "name": "t", "expires_at": null}),
    ] {
        let refused = admin.post(&path, body).await;
        let problem = refused.is_problem(400, "invalid-value", Some("expires_at"));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("required for bearer tokens"), "{detail}");
    }
    let body = json!({"type": "bearer_token", "name": "t", "expires_at": "2027-06-01T00:00:00Z"});
    let issued = registry.credential(&app, body).await;
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let refused = admin.patch(&path, json!({"expires_at": null})).await;
    let problem = refused.is_problem(400, "invalid-value", Some("expires_at"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("required for bearer tokens"), "{detail}");
    let later = json!({"expires_at": "2027-07-01T00:00:00Z"});
    admin.patch(&path, later).await.has(200);
    admin.patch(&path, json!({"name": "u"})).await.has(200);
}

#[tokio::test]
async fn a_credential_is_changed_field_by_field() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let body = json!({"type": "api_key", "name": "ci", "identifier": "ci-1", "scopes": ["orders:read"],
        "expires_at": "2027-06-01T02:00:00+02:00", "not_before": "2027-01-01T00:00:00Z"});
    let issued = registry.credential(&app, body).await;
    assert_eq!(issued["expires_at"], "2027-06-01T00:00:00.000Z");
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    let change = json!({"enabled": false, "expires_at": null, "scopes": [], "labels": {"a": "b"}});
    let changed = registry.admin().patch(&path, change).await.has(200).json();
    assert_eq!(changed["enabled"], false);
    assert_eq!(changed["expires_at"], Value::Null);
    assert_eq!(changed["not_before"], "2027-01-01T00:00:00.000Z");
    assert_eq!(changed["scopes"], json!([]));
    assert_eq!(changed["identifier"], "ci-1");
    let reply = registry
        .admin()
        .patch(&path, json!({"identifier": "ci-2"}))
        .await;
    reply.is_problem(400, "invalid-value", Some("identifier"));
    let reply = registry.admin().patch(&path, json!({"name": null})).await;
    reply.is_problem(400, "invalid-value", Some("name"));
}

#[tokio::test]
async fn deleting_an_application_deletes_its_credentials() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let issued = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    registry
        .admin()
        .delete(&format!("/v1/applications/{app}"))
        .await
        .has(204);
    let path = format!("/v1/credentials/{}", text(&issued["id"]));
    registry
        .admin()
        .get(&path)
        .await
        .is_problem(404, "not-found", None);
}
