//! Nothing secret is ever logged.
//!
//! A binary of its own: whether anybody listens to a place that logs is remembered for the whole process, so tests that
//! run beside this one without a subscriber could switch off what it wants to hear.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: a failure there is a failed test"
)]

#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests over HTTP, which use more of it"
)]
mod it {
    pub(crate) mod support;
}

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{body::Bytes, http::Method};
use registry::{
    config::{Log, LogFormat},
    telemetry,
};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use it::support::{Actor, Data, TestRegistry, admin_token, text};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// The version of HTTP that somebody speaks.
type Speak = fn(Actor) -> Actor;

/// Does everything that has to do with secrets, and answers all of them.
async fn use_every_secret(registry: &TestRegistry, speak: Speak) -> Vec<String> {
    let admin = speak(registry.admin());
    let app = registry.application("billing").await;
    let create = format!("/v1/applications/{app}/credentials");
    let mut secrets = vec![admin_token()];

    let headers = [("idempotency-key", "idempotency-key-of-the-test")];
    let own = "an-own-key-of-some-length";
    let chosen = "correct horse battery";
    for body in [
        json!({"type": "api_key", "name": "generated"}),
        json!({"type": "api_key", "name": "own", "value": own}),
        json!({"type": "api_key", "name": "pair", "shared_secret": true}),
        json!({"type": "bearer_token", "name": "token", "expires_at": "2099-12-31T00:00:00Z"}),
        json!({"type": "basic", "name": "basic", "username": "ann"}),
        json!({"type": "basic", "name": "chosen", "username": "bob", "password": chosen}),
    ] {
        let key = [(
            "idempotency-key",
            format!("{}-{}", headers[0].1, body["name"]),
        )];
        let key = [(key[0].0, key[0].1.as_str())];
        let issued = admin
            .post_with(&create, &key, body.clone())
            .await
            .has(201)
            .json();
        admin.post_with(&create, &key, body).await.has(201);
        let rotate = format!("/v1/credentials/{}/rotate", text(&issued["id"]));
        let rotated = admin
            .post(&rotate, json!({"grace_period": 60}))
            .await
            .has(200)
            .json();
        for secret in [&issued, &rotated] {
            for part in ["value", "shared_secret"] {
                secrets.extend(secret["secret"][part].as_str().map(ToOwned::to_owned));
            }
        }
    }
    let gateway = admin
        .post("/v1/gateway-groups/default/tokens", json!({}))
        .await
        .has(201)
        .json();
    let gateway = text(&gateway["token"]);
    let imported = "an-imported-key-of-some-length";
    let hashed = "$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a.";
    let lines = [
        json!({"application": "billing", "type": "api_key", "name": "imported", "value": imported}),
        json!({"application": "billing", "type": "api_key", "name": "again", "value": imported}),
        json!({"application": "billing", "type": "basic", "name": "h", "username": "cid", "password_hash": hashed}),
        json!({"application": "billing", "type": "api_key", "name": "x", "colour": "a-secret-in-a-wrong-field"}),
    ];
    let lines = lines.map(|line| line.to_string()).join("\n");
    let kind = [("content-type", "application/x-ndjson")];
    let answer = admin
        .send(Method::POST, "/v1/import", &kind, lines.into())
        .await;
    let answer = answer.has(200).text();
    let leaks = json!({"leaks": [{"value": imported}, {"value": "a-secret-of-somebody-else"}]});
    let reported = admin.post("/v1/leaks", leaks).await.has(200).text();
    for secret in [
        imported,
        hashed,
        "a-secret-in-a-wrong-field",
        "a-secret-of-somebody-else",
    ] {
        assert!(!answer.contains(secret) && !reported.contains(secret));
        secrets.push(secret.to_owned());
    }
    let asking = speak(registry.bearer(&gateway));
    for password in [chosen, "a-wrong-password-that-was-typed"] {
        let body = json!({"username": "a-password-typed-as-name", "password": password, "source": "192.0.2.1"});
        asking.post("/v1/gateway/verify", body).await.has(200);
    }
    asking.get("/v1/feed").await.has(200);
    secrets.extend(
        [
            own,
            chosen,
            "a-wrong-password",
            "a-password-typed-as-name",
            "idempotency-key-of",
        ]
        .map(Into::into),
    );
    secrets.push(gateway);
    secrets
}

/// Puts secrets where they do not belong.
async fn misplace_secrets(registry: &TestRegistry, speak: Speak) -> Vec<String> {
    let misplaced: Vec<String> = (0..8)
        .map(|number| format!("misplaced-secret-{number}"))
        .collect();
    let stranger = speak(registry.bearer(&misplaced[0]));
    stranger.get("/v1/applications").await.has(401);
    let admin = speak(registry.admin());
    admin
        .get(&format!("/v1/applications?name={}", misplaced[1]))
        .await
        .has(200);
    admin
        .get(&format!("/v1/applications?{}=x", misplaced[2]))
        .await
        .has(400);
    admin
        .get(&format!("/v1/credentials/{}", misplaced[3]))
        .await
        .has(404);
    admin.get(&format!("/v1/{}", misplaced[4])).await.has(404);
    admin
        .post("/v1/applications", json!({"name": [misplaced[5]]}))
        .await
        .has(400);
    let headers = [
        ("x-request-id", misplaced[6].as_str()),
        ("idempotency-key", misplaced[7].as_str()),
    ];
    admin
        .send(
            Method::POST,
            "/v1/applications",
            &headers,
            Bytes::from_static(b"{"),
        )
        .await
        .has(415);
    misplaced
}

#[tokio::test]
async fn no_secret_appears_in_the_log_at_any_level() {
    let over_http_1: Speak = |actor| actor;
    for (format, speak) in [
        (LogFormat::Text, over_http_1),
        (LogFormat::Json, Actor::over_http_2),
    ] {
        let paper = Paper::default();
        let log = Log {
            format,
            level: "trace".to_owned(),
        };
        let subscriber = telemetry::subscriber(&log, paper.clone()).unwrap();
        // The whole registry runs on this thread, except for hashing and SQLite.
        let guard = tracing::subscriber::set_default(subscriber);
        let data = Data::new().await;
        let registry = data.start(&[]).await;
        let mut secrets = use_every_secret(&registry, speak).await;
        secrets.extend(misplace_secrets(&registry, speak).await);
        let key = std::fs::read_to_string(data.path().join("master.key")).unwrap();
        secrets.push(key.trim().to_owned());
        registry.stop().await;
        drop(guard);

        let log = paper.text();
        assert!(log.contains("TRACE") && log.contains("answered"), "{log}");
        assert!(log.contains("/v1/credentials/{id}/rotate"), "{log}");
        assert!(secrets.len() > 20, "{}", secrets.len());
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} was logged:\n{log}");
        }
    }
}
