//! Masks, and what comes of secrets that are sent again.

use serde_json::{Value, json};

use super::{KEY, OTHER_KEY, PASSWORD, basic_auth, key_auth, version, with_jack};
use crate::support::{Apisix, TestRegistry, text};

async fn mask(apisix: &Apisix, path: &str) -> String {
    let shown = apisix.get(path).await.has(200).json();
    let plugins = &shown["value"]["plugins"];
    match &plugins["key-auth"]["key"] {
        Value::Null => text(&plugins["basic-auth"]["password"]),
        key => text(key),
    }
}

#[tokio::test]
async fn a_credentials_own_mask_means_unchanged() {
    let (registry, apisix) = with_jack().await;
    for (id, body) in [("a", key_auth(KEY)), ("b", basic_auth("jack", PASSWORD))] {
        let path = format!("/consumers/jack/credentials/{id}");
        apisix.put(&path, body).await.has(201);
        let mut shown = apisix.get(&path).await.has(200).json()["value"].clone();
        for time in ["create_time", "update_time"] {
            shown.as_object_mut().unwrap().remove(time);
        }
        shown["desc"] = json!("only this is new");
        let replaced = apisix.put(&path, shown).await.has(200).json();
        assert_eq!(replaced["value"]["desc"], "only this is new");
        assert_eq!(version(&registry, "jack", id).await, 1);
    }
}

#[tokio::test]
async fn any_other_mask_is_refused() {
    let (registry, apisix) = with_jack().await;
    let (a, b) = (
        "/consumers/jack/credentials/a",
        "/consumers/jack/credentials/b",
    );
    // So short that nothing of them is shown: the masks differ all the same.
    let settings = [("KEYSMITH_MINIMUM_OWN_KEY_LENGTH", "8")];
    let lenient = TestRegistry::with(&settings).await;
    let short = lenient.apisix();
    short
        .put("/consumers", json!({"username": "jack"}))
        .await
        .has(201);
    short.put(a, key_auth("auth-one")).await.has(201);
    short.put(b, key_auth("auth-two")).await.has(201);
    let foreign = mask(&short, b).await;
    assert_ne!(mask(&short, a).await, foreign);
    short
        .put(a, key_auth(&foreign))
        .await
        .is_refusal(400, "not the mask of this credential");

    apisix.put(a, key_auth(KEY)).await.has(201);
    apisix.put(b, basic_auth("jack", PASSWORD)).await.has(201);
    let (old, password) = (mask(&apisix, a).await, mask(&apisix, b).await);
    for sent in ["****", "********", "an-own-key-with-a-*-in-it", &password] {
        let reply = apisix.put(a, key_auth(sent)).await;
        reply.is_refusal(400, "property \"key\" validation failed: is masked");
    }
    apisix.put(a, key_auth(OTHER_KEY)).await.has(200);
    // The mask of a secret that is not the current one any more.
    let reply = apisix.put(a, key_auth(&old)).await;
    reply.is_refusal(400, "not the mask of this credential");
    for (username, sent) in [("jack", old.as_str()), ("jill", password.as_str())] {
        let reply = apisix.put(b, basic_auth(username, sent)).await;
        reply.is_refusal(400, "property \"password\" validation failed: is masked");
    }
    for body in [key_auth(&old), basic_auth("jill", &password)] {
        let reply = apisix.put("/consumers/jack/credentials/c", body).await;
        reply.is_refusal(400, "no such credential has a secret yet");
    }
    assert_eq!(version(&registry, "jack", "a").await, 2);
    assert_eq!(version(&registry, "jack", "b").await, 1);
}

#[tokio::test]
async fn the_same_secret_again_changes_nothing_and_another_one_is_a_rotation_without_grace() {
    let (registry, apisix) = with_jack().await;
    let (a, b) = (
        "/consumers/jack/credentials/a",
        "/consumers/jack/credentials/b",
    );
    for _ in 0..3 {
        apisix.put(a, key_auth(KEY)).await;
        apisix.put(b, basic_auth("jack", PASSWORD)).await;
    }
    assert_eq!(version(&registry, "jack", "a").await, 1);
    assert_eq!(version(&registry, "jack", "b").await, 1);
    apisix.put(a, key_auth(OTHER_KEY)).await.has(200);
    // One secret is left: nothing of a grace period.
    assert_eq!(version(&registry, "jack", "a").await, 2);
    apisix.put(b, basic_auth("jack-2", PASSWORD)).await.has(200);
    assert_eq!(version(&registry, "jack", "b").await, 2);
    // Nothing revoked comes back, and nobody is told whose it was.
    for body in [key_auth(KEY), key_auth(OTHER_KEY)] {
        let reply = apisix.put("/consumers/jack/credentials/c", body).await;
        reply.is_refusal(400, "duplicate key of plugin key-auth");
        assert!(!reply.text().contains("jack"), "{}", reply.text());
    }
    apisix
        .put(a, key_auth(KEY))
        .await
        .is_refusal(400, "duplicate key");
    let reply = apisix.put(b, basic_auth("jack", PASSWORD)).await;
    reply.is_refusal(400, "once had, this password");
    let other = basic_auth("jack-2", "another-password");
    let reply = apisix.put("/consumers/jack/credentials/c", other).await;
    reply.is_refusal(400, "duplicate key of plugin basic-auth");
}

#[tokio::test]
async fn a_generated_secret_is_kept_by_its_mask_and_by_its_value() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    let application = registry.application("jack").await;
    for (kind, username) in [("api_key", None), ("basic", Some("jack"))] {
        let body = json!({"type": kind, "name": kind, "identifier": kind, "username": username});
        let made = registry.credential(&application, body).await;
        let value = text(&made["secret"]["value"]);
        let path = format!("/consumers/jack/credentials/{kind}");
        let masked = mask(&apisix, &path).await;
        assert!(masked.contains(&value[value.len() - 4..]), "{masked}");
        for sent in [&masked, &value] {
            let body = match username {
                None => key_auth(sent),
                Some(username) => basic_auth(username, sent),
            };
            apisix.put(&path, body).await.has(200);
        }
        assert_eq!(version(&registry, "jack", kind).await, 1);
    }
}

#[tokio::test]
async fn what_only_the_rest_api_has_stays_when_a_credential_is_replaced() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    let application = registry.application("jack").await;
    let body = json!({"type": "api_key", "name": "a", "identifier": "a", "value": KEY,
        "scopes": ["orders:read"], "expires_at": "2099-01-01T00:00:00Z", "enabled": false});
    let made = registry.credential(&application, body).await;
    let token = json!({"type": "bearer_token", "name": "t", "identifier": "t", "expires_at": "2099-01-01T00:00:00Z"});
    registry.credential(&application, token).await;
    apisix
        .put("/consumers", json!({"username": "jack"}))
        .await
        .has(200);
    apisix
        .put("/consumers/jack/credentials/a", key_auth(OTHER_KEY))
        .await
        .has(200);
    let path = format!("/v1/credentials/{}", text(&made["id"]));
    let shown = registry.admin().get(&path).await.has(200).json();
    assert_eq!(shown["scopes"], json!(["orders:read"]));
    assert_eq!(shown["enabled"], false);
    assert_eq!(shown["expires_at"], made["expires_at"]);
    // A bearer token is nothing that APISIX has.
    let listed = apisix
        .get("/consumers/jack/credentials")
        .await
        .has(200)
        .json();
    assert_eq!(listed["total"], 1, "{listed}");
    apisix.get("/consumers/jack/credentials/t").await.has(404);
}
