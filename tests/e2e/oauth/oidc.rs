//! oidc-provider: registration, JWTs, opaque tokens by introspection, keys that change, and its being down.

use e2e::{
    admin::{Admin, Credential},
    http::Client,
    stack::Stack,
};
use peers::{OidcProvider, Options};
use serde_json::{Value, json};

use super::scene::{self, SCOPE, blocking};

mod ended;

/// A registered client, and all that it takes for its tokens to pass.
struct Scene {
    _stack: Stack,
    client: Client,
    admin: Admin,
    peer: Option<OidcProvider>,
    /// Its id here.
    provider: String,
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
        let provider = admin.post("/v1/identity-providers", body).await.expect(201);
        let application = scene::application(&admin, "jack").await;
        let (credential, client_id) = scene::registered(&admin, &application, "client").await;
        Self {
            _stack: stack,
            client,
            admin,
            peer: Some(peer),
            provider: provider.json()["id"].as_str().expect("an id").to_owned(),
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
async fn while_the_provider_is_down_its_keys_go_on_and_tokens_that_only_it_knows_are_not_called_wrong()
 {
    let mut scene = Scene::new(Options::default()).await;
    let jwt = scene.token("orders").await;
    let (never_seen, opaque) = (scene.token("orders").await, scene.token("opaque").await);
    scene.passes(&jwt).await;
    scene.with_peer(OidcProvider::stop).await;
    scene.passes(&jwt).await;
    scene.passes(&never_seen).await;
    for token in [opaque.as_str(), "nobody-can-say"] {
        let refused = scene.client.get("/").bearer(token).until(503).await;
        assert_ne!(refused.header("retry-after"), "");
    }
    scene.with_peer(OidcProvider::start_again).await;
    scene.passes(&opaque).await;
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
