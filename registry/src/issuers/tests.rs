//! Claims about what is fetched from providers, and what is asked of them.

mod fake;
mod real;

use std::time::Duration;

use filter_core::{
    gateway::access_tokens::{ActiveToken, IntrospectionAnswer},
    key::{PlainSecret, SecretType},
};
use serde_json::{Value, json};

use self::fake::Fake;
use super::*;
use crate::{
    error::Error,
    ids::TokenId,
    provider::{Provider, ProviderKind, registrar::ProviderErrorKind},
    sealing::Place,
    secrets::SecretText,
    testing::World,
};

const ISSUER: &str = "https://id.example";

/// A registry with one provider.
struct Scene {
    world: World,
    issuers: Arc<Issuers>,
    fake: Arc<Fake>,
    provider: Provider,
}

impl Scene {
    async fn new(tokens: Value) -> Self {
        let (world, fake) = (World::new().await, Fake::start().await);
        let issuers = Issuers::new(world.env.clone(), Arc::default()).unwrap();
        let mut tokens = tokens;
        for (pointer, path) in [
            ("/jwks_uri", "/jwks"),
            ("/introspection/endpoint", "/introspect"),
        ] {
            if let Some(place) = tokens.pointer_mut(pointer) {
                *place = json!(format!("{}{path}", fake.address));
            }
        }
        // One behind a bridge publishes nothing of itself.
        let configuration = if tokens.get("jwks_uri").is_some() {
            json!({ "tokens": tokens })
        } else {
            json!({"base_url": fake.address, "dialect": "api7", "tokens": tokens})
        };
        let provider = provider(&world, ISSUER, &configuration, "hush").await;
        fake.answers("/jwks", "", &set(&["one"]));
        Self {
            issuers: Arc::new(issuers),
            world,
            fake,
            provider,
        }
    }

    async fn with_keys() -> Self {
        Self::new(json!({"jwks_uri": ""})).await
    }

    /// A registry that talks to this machine, and finds what names stand for by `resolver`.
    fn resolving(&mut self, resolver: Arc<dyn crate::outgoing::Resolve>) {
        let policy = crate::outgoing::Policy {
            allowed: vec!["127.0.0.0/8".parse().unwrap()],
        };
        let trusted = crate::outgoing::trust(None).unwrap();
        self.world.env.outgoing = crate::outgoing::Outgoing::new(policy, resolver, trusted);
        let issuers = Issuers::new(self.world.env.clone(), Arc::default()).unwrap();
        self.issuers = Arc::new(issuers);
    }

    async fn introspecting() -> Self {
        Self::new(json!({"introspection": {"endpoint": "", "client_id": "registry"}})).await
    }

    /// What the worker does once.
    async fn look(&self) {
        for provider in self.issuers.look().await.unwrap() {
            self.issuers.refresh_in_turn(&provider).await;
        }
    }

    /// The names of the keys that gateways are told of; `None` without the issuer.
    async fn told(&self) -> Option<Vec<String>> {
        let mut read = self.world.env.store.read().await.unwrap();
        let issuer = read.issuer(ISSUER).await.unwrap()?;
        let keys = issuer.keys.into_iter();
        Some(keys.filter_map(|key| key.id).collect())
    }

    async fn change(&mut self, change: impl FnOnce(&mut Provider)) {
        change(&mut self.provider);
        self.provider.version += 1;
        let mut write = self.world.env.store.write().await.unwrap();
        write.update_provider(&self.provider).await.unwrap();
        self.world.env.commit(write).await.unwrap();
    }

    fn question(&self, token: &str) -> Question {
        let entropy = self.world.env.entropy.as_ref();
        Question {
            gateway: TokenId::generate(Timestamp::from_millis(1), entropy).unwrap(),
            token: SecretText::new(token.to_owned()),
            issuers: vec![ISSUER.to_owned()],
        }
    }

    async fn introspect(&self, token: &str) -> Introspected {
        self.issuers.introspect(self.question(token)).await.unwrap()
    }
}

