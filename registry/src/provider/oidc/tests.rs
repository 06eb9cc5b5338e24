use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    clock::Timestamp,
    entropy::SeededEntropy,
    ids::{OperationId, ProviderId},
    outgoing::{Policy, trust},
    provider::{
        ProviderKind,
        configuration::{FetchedToken, HeaderSecret, Registration},
    },
    testing::{
        World,
        peer::{Peer, Reply, Seen},
    },
};

mod failures;
mod proof;
mod real;

fn marker() -> Marker {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let entropy = SeededEntropy::new(1);
    Marker {
        provider: ProviderId::generate(at, &entropy).unwrap(),
        operation: OperationId::generate(at, &entropy).unwrap(),
    }
}

fn provider(issuer: &str) -> Provider {
    let at = Timestamp::from_millis(1_800_000_000_000);
    Provider {
        id: ProviderId::generate(at, &SeededEntropy::new(2)).unwrap(),
        name: "id".to_owned(),
        kind: ProviderKind::Oidc,
        issuer: Some(issuer.to_owned()),
        description: String::new(),
        enabled: true,
        configuration: "{}".to_owned(),
        sealed: None,
        created_at: at,
        updated_at: at,
        version: 1,
    }
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.initial_access_token = Some("let-me-in".to_owned());
    let header = HeaderSecret("tenant-1".to_owned());
    secrets.headers.insert("X-Tenant".to_owned(), header);
    secrets
}

fn metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: Some("shop".to_owned()),
        grant_types: vec!["client_credentials".to_owned()],
        token_endpoint_auth_method: Some("client_secret_basic".to_owned()),
        scope: Some("orders:read".to_owned()),
        ..ClientMetadata::default()
    }
}

/// A provider that answers at `/reg` as `answer` says, and publishes that.
async fn publishing(answer: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Peer {
    Peer::start(move |seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            "/.well-known/openid-configuration" => Reply::json(200, &document(&here)),
            _ => answer(seen, &here),
        }
    })
    .await
}

fn document(here: &str) -> Value {
    json!({
        "issuer": here, "registration_endpoint": format!("{here}/reg"), "token_endpoint": format!("{here}/token"),
        "jwks_uri": format!("{here}/keys"),
    })
}

