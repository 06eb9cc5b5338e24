use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::{
    feed::Issuer,
    jwt::{Expected, Token, key},
};
use serde_json::{Value, json};

use super::{
    access_token::AccessToken,
    authenticate::Presented,
    client::{self, CLIENT_CREDENTIALS},
    desk::Desk,
    error::{Code, OauthError},
    inspect,
    token::{self, TokenRequest},
    upkeep, *,
};
use crate::{
    application::ApplicationPatch,
    credential::{CredentialPatch, NewSecret},
    ids::CredentialId,
    jwks::Ring,
    oauth_client::metadata::ClientMetadata,
    provider::{self, registrar::Registered},
    secrets::SecretText,
    testing::{HOUR, World},
};

mod assertions;
mod opaque;

const ISSUER: &str = "https://keys.example";

/// A registry with its authorization server, and one client.
struct Server {
    world: World,
    desk: Desk,
    credential: CredentialId,
    client: Registered,
}

impl Server {
    async fn new() -> Self {
        Self::with(ClientMetadata {
            grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
            ..ClientMetadata::default()
        })
        .await
    }

    async fn with(metadata: ClientMetadata) -> Self {
        let world = World::new().await;
        let env = &world.env;
        provider::adopt(env).await.unwrap();
        upkeep::tend(env).await.unwrap();
        let application = world.application("jack").await;
        let mut new = World::new_credential(application, "client", NewSecret::GeneratedApiKey);
        new.scopes = Vec::new();
        let issued = world.issue(new).await.unwrap();
        let credential = issued.detail.credential.id;
        let mut write = env.store.write().await.unwrap();
        let format = TokenFormat::Jwt;
        let client = client::register(env, write.as_mut(), credential, &metadata, format);
        let client = client.await.unwrap();
        env.commit(write).await.unwrap();
        Self {
            world,
            desk: Desk::new(60),
            credential,
            client,
        }
    }

    fn presented(&self) -> Presented {
        Presented::Basic {
            client_id: self.client.client_id.clone(),
            secret: self.client.client_secret.clone().unwrap(),
        }
    }

    fn request(&self) -> TokenRequest {
        TokenRequest {
            grant_type: CLIENT_CREDENTIALS.to_owned(),
            scope: None,
            resources: Vec::new(),
            presented: self.presented(),
            source: "192.0.2.1".to_owned(),
        }
    }

    async fn ask(&self, request: TokenRequest) -> Result<AccessToken, OauthError> {
        token::issue(&self.world.env, &self.desk, request).await
    }

    async fn token(&self) -> String {
        let issued = self.ask(self.request()).await.unwrap();
        issued.text.expose().to_owned()
    }

    async fn is_active(&self, token: &str) -> bool {
        let who = (&self.presented(), "192.0.2.1");
        let found = inspect::introspect(&self.world.env, &self.desk, who, token).await;
        found.unwrap().is_some()
    }

    async fn revoke(&self, token: &str) {
        let who = (&self.presented(), "192.0.2.1");
        let done = inspect::revoke(&self.world.env, &self.desk, who, token).await;
        done.unwrap();
    }

    /// What gateways are told.
    async fn told(&self) -> Option<Issuer> {
        let mut read = self.world.env.store.read().await.unwrap();
        read.issuer(ISSUER).await.unwrap()
    }