async fn provider(world: &World, issuer: &str, configuration: &Value, secret: &str) -> Provider {
    let env = &world.env;
    let (id, now) = (
        ProviderId::generate(env.now(), env.entropy.as_ref()).unwrap(),
        env.now(),
    );
    let mut write = env.store.write().await.unwrap();
    let sealer = env.sealer(write.as_mut()).await.unwrap();
    let row = id.to_string();
    let place = Place {
        column: "identity_providers.sealed",
        row: &row,
    };
    let secrets = json!({"introspection_client_secret": secret}).to_string();
    let provider = Provider {
        id,
        name: "elsewhere".to_owned(),
        kind: match configuration.get("base_url") {
            None => ProviderKind::Oidc,
            Some(_) => ProviderKind::HttpBridge,
        },
        issuer: Some(issuer.to_owned()),
        description: String::new(),
        enabled: true,
        configuration: configuration.to_string(),
        sealed: Some(
            sealer
                .seal(place, secrets.as_bytes(), env.entropy.as_ref())
                .unwrap(),
        ),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    write.insert_provider(&provider).await.unwrap();
    env.commit(write).await.unwrap();
    provider
}

/// A set of keys with these names.
fn set(names: &[&str]) -> String {
    let key = |name: &&str| {
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": name,
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"})
    };
    json!({"keys": names.iter().map(key).collect::<Vec<_>>()}).to_string()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_providers_keys_reach_gateways_and_are_fetched_again_when_they_are_no_longer_fresh() {
    let scene = Scene::with_keys().await;
    scene
        .fake
        .answers("/jwks", "cache-control: max-age=120\r\n", &set(&["one"]));
    scene.look().await;
    assert_eq!(scene.told().await, Some(names(&["one"])));
    scene.fake.answers("/jwks", "", &set(&["one", "two"]));
    scene.world.clock.advance(Duration::from_secs(119));
    scene.look().await;
    assert_eq!(scene.fake.requests().len(), 1);
    scene.world.clock.advance(Duration::from_secs(1));
    scene.look().await;
    assert_eq!(scene.told().await, Some(names(&["one", "two"])));
}

#[tokio::test]
async fn the_same_keys_are_told_once() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    let revision = scene.world.env.store.revision();
    scene.world.clock.advance(Duration::from_hours(1));
    scene.look().await;
    assert_eq!(scene.fake.requests().len(), 2);
    assert_eq!(scene.world.env.store.revision(), revision);
}

#[tokio::test]
async fn the_last_good_set_stays_while_the_provider_fails_or_answers_garbage() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    for body in [None, Some("<html>"), Some("{}")] {
        match body {
            None => scene.fake.fails("/jwks"),
            Some(body) => scene.fake.answers("/jwks", "", body),
        }
        scene.world.clock.advance(Duration::from_hours(1));
        scene.look().await;
        assert_eq!(scene.told().await, Some(names(&["one"])));
    }
    let state = scene.issuers.state_of(scene.provider.id).unwrap();
    assert_eq!((state.failures, state.keys), (3, 1));
    assert!(state.last_error.is_some());
    // After ever longer pauses.
    scene.look().await;
    assert_eq!(scene.fake.requests().len(), 4);
    scene.fake.answers("/jwks", "", &set(&["two"]));
    scene.world.clock.advance(Duration::from_secs(8));
    scene.look().await;
    assert_eq!(scene.told().await, Some(names(&["two"])));
    assert_eq!(
        scene.issuers.state_of(scene.provider.id).unwrap().failures,
        0
    );
}

#[tokio::test]
async fn tokens_of_a_disabled_provider_are_not_accepted_any_more() {
    let mut scene = Scene::with_keys().await;
    scene.look().await;
    scene.change(|provider| provider.enabled = false).await;
    scene.look().await;
    assert_eq!(scene.told().await, None);
    scene.change(|provider| provider.enabled = true).await;
    scene.look().await;
    assert_eq!(scene.told().await, Some(names(&["one"])));
}

