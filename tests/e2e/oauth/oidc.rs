//! oidc-provider: registration, JWTs, opaque tokens by introspection, keys that change, and its being down.

use e2e::{
    admin::{Admin, Credential},
    eventually::eventually,
    http::Client,
    stack::Stack,
};
use peers::{OidcProvider, Options};
use serde_json::{Value, json};

use super::scene::{self, SCOPE, blocking};

/// A registered client, and all that it takes for its tokens to pass.
struct Scene {
    _stack: Stack,
    client: Client,
    admin: Admin,
    peer: Option<OidcProvider>,
    application: String,
    credential: Credential,
    client_id: String,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let peer = scene::oidc_provider(options).await;
        let audiences = ["orders", "rs256", "ps256", "ed25519", "azp", "opaque"];
        let audiences = audiences.map(OidcProvider::resource);
        let (stack, client, admin) = scene::stack(peer.issuer(), &audiences).await;
        let (introspector, secret) = &peer.options().introspector;
        let body = json!({
            "name": "elsewhere", "kind": "oidc", "issuer": peer.issuer(),
            "configuration": {"tokens": {"introspection": {"client_id": introspector}}},
            "secrets": {
                "initial_access_token": peer.options().initial_access_token,
                "introspection_client_secret": secret,
            },
        });
        admin.post("/v1/identity-providers", body).await.expect(201);
        let application = scene::application(&admin, "jack").await;
        let (credential, client_id) = scene::registered(&admin, &application, "client").await;
        Self {
            _stack: stack,
            client,
            admin,
            peer: Some(peer),
            application,
            credential,
            client_id,
        }
    }

    fn peer(&self) -> &OidcProvider {
        self.peer.as_ref().expect("a provider")
    }

    /// A token for one of the resources, which says in which form.
    async fn token(&self, form: &str) -> String {
        self.token_of(&self.client_id, &self.credential.secret, form)
            .await
    }

    async fn token_of(&self, id: &str, secret: &str, form: &str) -> String {
        let token = self.try_token(id, secret, form).await;
        token.expect("a token")
    }

    async fn try_token(&self, id: &str, secret: &str, form: &str) -> Result<String, Value> {
        let endpoint = format!("{}/token", self.peer().issuer());
        let resource = OidcProvider::resource(form);
        let more = [("scope", SCOPE), ("resource", resource.as_str())];
        scene::token(&endpoint, (id, secret), &more).await
    }

    async fn passes(&self, token: &str) {
        let answer = self.client.get("/").bearer(token).until(200).await;
        let consumer = answer.echoed().header("x-consumer-username").to_owned();
        assert_eq!(consumer, "jack");
    }

    async fn is_refused(&self, token: &str) {
        self.client.get("/").bearer(token).until(401).await;
    }

    /// Does something to the provider that takes its time.
    async fn with_peer(&mut self, work: impl FnOnce(&mut OidcProvider) + Send + 'static) {
        let mut peer = self.peer.take().expect("a provider");
        let done = blocking(move || {
            work(&mut peer);
            peer
        });
        self.peer = Some(done.await);
    }

    async fn change_credential(&self, body: serde_json::Value) {
        let path = format!("/v1/credentials/{}", self.credential.id);
        self.admin.patch(&path, body).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_registered_client_pass_in_every_form() {
    let scene = Scene::new(Options::default()).await;
    for form in ["orders", "rs256", "ps256", "ed25519", "opaque"] {
        let token = scene.token(form).await;
        scene.passes(&token).await;
    }
    let two = scene.token("azp").await;
    scene.is_refused(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_nobody_registered_here_is_refused_whatever_its_provider_gave_it() {
    let stranger = peers::Client::new("stranger", "the-secret-of-a-stranger-which-is-long");
    let scene = Scene::new(Options {
        clients: vec![stranger.clone()],
        ..Options::default()
    })
    .await;
    scene.passes(&scene.token("orders").await).await;
    for form in ["orders", "opaque"] {
        let token = scene.token_of(&stranger.id, &stranger.secret, form).await;
        scene.is_refused(&token).await;
    }
}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_change_its_keys_at_any_time() {
    let mut scene = Scene::new(Options::default()).await;
    let before = scene.token("orders").await;
    scene.passes(&before).await;
    scene.with_peer(OidcProvider::change_keys).await;
    let after = scene.token("orders").await;
    scene.passes(&after).await;
    // Its key is not published any more.
    scene.is_refused(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_down_known_keys_go_on_and_unknown_tokens_are_not_called_wrong() {
    let mut scene = Scene::new(Options::default()).await;
    let jwt = scene.token("orders").await;
    scene.passes(&jwt).await;
    scene.with_peer(OidcProvider::stop).await;
    scene.passes(&jwt).await;
    let refused = scene
        .client
        .get("/")
        .bearer("nobody-can-say")
        .until(503)
        .await;
    assert_ne!(refused.header("retry-after"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_is_no_access_token() {
    let web = peers::Client::of_people(
        "web",
        "the-secret-of-a-web-client-which-is-long",
        "https://app.example.test/callback",
    );
    let mut scene = Scene::new(Options {
        clients: vec![web.clone()],
        ..Options::default()
    })
    .await;
    scene.passes(&scene.token("orders").await).await;
    let peer = scene.peer.take().expect("a provider");
    let (peer, id_token) = blocking(move || {
        let token = peer.id_token(&web);
        (peer, token)
    })
    .await;
    scene.peer = Some(peer);
    scene.is_refused(&id_token).await;
}