fn client(here: &str, more: &Value) -> Value {
    let mut client = json!({
        "client_id": "c1", "client_secret": "hush", "registration_access_token": "rat-1",
        "registration_client_uri": format!("{here}/reg/c1"), "grant_types": ["client_credentials"],
    });
    for (name, value) in more.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

fn known(here: &str) -> Known {
    Known {
        client_id: "c1".to_owned(),
        registration_client_uri: Some(format!("{here}/reg/c1")),
        registration_access_token: Some(SecretText::new("rat-1".to_owned())),
    }
}

fn oidc(world: &World, issuer: &str, registration: Registration, secrets: &Secrets) -> Oidc {
    let configuration = configuration::Oidc {
        registration,
        ..configuration::Oidc::default()
    };
    Oidc::new(&world.env, &provider(issuer), &configuration, secrets).unwrap()
}

fn plain(world: &World, issuer: &str) -> Oidc {
    oidc(world, issuer, Registration::default(), &secrets())
}

#[tokio::test]
async fn a_client_is_registered_where_the_provider_says_and_bears_the_mark() {
    let world = World::sqlite().await;
    let peer =
        publishing(|_, here| Reply::json(201, &client(here, &json!({"scope": "less"})))).await;
    let registered = plain(&world, &peer.url)
        .register(&metadata(), marker())
        .await
        .unwrap();
    assert_eq!(registered.client_id, "c1");
    assert_eq!(registered.client_secret.unwrap().expose(), "hush");
    assert_eq!(registered.client_secret_expires_at, None);
    assert_eq!(
        registered.registration_access_token.unwrap().expose(),
        "rat-1"
    );
    // What is answered counts.
    assert_eq!(registered.metadata.scope.as_deref(), Some("less"));
    let seen = peer.seen();
    assert_eq!(
        peer.lines(),
        ["GET /.well-known/openid-configuration", "POST /reg"]
    );
    assert_eq!(seen[0].header("authorization"), None);
    assert_eq!(seen[0].header("x-tenant"), None);
    assert_eq!(seen[1].header("authorization"), Some("Bearer let-me-in"));
    assert_eq!(seen[1].header("x-tenant"), Some("tenant-1"));
    let sent = seen[1].json();
    assert_eq!(sent["software_id"], marker().software());
    assert_eq!(sent["response_types"], json!([]));
    assert!(sent.get("redirect_uris").is_none());
}

#[tokio::test]
async fn what_the_provider_answers_may_leave_out_all_but_the_clients_name() {
    let world = World::sqlite().await;
    let peer = publishing(|_, _| Reply::json(200, &json!({"client_id": "c1"}))).await;
    let registered = plain(&world, &peer.url)
        .register(&metadata(), marker())
        .await
        .unwrap();
    assert_eq!(registered.client_secret, None);
    assert_eq!(registered.registration_client_uri, None);
    assert_eq!(registered.metadata.scope.as_deref(), Some("orders:read"));
}

#[tokio::test]
async fn an_update_sends_everything_and_brings_what_manages_the_client_from_now_on() {
    let world = World::sqlite().await;
    let peer = publishing(|_, here| {
        Reply::json(
            200,
            &client(here, &json!({"registration_access_token": "rat-2"})),
        )
    })
    .await;
    let mut before = metadata();
    for name in NEVER_SENT {
        before.other.insert(name.to_owned(), json!("x"));
    }
    before
        .other
        .insert("id_token_signed_response_alg".to_owned(), json!("ES256"));
    let updated = plain(&world, &peer.url)
        .update(&known(&peer.url), &before)
        .await
        .unwrap();
    assert_eq!(updated.registration_access_token.unwrap().expose(), "rat-2");
    // It is known where the client is managed, so nothing is looked up.
    assert_eq!(peer.lines(), ["PUT /reg/c1"]);
    let seen = &peer.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer rat-1"));
    let sent = seen.json();
    assert_eq!(sent["client_id"], "c1");
    assert_eq!(sent["id_token_signed_response_alg"], "ES256");
    assert!(NEVER_SENT.iter().all(|name| sent.get(*name).is_none()));
}

#[tokio::test]
async fn what_manages_a_client_stays_where_the_answer_does_not_repeat_it() {
    let world = World::sqlite().await;
    let peer = publishing(|_, _| Reply::json(200, &json!({"client_id": "c1"}))).await;
    let known = known(&peer.url);
    let read = plain(&world, &peer.url).read(&known).await.unwrap();
    assert_eq!(read.registration_client_uri, known.registration_client_uri);
    assert_eq!(
        read.registration_access_token,
        known.registration_access_token
    );
}

#[tokio::test]
async fn a_client_is_deleted_and_one_that_is_gone_is_missing_or_cannot_be_managed() {
    let world = World::sqlite().await;
    let peer = publishing(|_, _| Reply::text(204, "")).await;
    let oidc = plain(&world, &peer.url);
    oidc.delete(&known(&peer.url)).await.unwrap();
    let gone = [
        (401, ProviderErrorKind::Unmanaged),
        (403, ProviderErrorKind::Forbidden),
        (404, ProviderErrorKind::Missing),
        (410, ProviderErrorKind::Missing),
    ];
    for (status, kind) in gone {
        let peer = publishing(move |_, _| Reply::text(status, "")).await;
        let oidc = plain(&world, &peer.url);
        let gone = oidc.delete(&known(&peer.url)).await.unwrap_err();
        assert_eq!(gone.kind, kind, "{status}");
    }
}

#[tokio::test]
async fn a_secret_is_rotated_by_the_way_that_is_configured_or_not_at_all() {
    let world = World::sqlite().await;
    let peer =
        publishing(|_, here| Reply::json(200, &client(here, &json!({"client_secret": "new"}))))
            .await;
    let by = |secret_rotation| Registration {
        secret_rotation,
        ..Registration::default()
    };
    let client = known(&peer.url);
    let none = oidc(
        &world,
        &peer.url,
        by(SecretRotation::Registration),
        &secrets(),
    );
    let refused = none.rotate_secret(&client, &metadata()).await.unwrap_err();
    assert_eq!(refused.kind, ProviderErrorKind::Unsupported);
    let updating = oidc(&world, &peer.url, by(SecretRotation::Update), &secrets());
    let updated = updating.rotate_secret(&client, &metadata()).await.unwrap();
    assert_eq!(updated.client_secret.unwrap().expose(), "new");
    let endpoint = SecretRotation::Endpoint {
        url: format!("{}/reg/{{client_id}}/renew", peer.url),
        method: RenewMethod::Patch,
    };
    let renewing = oidc(&world, &peer.url, by(endpoint), &secrets());
    let renewed = renewing.rotate_secret(&client, &metadata()).await.unwrap();
    assert_eq!(renewed.client_secret.unwrap().expose(), "new");
    assert_eq!(peer.lines(), ["PUT /reg/c1", "PATCH /reg/c1/renew"]);
}

#[tokio::test]
async fn a_token_to_register_with_is_fetched_once_until_it_ends() {
    let world = World::sqlite().await;
    let peer = publishing(|seen, here| match seen.target.as_str() {
        "/token" => Reply::json(
            200,
            &json!({"access_token": "fetched", "token_type": "Bearer", "expires_in": 600}),
        ),
        _ => Reply::json(201, &client(here, &json!({}))),
    })
    .await;
    let registration = || Registration {
        token: Some(FetchedToken {
            endpoint: None,
            client_id: "registry:1".to_owned(),
            scope: Some("clients:write".to_owned()),
            resource: None,
        }),
        ..Registration::default()
    };
    let mut secrets = Secrets::default();
    secrets.token_client_secret = Some("a b".to_owned());
    for _ in 0..2 {
        let oidc = oidc(&world, &peer.url, registration(), &secrets);
        oidc.register(&metadata(), marker()).await.unwrap();
    }
    world.clock.advance(std::time::Duration::from_secs(571));
    let oidc = oidc(&world, &peer.url, registration(), &secrets);
    oidc.register(&metadata(), marker()).await.unwrap();
    let seen = peer.seen();
    let asked: Vec<&Seen> = seen.iter().filter(|it| it.target == "/token").collect();
    assert_eq!(asked.len(), 2);
    // "registry%3A1:a+b"
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic cmVnaXN0cnklM0ExOmErYg==")
    );
    assert_eq!(
        asked[0].body,
        "grant_type=client_credentials&scope=clients%3Awrite"
    );
    let registering = seen.iter().filter(|it| it.target == "/reg");
    for seen in registering {
        assert_eq!(seen.header("authorization"), Some("Bearer fetched"));
    }
}