#[tokio::test]
async fn a_change_of_the_provider_counts_at_once_and_what_was_revoked_stays_revoked() {
    let mut scene = Scene::with_keys().await;
    scene.look().await;
    let mut write = scene.world.env.store.write().await.unwrap();
    let mut issuer = write.issuer(ISSUER).await.unwrap().unwrap();
    issuer.revoked = vec![[7; 16]];
    write.put_issuer(&issuer).await.unwrap();
    scene.world.env.commit(write).await.unwrap();
    let changed = scene
        .provider
        .configuration
        .replacen('{', r#"{"registration":{},"#, 1);
    let changed = changed.replace("jwks_uri", r#"typed":false,"jwks_uri"#);
    scene
        .change(|provider| provider.configuration = changed)
        .await;
    scene.look().await;
    let mut read = scene.world.env.store.read().await.unwrap();
    let issuer = read.issuer(ISSUER).await.unwrap().unwrap();
    assert!(!issuer.types_its_tokens);
    assert_eq!((issuer.revoked, issuer.keys.len()), (vec![[7; 16]], 1));
}

#[tokio::test]
async fn a_key_that_nobody_has_heard_of_is_asked_for_once_in_a_while() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    scene.fake.answers("/jwks", "", &set(&["two"]));
    let answer = scene
        .issuers
        .keys_for(ISSUER, "two")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer.issuer.keys[0].id.as_deref(), Some("two"));
    assert_eq!(answer.revision, scene.world.env.store.revision());
    assert_eq!(scene.told().await, Some(names(&["two"])));
    for invented in ["three", "four"] {
        let answer = scene.issuers.keys_for(ISSUER, invented).await.unwrap();
        assert_eq!(answer.unwrap().issuer.keys.len(), 1);
    }
    assert_eq!(scene.fake.requests().len(), 2);
    scene.world.clock.advance(Duration::from_secs(30));
    scene.issuers.keys_for(ISSUER, "five").await.unwrap();
    assert_eq!(scene.fake.requests().len(), 3);
    assert_eq!(
        scene
            .issuers
            .keys_for("https://nobody.example", "one")
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn many_who_ask_for_a_key_at_once_are_one_request() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    scene.fake.answers("/jwks", "", &set(&["two"]));
    let asking = (0..20).map(|_| scene.issuers.keys_for(ISSUER, "two"));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(
            answer.unwrap().unwrap().issuer.keys[0].id.as_deref(),
            Some("two")
        );
    }
    assert_eq!(scene.fake.requests().len(), 2);
}

#[tokio::test]
async fn while_the_provider_is_down_known_keys_are_told_and_others_are_not_denied() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    scene.fake.fails("/jwks");
    assert!(
        scene
            .issuers
            .keys_for(ISSUER, "one")
            .await
            .unwrap()
            .is_some()
    );
    for _ in 0..2 {
        let refused = scene.issuers.keys_for(ISSUER, "two").await;
        assert!(
            matches!(&refused, Err(Error::Provider(error)) if error.kind == ProviderErrorKind::Unavailable),
            "{refused:?}"
        );
    }
    assert_eq!(scene.fake.requests().len(), 2);
}

const ACTIVE: &str = r#"{"active":true,"client_id":"jack","scope":"orders:read"}"#;

#[tokio::test]
async fn a_token_that_says_nothing_is_asked_about_with_the_registrys_credentials() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    assert_eq!(scene.told().await, Some(names(&[])));
    scene.fake.answers("/introspect", "", ACTIVE);
    let answered = scene.introspect("foreign").await;
    let token = ActiveToken {
        issuer: ISSUER.to_owned(),
        client_id: "jack".to_owned(),
        scope: Some("orders:read".to_owned()),
        audiences: Vec::new(),
        expires_at: None,
        not_before: None,
        issued_at: None,
    };
    assert_eq!(
        answered,
        Introspected::Answered(IntrospectionAnswer::Active(token))
    );
    let asked = scene.fake.requests().pop().unwrap();
    assert!(asked.starts_with("POST /introspect "), "{asked}");
    // base64("registry:hush")
    assert!(asked.contains("Basic cmVnaXN0cnk6aHVzaA=="), "{asked}");
    assert!(
        asked.ends_with("token=foreign&token_type_hint=access_token"),
        "{asked}"
    );
}

