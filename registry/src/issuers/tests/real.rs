//! Claims about providers that others wrote.

use axum::http::Method;
use peers::{Client, DjangoToolkit, OidcProvider, Options};
use tokio::task::spawn_blocking;

use super::*;
use crate::{clock::SystemClock, outgoing::Call};

const CLIENT: &str = "jack";
const SECRET: &str = "the-secret-of-jack-which-is-long-enough";

fn options() -> Options {
    Options {
        clients: vec![Client::new(CLIENT, SECRET)],
        ..Options::default()
    }
}

/// A registry that knows the provider, with what the worker does done once.
async fn knowing(issuer: &str, tokens: &Value, secret: &str) -> (World, Arc<Issuers>) {
    let mut world = World::new().await;
    // Tokens of others end by the real time.
    world.env.clock = Arc::new(SystemClock);
    provider(&world, issuer, &json!({ "tokens": tokens }), secret).await;
    let issuers = Arc::new(Issuers::new(world.env.clone(), Arc::default()).unwrap());
    for provider in issuers.look().await.unwrap() {
        issuers.refresh_in_turn(&provider).await;
    }
    (world, issuers)
}

/// A token of the client.
async fn token(world: &World, endpoint: &str, form: &str) -> String {
    let address = endpoint.parse().unwrap();
    // What proves a client is written in the same way there.
    let call = introspection::call(address, (CLIENT, SECRET), "").unwrap();
    let call = Call {
        method: Method::POST,
        body: format!("grant_type=client_credentials&{form}").into(),
        ..call
    };
    let answer = world.env.outgoing.send(call).await.unwrap();
    let json: Value = serde_json::from_slice(&answer.body).unwrap();
    json["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{json}"))
        .to_owned()
}

async fn asked(issuers: &Arc<Issuers>, world: &World, issuer: &str, token: &str) -> Introspected {
    let entropy = world.env.entropy.as_ref();
    let question = Question {
        gateway: TokenId::generate(Timestamp::from_millis(1), entropy).unwrap(),
        token: SecretText::new(token.to_owned()),
        issuers: vec![issuer.to_owned()],
    };
    issuers.introspect(question).await.unwrap()
}

fn of_jack(answered: &Introspected) -> &ActiveToken {
    match answered {
        Introspected::Answered(IntrospectionAnswer::Active(token)) if token.client_id == CLIENT => {
            token
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn keys_and_introspection_of_oidc_provider() {
    let mut peer = spawn_blocking(|| OidcProvider::start(options()))
        .await
        .unwrap();
    let issuer = peer.issuer().to_owned();
    let (introspector, secret) = peer.options().introspector.clone();
    // Where its endpoints are, it publishes itself.
    let tokens = json!({"introspection": {"client_id": introspector}});
    let (world, issuers) = knowing(&issuer, &tokens, &secret).await;
    let mut read = world.env.store.read().await.unwrap();
    let before = read.issuer(&issuer).await.unwrap().unwrap().keys;
    assert_eq!(before.len(), 4, "RS256, ES256, PS256 and Ed25519");
    drop(read);

    let form = format!(
        "scope=orders%3Aread&resource={}",
        OidcProvider::resource("opaque")
    );
    let opaque = token(&world, &format!("{issuer}/token"), &form).await;
    let answered = asked(&issuers, &world, &issuer, &opaque).await;
    let known = of_jack(&answered);
    assert_eq!(known.scope.as_deref(), Some("orders:read"));
    assert_eq!(known.audiences, [OidcProvider::resource("opaque")]);
    let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
    assert_eq!(asked(&issuers, &world, &issuer, "invented").await, inactive);

    let peer = spawn_blocking(move || {
        peer.change_keys();
        peer
    });
    let mut peer = peer.await.unwrap();
    let answer = issuers
        .keys_for(&issuer, "invented")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.issuer.keys.len(), 4);
    assert!(before.iter().all(|key| !answer.issuer.keys.contains(key)));

    peer.stop();
    let answered = asked(&issuers, &world, &issuer, "another").await;
    assert!(
        matches!(answered, Introspected::Unavailable(_)),
        "{answered:?}"
    );
}

#[tokio::test]
async fn introspection_of_django_oauth_toolkit() {
    let peer = spawn_blocking(|| DjangoToolkit::start(options()))
        .await
        .unwrap();
    let issuer = peer.issuer().to_owned();
    let (introspector, secret) = peer.options().introspector.clone();
    let tokens = json!({"introspection": {"endpoint": format!("{issuer}/introspect/"), "client_id": introspector,
        "audience": "https://api.example.test/"}});
    let (world, issuers) = knowing(&issuer, &tokens, &secret).await;
    let opaque = token(&world, &format!("{issuer}/token/"), "scope=orders%3Aread").await;
    let answered = asked(&issuers, &world, &issuer, &opaque).await;
    let known = of_jack(&answered);
    assert_eq!(known.scope.as_deref(), Some("orders:read"));
    assert_eq!(known.audiences, ["https://api.example.test/"]);
    let answered = asked(&issuers, &world, &issuer, "invented").await;
    assert!(
        !matches!(
            answered,
            Introspected::Answered(IntrospectionAnswer::Active(_))
        ),
        "{answered:?}"
    );
}
