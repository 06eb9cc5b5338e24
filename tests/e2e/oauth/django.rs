//! django-oauth-toolkit: opaque tokens, which are introspected.

use e2e::{
    admin::{Admin, Credential},
    http::Client,
    stack::Stack,
};
use peers::{DjangoToolkit, Options};
use serde_json::{Value, json};

use super::scene::{self, SCOPE, blocking};

/// Its answers do not say whom a token is for: that is configured.
const AUDIENCE: &str = "https://api.example.test/";

/// A provider that the registry knows, and what accepts its tokens.
struct Scene {
    _stack: Stack,
    client: Client,
    admin: Admin,
    peer: DjangoToolkit,
    application: String,
}

impl Scene {
    async fn new(options: Options) -> Self {
        let peer = blocking(|| DjangoToolkit::start(options)).await;
        let issuer = peer.issuer();
        let (stack, client, admin) = scene::stack(issuer, &[AUDIENCE.to_owned()]).await;
        let (introspector, secret) = &peer.options().introspector;
        let introspection = json!({
            "endpoint": format!("{issuer}/introspect/"), "client_id": introspector, "audience": AUDIENCE,
        });
        let body = json!({
            "name": "elsewhere", "kind": "oidc", "issuer": issuer,
            "configuration": {"tokens": {"introspection": introspection}},
            "secrets": {"introspection_client_secret": secret},
        });
        admin.post("/v1/identity-providers", body).await.expect(201);
        let application = scene::application(&admin, "jack").await;
        Self {
            _stack: stack,
            client,
            admin,
            peer,
            application,
        }
    }

    async fn token(&self, id: &str, secret: &str) -> String {
        let endpoint = format!("{}/token/", self.peer.issuer());
        let token = scene::token(&endpoint, (id, secret), &[("scope", SCOPE)]).await;
        token.expect("a token")
    }

    async fn link(&self, client_id: &str) -> Credential {
        let body = json!({
            "type": "oauth_client", "name": "linked", "provider": "elsewhere", "registration": "external",
            "client_id": client_id, "scopes": [SCOPE],
        });
        self.admin.credential(&self.application, body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_tokens_are_introspected_and_end_with_the_credential() {
    let scene = Scene::new(Options::default()).await;
    let (credential, id) = scene::registered(&scene.admin, &scene.application, "client").await;
    let token = scene.token(&id, &credential.secret).await;
    scene.client.get("/").bearer(&token).until(200).await;
    let path = format!("/v1/credentials/{}", credential.id);
    scene::deleted_everywhere(&scene.admin, &path).await;
    let refused = scene.client.get("/").bearer(&token).consistently(401).await;
    refused.expect("refused with its client");
}

/// Its introspection does not say when a token was issued, so that none can be told from one before a cut-off.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_linked_for_the_first_time_comes_with_its_tokens_and_the_next_time_without() {
    let there = peers::Client::new("there-before", "the-secret-of-a-client-that-was-there");
    let scene = Scene::new(Options {
        clients: vec![there.clone()],
        ..Options::default()
    })
    .await;
    let token = scene.token(&there.id, &there.secret).await;
    let before = scene.client.get("/").bearer(&token).consistently(401).await;
    before.expect("nobody's client");
    let first = scene.link(&there.id).await;
    scene.client.get("/").bearer(&token).until(200).await;
    let path = format!("/v1/credentials/{}", first.id);
    scene::deleted_everywhere(&scene.admin, &path).await;
    let again = scene.link(&there.id).await;
    let shown = scene
        .admin
        .get(&format!("/v1/credentials/{}", again.id))
        .await;
    assert_ne!(shown["tokens_valid_from"], Value::Null);
    let refused = scene.client.get("/").bearer(&token).consistently(401).await;
    refused.expect("it was somebody else's");
}