#[tokio::test]
async fn an_answer_is_remembered_for_seconds() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    scene.fake.answers("/introspect", "", ACTIVE);
    let first = scene.introspect("foreign").await;
    scene.fake.answers("/introspect", "", r#"{"active":false}"#);
    assert_eq!(scene.introspect("foreign").await, first);
    scene.world.clock.advance(Duration::from_secs(5));
    let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
    assert_eq!(scene.introspect("foreign").await, inactive);
    assert_eq!(scene.fake.requests().len(), 2);
}

#[tokio::test]
async fn an_answer_is_never_remembered_beyond_the_tokens_end() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    let end = scene.world.env.now().as_millis() / 1000 + 2;
    let body = format!(r#"{{"active":true,"client_id":"jack","exp":{end}}}"#);
    scene.fake.answers("/introspect", "", &body);
    scene.introspect("foreign").await;
    scene.world.clock.advance(Duration::from_secs(2));
    let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
    assert_eq!(scene.introspect("foreign").await, inactive);
}

#[tokio::test]
async fn many_who_ask_about_a_token_at_once_are_one_request() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    scene.fake.answers("/introspect", "", ACTIVE);
    scene.fake.hold();
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (issuers, question) = (Arc::clone(&scene.issuers), scene.question("foreign"));
            tokio::spawn(async move { issuers.introspect(question).await })
        })
        .collect();
    while scene.fake.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    scene.fake.go_on();
    for answer in asking {
        let answer = answer.await.unwrap().unwrap();
        assert!(matches!(
            answer,
            Introspected::Answered(IntrospectionAnswer::Active(_))
        ));
    }
    assert_eq!(scene.fake.requests().len(), 1);
}

#[tokio::test]
async fn no_value_of_the_registrys_own_shape_is_shown_to_a_provider() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    scene.fake.answers("/introspect", "", ACTIVE);
    let own = PlainSecret::generate("ks", SecretType::BearerToken, &[7; 64]).unwrap();
    let mistyped = format!("{}x", own.expose());
    for token in [own.expose(), &mistyped] {
        let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
        assert_eq!(scene.introspect(token).await, inactive);
    }
    assert!(scene.fake.requests().is_empty());
}

#[tokio::test]
async fn a_jwt_is_judged_by_the_keys_of_its_issuer_and_not_asked_about() {
    let tokens =
        json!({"jwks_uri": "", "introspection": {"endpoint": "", "client_id": "registry"}});
    let scene = Scene::new(tokens).await;
    scene.look().await;
    scene.fake.answers("/introspect", "", ACTIVE);
    let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
    assert_eq!(scene.introspect("a.b.c").await, inactive);
    assert_ne!(scene.introspect("opaque").await, inactive);
}

