//! Everything that ends a token which its provider would still call good.

use e2e::eventually::eventually;
use peers::Options;
use serde_json::json;

use super::{super::scene, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_is_refused_in_every_form_from_the_moment_that_the_answer_comes() {
    let scene = Scene::new(Options::default()).await;
    let (jwt, opaque) = (scene.token("orders").await, scene.token("opaque").await);
    scene.passes(&jwt).await;
    scene.passes(&opaque).await;
    let path = format!("/v1/credentials/{}", scene.credential.id);
    let receipt = scene::deleted_everywhere(&scene.admin, &path).await;
    for token in [&jwt, &opaque] {
        let refused = scene.client.get("/").bearer(token).consistently(401).await;
        refused.unwrap_or_else(|answer| panic!("{answer} after {receipt}"));
    }
    // It is not at its provider either, after a while.
    eventually("the provider has no such client", || async {
        let (id, secret) = (&scene.client_id, &scene.credential.secret);
        match scene.try_token(id, secret, "orders").await {
            Err(refusal) if refusal["error"] == "invalid_client" => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_application_or_credential_and_a_cut_off_stop_tokens_that_are_still_good() {
    let scene = Scene::new(Options::default()).await;
    let (jwt, opaque) = (scene.token("orders").await, scene.token("opaque").await);
    let application = format!("/v1/applications/{}", scene.application);
    for enabled in [true, false, true] {
        scene
            .admin
            .patch(&application, json!({"enabled": enabled}))
            .await;
        for token in [&jwt, &opaque] {
            if enabled {
                scene.passes(token).await;
            } else {
                scene.is_refused(token).await;
            }
        }
    }
    scene.change_credential(json!({"enabled": false})).await;
    scene.is_refused(&jwt).await;
    scene.change_credential(json!({"enabled": true})).await;
    scene.passes(&jwt).await;
    let path = format!("/v1/credentials/{}/revoke-tokens", scene.credential.id);
    scene.admin.post(&path, json!({})).await.expect(200);
    scene.is_refused(&jwt).await;
    scene.is_refused(&opaque).await;
    // Tokens say in whole seconds when they were given: the first that counts is of the next one.
    let again = eventually("another token passes", || async {
        let token = scene.token("orders").await;
        let answer = scene.client.get("/").bearer(&token).send().await;
        if answer.status == 200 {
            Ok(token)
        } else {
            Err(answer)
        }
    })
    .await;
    scene.passes(&again).await;
    scene::deleted_everywhere(&scene.admin, &application).await;
    let refused = scene.client.get("/").bearer(&again).consistently(401).await;
    refused.expect("refused with its application");
}

/// oidc-provider gives a client no other secret: another client takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_replaced_is_accepted_beside_the_next_one_until_its_grace_period_ends() {
    let mut scene = Scene::new(Options::default()).await;
    let before = scene.token("orders").await;
    scene.passes(&before).await;
    let id = scene.credential.id.clone();
    scene.credential = scene.admin.rotate(&id, json!({"grace_period": 3600})).await;
    let first = scene.client_id;
    scene.client_id = scene::client_id(&scene.credential);
    assert_ne!(first, scene.client_id);
    let after = scene.token("orders").await;
    scene.passes(&after).await;
    scene.passes(&before).await;
    let path = format!("/v1/credentials/{id}/rotate/finish");
    scene.admin.post(&path, json!({})).await.expect(200);
    scene.is_refused(&before).await;
    scene.passes(&after).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_a_provider_that_is_disabled_are_refused() {
    let scene = Scene::new(Options::default()).await;
    let (jwt, opaque) = (scene.token("orders").await, scene.token("opaque").await);
    let path = format!("/v1/identity-providers/{}", scene.provider);
    for enabled in [true, false, true] {
        scene.admin.patch(&path, json!({"enabled": enabled})).await;
        for token in [&jwt, &opaque] {
            if enabled {
                scene.passes(token).await;
            } else {
                scene.is_refused(token).await;
            }
        }
    }
}
