//! `/v1/keys/rotate-signing`: replacing the key of the built-in authorization server before its time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, TestRegistry, text};

const ROTATE: &str = "/v1/keys/rotate-signing";

/// The keys and what each is used for, the oldest first.
fn states(keys: &Value) -> Vec<(String, String)> {
    let keys = keys["signing_keys"].as_array().unwrap().iter();
    keys.map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect()
}

async fn published(registry: &TestRegistry) -> Vec<String> {
    let reply = registry.stranger().get("/.well-known/jwks.json").await;
    let set = reply.has(200).json();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| text(&key["kid"])).collect()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_what_the_one_before_signed_stays_good() {
    let registry = TestRegistry::with(&[
        ("KEYSMITH_PUBLIC_URL", "https://keys.example"),
        ("KEYSMITH_ACCESS_TOKEN_SECONDS", "7200"),
    ])
    .await;
    let app = registry.application("billing").await;
    let client = Client::of(&registry, &app, json!({})).await;
    let first = client.token().await;

    let keys = registry.admin().post(ROTATE, json!({})).await.has(200);
    let found = states(&keys.json());
    assert_eq!(found[0].1, "current");
    assert_eq!(found[1].1, "next");
    assert_eq!(kid(&first), found[0].0);
    assert!(!keys.text().contains("\"d\""), "{}", keys.text());
    let published_now = published(&registry).await;
    assert!(published_now.contains(&found[1].0), "{published_now:?}");
    assert_eq!(kid(&client.token().await), found[0].0);

    // Another would sign no sooner.
    let again = registry.admin().post(ROTATE, json!({})).await.has(200);
    assert_eq!(states(&again.json()), found);

    registry.clock.advance(Duration::from_hours(1));
    let second = client.token().await;
    assert_eq!(kid(&second), found[1].0);
    for token in [&first, &second] {
        assert_eq!(client.introspect(token).await["active"], true);
    }
    let keys = registry.admin().post(ROTATE, json!({})).await.has(200);
    let found = states(&keys.json());
    let words: Vec<&str> = found.iter().map(|(_, state)| state.as_str()).collect();
    assert_eq!(words, ["retired", "current", "next"]);
    let kids: Vec<String> = found.into_iter().map(|(kid, _)| kid).collect();
    assert_eq!(published(&registry).await, kids);
    assert_eq!(client.introspect(&first).await["active"], true);
}

fn kid(token: &str) -> String {
    let token = filter_core::jwt::Token::parse(token.as_bytes()).unwrap();
    token.signed.header.key_id.unwrap()
}