#[tokio::test]
async fn a_provider_that_fails_has_not_said_no() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    for body in [
        None,
        Some("<html>"),
        Some(r#"{"active":"true","client_id":"jack"}"#),
    ] {
        match body {
            None => scene.fake.fails("/introspect"),
            Some(body) => scene.fake.answers("/introspect", "", body),
        }
        let answered = scene.introspect("foreign").await;
        // A gateway is told to come back, whatever went wrong.
        let Introspected::Unavailable(error) = answered else {
            panic!("{answered:?}");
        };
        assert_eq!(error.kind, ProviderErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn questions_about_an_issuer_are_limited() {
    let scene = Scene::introspecting().await;
    scene.look().await;
    scene.fake.answers("/introspect", "", r#"{"active":false}"#);
    let gateway = scene.question("").gateway;
    let mut limited = 0;
    for number in 0..25 {
        let question = Question {
            gateway,
            ..scene.question(&format!("foreign-{number}"))
        };
        let answered = scene.issuers.introspect(question).await.unwrap();
        limited += usize::from(matches!(answered, Introspected::Limited(_)));
    }
    assert_eq!((limited, scene.fake.requests().len()), (5, 20));
    // Another gateway is not the worse for it.
    let inactive = Introspected::Answered(IntrospectionAnswer::Inactive);
    assert_eq!(scene.introspect("foreign").await, inactive);
}

#[tokio::test]
async fn issuers_that_are_gone_or_are_not_asked_vouch_for_nothing() {
    let scene = Scene::with_keys().await;
    scene.look().await;
    let mut question = scene.question("foreign");
    question.issuers.push("https://nobody.example".to_owned());
    let answered = scene.issuers.introspect(question).await.unwrap();
    assert_eq!(
        answered,
        Introspected::Answered(IntrospectionAnswer::Inactive)
    );
}

/// A registry that knows a provider by what it publishes of itself.
async fn publishing(introspection: &str) -> (World, Arc<Issuers>, Arc<Fake>) {
    let (world, fake) = (World::new().await, Fake::start().await);
    let metadata = json!({"issuer": fake.address, "jwks_uri": format!("{}/jwks", fake.address),
        "introspection_endpoint": introspection.replace("HOME", &fake.address)});
    let place = "/.well-known/openid-configuration";
    fake.answers(place, "", &metadata.to_string());
    fake.answers("/jwks", "", &set(&["one"]));
    fake.answers("/introspect", "", ACTIVE);
    let configuration = json!({"tokens": {"introspection": {"client_id": "registry"}}});
    provider(&world, &fake.address, &configuration, "hush").await;
    let issuers = Arc::new(Issuers::new(world.env.clone(), Arc::default()).unwrap());
    for provider in issuers.look().await.unwrap() {
        issuers.refresh_in_turn(&provider).await;
    }
    (world, issuers, fake)
}

async fn introspected(introspection: &str) -> Introspected {
    let (world, issuers, fake) = publishing(introspection).await;
    let issuer = fake.address.clone();
    let keys = issuers.keys_for(&issuer, "one").await.unwrap().unwrap();
    assert_eq!(keys.issuer.keys.len(), 1);
    let gateway = TokenId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    let question = Question {
        gateway,
        token: SecretText::new("foreign".to_owned()),
        issuers: vec![issuer],
    };
    issuers.introspect(question).await.unwrap()
}

#[tokio::test]
async fn where_nothing_is_configured_the_provider_says_where_its_endpoints_are() {
    let answered = introspected("HOME/introspect").await;
    assert!(
        matches!(
            answered,
            Introspected::Answered(IntrospectionAnswer::Active(_))
        ),
        "{answered:?}"
    );
}

#[tokio::test]
async fn credentials_do_not_go_to_another_origin_that_a_provider_names() {
    let other = Fake::start().await;
    other.answers("/introspect", "", ACTIVE);
    let answered = introspected(&format!("{}/introspect", other.address)).await;
    assert!(
        matches!(answered, Introspected::Unavailable(_)),
        "{answered:?}"
    );
    assert!(other.requests().is_empty());
}

/// Every name is the address of the cloud's metadata service, written as IPv6.
#[derive(Debug)]
struct Metadata;

#[async_trait::async_trait]
impl crate::outgoing::Resolve for Metadata {
    async fn addresses(&self, _: &str, port: u16) -> std::io::Result<Vec<std::net::SocketAddr>> {
        let address = "::ffff:169.254.169.254".parse().unwrap();
        Ok(vec![std::net::SocketAddr::new(address, port)])
    }
}

#[tokio::test]
async fn no_key_set_is_fetched_from_the_registrys_own_network_whatever_name_leads_there() {
    let mut scene = Scene::with_keys().await;
    scene.resolving(Arc::new(Metadata));
    scene
        .change(|provider| {
            let tokens = json!({"jwks_uri": "https://keys.example/jwks"});
            provider.configuration = json!({ "tokens": tokens }).to_string();
        })
        .await;
    scene.look().await;
    let error = scene
        .issuers
        .state_of(scene.provider.id)
        .unwrap()
        .last_error;
    let error = error.unwrap();
    assert!(error.contains("does not talk to"), "{error}");
    assert_ne!(scene.told().await, Some(vec!["one".to_owned()]));
}