#[tokio::test]
async fn a_fetched_token_that_is_refused_is_not_used_again() {
    let world = World::sqlite().await;
    let peer = publishing(|seen, _| match seen.target.as_str() {
        "/token" => Reply::json(
            200,
            &json!({"access_token": "fetched", "token_type": "bearer", "expires_in": 600}),
        ),
        _ => Reply::json(401, &json!({"error": "invalid_token"})),
    })
    .await;
    let mut secrets = Secrets::default();
    secrets.token_client_secret = Some("s".to_owned());
    let registration = Registration {
        token: Some(FetchedToken {
            endpoint: None,
            client_id: "registry".to_owned(),
            scope: None,
            resource: None,
        }),
        ..Registration::default()
    };
    let oidc = oidc(&world, &peer.url, registration, &secrets);
    for _ in 0..2 {
        let refused = oidc.register(&metadata(), marker()).await.unwrap_err();
        assert_eq!(refused.kind, ProviderErrorKind::Forbidden);
    }
    let lines = peer.lines();
    let asked = lines.iter().filter(|line| *line == "POST /token");
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn clients_with_a_mark_are_listed_where_that_is_configured() {
    let world = World::sqlite().await;
    let version = marker().operation.to_string();
    let software = marker().software();
    let peer = publishing(move |seen, url| match seen.method.as_str() {
        "GET" => Reply::json(
            200,
            &json!([
                {"client_id": "c1", "software_id": software, "software_version": version,
                 "registration_client_uri": format!("{url}/reg/c1")},
                {"client_id": "c2"}, {"client_id": "c3", "software_id": "keysmith-", "software_version": version},
            ]),
        ),
        _ => Reply::text(204, ""),
    })
    .await;
    let registration = Registration {
        list_endpoint: Some(format!("{}/reg", peer.url)),
        ..Registration::default()
    };
    let listed = oidc(&world, &peer.url, registration, &secrets());
    let found = listed.list().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].known.client_id.as_str(), found[0].marker),
        ("c1", marker())
    );
    // Whoever may register may remove what nobody has a token for.
    listed.delete(&found[0].known).await.unwrap();
    let removal = peer.seen().pop().unwrap();
    assert_eq!(removal.line(), "DELETE /reg/c1");
    assert!(removal.header("authorization").is_some());
    let unsupported = plain(&world, &peer.url).list().await.unwrap_err();
    assert_eq!(unsupported.kind, ProviderErrorKind::Unsupported);
}

#[tokio::test]
async fn a_configuration_that_leads_nowhere_is_refused_by_its_field() {
    let world = World::sqlite().await;
    let refused = |change: fn(&mut configuration::Oidc), field: &str| {
        let mut configuration = configuration::Oidc::default();
        change(&mut configuration);
        let provider = provider("https://id.example");
        let made = Oidc::new(&world.env, &provider, &configuration, &Secrets::default());
        assert_eq!(made.unwrap_err().field, field);
    };
    refused(
        |it| it.discovery_url = Some("http://id.example/".to_owned()),
        "configuration.discovery_url",
    );
    refused(
        |it| it.registration.endpoint = Some("/reg".to_owned()),
        "configuration.registration.endpoint",
    );
    refused(
        |it| {
            it.registration.token = Some(FetchedToken {
                endpoint: None,
                client_id: "a".to_owned(),
                scope: None,
                resource: None,
            });
        },
        "secrets.token_client_secret",
    );
    for url in [
        "https://id.example/renew",
        "https://{client_id}.example/renew",
    ] {
        let rotation = SecretRotation::Endpoint {
            url: url.to_owned(),
            method: RenewMethod::Post,
        };
        assert!(check_rotation(&rotation).is_err(), "{url}");
    }
}