    /// Whether a gateway finds the token's signature and claims good.
    async fn passes(&self, token: &str, audience: &str) -> bool {
        let Some(issuer) = self.told().await else {
            return false;
        };
        let token = Token::parse(token.as_bytes()).unwrap();
        assert!(token.signed.header.is_access_token());
        let Ok(key) = key::find(&issuer.keys, &token.signed.header) else {
            return false;
        };
        let expected = Expected {
            issuer: ISSUER,
            audiences: &[audience.to_owned()],
            leeway_ms: 0,
            now_ms: self.world.env.now().as_millis(),
        };
        let is_revoked = issuer.revoked.contains(&token.signed.digest());
        token.signed.verify(key, &Ring).is_ok()
            && token.claims.check(&expected).is_ok()
            && token.claims.client(issuer.client_claim) == Ok(&self.client.client_id)
            && !is_revoked
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, OauthError>, expected: Code) {
    match answer {
        Err(OauthError::Refused { code, .. }) => assert_eq!(code, expected),
        other => panic!("{other:?}"),
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_gets_a_token_that_gateways_take_until_it_ends() {
    let server = Server::new().await;
    let token = server.token().await;
    assert!(server.passes(&token, ISSUER).await);
    assert!(!server.passes(&token, "https://other.example").await);
    let claims = claims(&token);
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["sub"], claims["client_id"]);
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        300
    );
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    assert!(server.is_active(&token).await);
    server.world.clock.advance(HOUR);
    assert!(!server.passes(&token, ISSUER).await);
    assert!(!server.is_active(&token).await);
}

#[tokio::test]
async fn whoever_has_not_proven_himself_gets_nothing() {
    let server = Server::new().await;
    let id = server.client.client_id.clone();
    let secret = server.client.client_secret.clone().unwrap();
    let wrong = || SecretText::new("ks_cs_wrong".to_owned());
    for presented in [
        Presented::Basic {
            client_id: id.clone(),
            secret: wrong(),
        },
        Presented::Basic {
            client_id: "nobody".to_owned(),
            secret: secret.clone(),
        },
        Presented::Basic {
            client_id: "a\0b".to_owned(),
            secret: secret.clone(),
        },
        // It is registered for the other way.
        Presented::Post {
            client_id: id.clone(),
            secret,
        },
        Presented::Assertion {
            client_id: None,
            assertion: "a.b.c".to_owned(),
        },
    ] {
        let request = TokenRequest {
            presented,
            ..server.request()
        };
        refused(server.ask(request).await, Code::InvalidClient);
    }
}

#[tokio::test]
async fn a_client_that_is_not_honoured_gets_nothing_and_its_tokens_are_not_active() {
    let server = Server::new().await;
    let token = server.token().await;
    let env = &server.world.env;
    let caller = server.world.caller();
    let switch = |enabled| CredentialPatch {
        enabled: Some(enabled),
        ..CredentialPatch::default()
    };
    let id = server.credential;
    crate::credential::update(env, caller, id, None, switch(false))
        .await
        .unwrap();
    refused(server.ask(server.request()).await, Code::InvalidClient);
    let who = (&server.presented(), "192.0.2.1");
    refused(
        inspect::introspect(env, &server.desk, who, &token).await,
        Code::InvalidClient,
    );
    crate::credential::update(env, caller, id, None, switch(true))
        .await
        .unwrap();
    assert!(server.is_active(&token).await);
    let mut read = env.store.read().await.unwrap();
    let application = read.credential(id).await.unwrap().unwrap().application;
    drop(read);
    let disabled = ApplicationPatch {
        enabled: Some(false),
        ..ApplicationPatch::default()
    };
    let done = crate::application::update(env, caller, application, None, disabled).await;
    done.unwrap();
    refused(server.ask(server.request()).await, Code::InvalidClient);
}

#[tokio::test]
async fn a_client_gets_no_more_than_it_may() {
    let mut metadata = ClientMetadata {
        grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
        ..ClientMetadata::default()
    };
    let resources = json!(["https://orders.example", "https://stock.example"]);
    metadata
        .other
        .insert("resources".to_owned(), resources.clone());
    let server = Server::with(metadata).await;
    assert_eq!(claims(&server.token().await)["aud"], resources);
    let one = TokenRequest {
        resources: vec!["https://orders.example".to_owned()],
        ..server.request()
    };
    let token = server.ask(one).await.unwrap();
    assert_eq!(claims(token.text.expose())["aud"], "https://orders.example");
    let elsewhere = TokenRequest {
        resources: vec!["https://bank.example".to_owned()],
        ..server.request()
    };
    refused(server.ask(elsewhere).await, Code::InvalidTarget);
    let scope = |scope: &str| TokenRequest {
        scope: Some(scope.to_owned()),
        ..server.request()
    };
    refused(server.ask(scope("admin")).await, Code::InvalidScope);
    refused(server.ask(scope("a\"b")).await, Code::InvalidScope);
    let grant = TokenRequest {
        grant_type: "password".to_owned(),
        ..server.request()
    };
    refused(server.ask(grant).await, Code::UnsupportedGrantType);
}

#[tokio::test]
async fn a_client_gets_its_share_of_tokens_and_then_has_to_wait() {
    let server = Server::new().await;
    for _ in 0..60 {
        server.token().await;
    }
    let answer = server.ask(server.request()).await;
    assert!(
        matches!(answer, Err(OauthError::Limited { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_revoked_token_is_told_to_gateways_until_it_would_have_ended() {
    let server = Server::new().await;
    let (token, other) = (server.token().await, server.token().await);
    server.revoke(&token).await;
    server.revoke(&token).await;
    server.revoke("no token").await;
    assert!(!server.passes(&token, ISSUER).await);
    assert!(!server.is_active(&token).await);
    assert!(server.passes(&other, ISSUER).await);
    assert_eq!(server.told().await.unwrap().revoked.len(), 1);
    server.world.clock.advance(HOUR);
    upkeep::tend(&server.world.env).await.unwrap();
    assert_eq!(server.told().await.unwrap().revoked.len(), 0);
}

#[tokio::test]
async fn a_client_neither_learns_of_anothers_token_nor_revokes_it() {
    let one = Server::new().await;
    let token = one.token().await;
    let env = &one.world.env;
    let mut write = env.store.write().await.unwrap();
    let metadata = one.client.metadata.clone();
    let other = client::register(
        env,
        write.as_mut(),
        one.credential,
        &metadata,
        TokenFormat::Jwt,
    );
    let other = other.await.unwrap();
    env.commit(write).await.unwrap();
    let presented = Presented::Basic {
        client_id: other.client_id,
        secret: other.client_secret.unwrap(),
    };
    let who = (&presented, "192.0.2.1");
    let found = inspect::introspect(env, &one.desk, who, &token)
        .await
        .unwrap();
    assert!(found.is_none());
    inspect::revoke(env, &one.desk, who, &token).await.unwrap();
    assert!(one.is_active(&token).await);
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_nothing_is_left_that_it_signed() {
    let server = Server::new().await;
    let env = &server.world.env;
    let kid = |token: &str| {
        let token = Token::parse(token.as_bytes()).unwrap();
        token.signed.header.key_id.unwrap()
    };
    let before = server.token().await;
    let next = upkeep::rotate(env, server.world.caller()).await.unwrap();
    let again = upkeep::rotate(env, server.world.caller()).await.unwrap();
    assert_eq!(
        next.id, again.id,
        "one that nobody uses yet is not replaced"
    );
    assert_eq!(server.told().await.unwrap().keys.len(), 2);
    assert_eq!(kid(&server.token().await), kid(&before));
    server.world.clock.advance(signing::PUBLISHED_BEFORE);
    let after = server.token().await;
    assert_eq!(kid(&after), next.id.to_string());
    assert!(server.passes(&after, ISSUER).await);
    upkeep::tend(env).await.unwrap();
    assert_eq!(server.told().await.unwrap().keys.len(), 2);
    server.world.clock.advance(upkeep::LONGEST_LIFE * 2);
    upkeep::tend(env).await.unwrap();
    assert_eq!(server.told().await.unwrap().keys.len(), 1);
}

#[tokio::test]
async fn a_key_is_followed_by_another_when_its_time_is_over() {
    let server = Server::new().await;
    let env = &server.world.env;
    server.world.clock.advance(env.access_tokens.key_life);
    upkeep::tend(env).await.unwrap();
    upkeep::tend(env).await.unwrap();
    assert_eq!(server.told().await.unwrap().keys.len(), 2);
}

#[tokio::test]
async fn while_the_server_is_switched_off_it_gives_nothing_and_its_tokens_are_refused() {
    let server = Server::new().await;
    let token = server.token().await;
    let env = &server.world.env;
    let mut write = env.store.write().await.unwrap();
    let mut builtin = write
        .provider_named(provider::BUILTIN)
        .await
        .unwrap()
        .unwrap();
    builtin.enabled = false;
    write.update_provider(&builtin).await.unwrap();
    env.commit(write).await.unwrap();
    upkeep::tend(env).await.unwrap();
    assert!(!server.passes(&token, ISSUER).await);
    refused(server.ask(server.request()).await, Code::UnauthorizedClient);
}

#[tokio::test]
async fn under_another_public_url_tokens_in_the_old_name_are_refused() {
    let mut server = Server::new().await;
    let token = server.token().await;
    server.world.env.public_url = Some("https://new.example".into());
    provider::adopt(&server.world.env).await.unwrap();
    upkeep::tend(&server.world.env).await.unwrap();
    assert_eq!(server.told().await, None);
    assert!(!server.is_active(&token).await);
    let token = server.token().await;
    assert_eq!(claims(&token)["iss"], "https://new.example");
    assert!(server.is_active(&token).await);
}

#[tokio::test]
async fn tokens_of_before_a_cut_off_are_not_active_and_those_after_it_are() {
    let server = Server::new().await;
    let before = server.token().await;
    let env = &server.world.env;
    server
        .world
        .clock
        .advance(std::time::Duration::from_millis(1_500));
    let mut write = env.store.write().await.unwrap();
    let mut credential = write.credential(server.credential).await.unwrap().unwrap();
    credential.tokens_valid_from = Some(env.now());
    write.update_credential(&credential).await.unwrap();
    env.commit(write).await.unwrap();
    assert!(!server.is_active(&before).await);
    let after = server.token().await;
    assert!(server.is_active(&after).await, "in the same second");
}
