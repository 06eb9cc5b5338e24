//! No secret is written anywhere, at any level of logging.

use e2e::stack::Foundation;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn no_log_and_no_dump_shows_a_secret() {
    let foundation = Foundation::with(|settings| {
        settings
            .more
            .push(("LOG_LEVEL".to_owned(), "trace".to_owned()));
    })
    .await;
    let config = foundation.config().rules(json!([
        {"key_auth": {"cookie": "key", "header": "apikey", "query": "apikey"}, "basic_auth": {}, "bearer": {}},
    ]));
    let stack = foundation.envoy(&config).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let office = admin.application(json!({"name": "office"})).await;
    let key = admin
        .credential(&office, json!({"type": "api_key", "name": "k"}))
        .await;
    let token = admin
        .credential(
            &office,
            json!({"type": "bearer_token", "name": "t", "expires_at": "2099-12-31T00:00:00Z"}),
        )
        .await;
    let generated = json!({"type": "basic", "name": "g", "username": "gus"});
    let generated = admin.credential(&office, generated).await;
    let chosen = "a very chosen password";
    let body = json!({"type": "basic", "name": "c", "username": "cleo", "password": chosen});
    admin.credential(&office, body).await;
    let own = "an-own-key-that-nobody-else-has";
    admin
        .credential(
            &office,
            json!({"type": "api_key", "name": "o", "value": own}),
        )
        .await;

    client
        .get(&format!("/?apikey={}", key.secret))
        .until(200)
        .await;
    client
        .get("/")
        .header("cookie", format!("key={}", key.secret))
        .until(200)
        .await;
    client.get("/").key(own).until(200).await;
    client.get("/").bearer(&token.secret).until(200).await;
    client
        .get("/")
        .basic("gus", &generated.secret)
        .until(200)
        .await;
    client.get("/").basic("cleo", chosen).until(200).await;
    let wrong = "a-wrong-password-of-cleo";
    client.get("/").basic("cleo", wrong).until(401).await;
    let rotated = admin.rotate(&key.id, json!({"grace_period": 60})).await;
    client.get("/").key(&rotated.secret).until(200).await;
    admin.get("/v1/gateways").await;

    let dump = stack.envoy.config_dump().await.text();
    let places = [
        ("the registry's log", stack.registry.log()),
        ("Envoy's log", stack.envoy.log()),
        ("Envoy's configuration dump", dump),
        ("Envoy's statistics", stack.envoy.stats().await),
    ];
    assert!(places[0].1.contains("DEBUG"), "the registry logs finely");
    let settings = stack.registry.settings();
    let secrets = [
        key.secret.as_str(),
        &rotated.secret,
        &token.secret,
        &generated.secret,
        chosen,
        own,
        wrong,
        &settings.gateway_token,
        settings.admin_token.as_deref().expect("an admin token"),
    ];
    for (place, text) in &places {
        for secret in secrets {
            // Half of it is too much as well.
            let half = &secret[..secret.len() / 2 + 4];
            assert!(!text.contains(half), "{place} shows {half}…");
        }
    }
}
