//! What goes wrong at a provider, at each step.

use std::net::SocketAddr;

use async_trait::async_trait;

use super::*;
use crate::outgoing::{MAX_ANSWER_BYTES, Resolve};

/// Names that somebody has pointed into the registry's network.
#[derive(Debug)]
struct Names;

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let found: &[&str] = match host {
            "inner.example" => &["10.0.0.7"],
            "mapped.example" => &["::ffff:169.254.169.254"],
            "local.example" => &["fd00::1"],
            // One good address does not excuse the other.
            "both.example" => &["203.0.114.1", "127.0.0.1"],
            _ => &["127.0.0.1"],
        };
        let addresses = found.iter().map(|text| text.parse().unwrap());
        Ok(addresses.map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

/// What each call comes to.
async fn each(oidc: &Oidc, client: &Known) -> [(&'static str, ProviderError); 5] {
    let metadata = metadata();
    [
        (
            "register",
            oidc.register(&metadata, marker()).await.unwrap_err(),
        ),
        ("read", oidc.read(client).await.unwrap_err()),
        ("update", oidc.update(client, &metadata).await.unwrap_err()),
        (
            "rotate",
            oidc.rotate_secret(client, &metadata).await.unwrap_err(),
        ),
        ("delete", oidc.delete(client).await.unwrap_err()),
    ]
}

fn rotating(world: &World, issuer: &str) -> Oidc {
    let registration = Registration {
        secret_rotation: SecretRotation::Update,
        ..Registration::default()
    };
    oidc(world, issuer, registration, &secrets())
}

#[tokio::test]
async fn errors_of_the_provider_reach_the_caller_at_each_step() {
    let world = World::sqlite().await;
    for (status, body, kind) in [
        (
            400,
            r#"{"error":"invalid_client_metadata","error_description":"no"}"#,
            ProviderErrorKind::Refused,
        ),
        (
            403,
            r#"{"error":"access_denied"}"#,
            ProviderErrorKind::Forbidden,
        ),
        (429, "slow down", ProviderErrorKind::Unavailable),
        (500, "<html>", ProviderErrorKind::Unavailable),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            ProviderErrorKind::Unavailable,
        ),
        (302, "", ProviderErrorKind::Garbage),
    ] {
        let peer = publishing(move |_, _| {
            Reply::text(status, body).with("location", "http://169.254.169.254/")
        })
        .await;
        let oidc = rotating(&world, &peer.url);
        for (step, error) in each(&oidc, &known(&peer.url)).await {
            assert_eq!(error.kind, kind, "{step} {status}");
            assert_eq!(error.status, Some(status), "{step}");
            assert_eq!(error.may_be_done, status >= 500, "{step} {status}");
            let code = body.split('"').nth(3).filter(|_| body.starts_with('{'));
            assert_eq!(error.code.as_deref(), code, "{step} {status}");
        }
        // A redirect leads nowhere.
        assert_eq!(peer.lines().len(), 6, "{status}");
    }
}

#[tokio::test]
async fn answers_that_make_no_sense_may_have_done_what_was_asked() {
    let world = World::sqlite().await;
    for body in [
        "<html>",
        "[]",
        "7",
        r#"{"client_id": 7}"#,
        r#"{"client_id": ""}"#,
        r#"{"client_id": "c1", "client_secret": 7}"#,
        r#"{"client_id": "c1", "registration_client_uri": "https://elsewhere.example/c1"}"#,
        r#"{"client_id": "c1", "registration_client_uri": "/reg/c1"}"#,
    ] {
        let peer = publishing(move |_, _| Reply::text(201, body)).await;
        let oidc = rotating(&world, &peer.url);
        let error = oidc.register(&metadata(), marker()).await.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Garbage, "{body}");
        assert!(error.may_be_done, "{body}");
    }
    let other = publishing(|_, _| Reply::text(200, r#"{"client_id": "another"}"#)).await;
    let oidc = rotating(&world, &other.url);
    let error = oidc
        .update(&known(&other.url), &metadata())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Garbage);
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let world = World::sqlite().await;
    let long = "x".repeat(MAX_ANSWER_BYTES + 1);
    let peer = publishing(move |_, _| Reply::text(200, &long)).await;
    let oidc = rotating(&world, &peer.url);
    for (step, error) in each(&oidc, &known(&peer.url)).await {
        assert_eq!(error.kind, ProviderErrorKind::Unavailable, "{step}");
        assert!(error.may_be_done, "{step}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_has_done_nothing() {
    let world = World::sqlite().await;
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let oidc = rotating(&world, &gone);
    for (step, error) in each(&oidc, &known(&gone)).await {
        assert_eq!(error.kind, ProviderErrorKind::Unavailable, "{step}");
        assert!(!error.may_be_done, "{step}");
    }
}

#[tokio::test]
async fn what_proves_the_registry_goes_to_the_providers_own_origin_alone() {
    let world = World::sqlite().await;
    let elsewhere = Peer::start(|_: &Seen| Reply::json(201, &json!({"client_id": "c1"}))).await;
    let url = elsewhere.url.clone();
    let peer = Peer::start(move |seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        let mut document = document(&here);
        document["registration_endpoint"] = json!(format!("{url}/reg"));
        document["token_endpoint"] = json!(format!("{url}/token"));
        Reply::json(200, &document)
    })
    .await;
    let refused = plain(&world, &peer.url)
        .register(&metadata(), marker())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ProviderErrorKind::Unsupported);
    // Nor does what manages a client.
    let client = Known {
        registration_client_uri: Some(format!("{}/reg/c1", elsewhere.url)),
        ..known(&peer.url)
    };
    let oidc = plain(&world, &peer.url);
    for error in [
        oidc.read(&client).await.unwrap_err(),
        oidc.update(&client, &metadata()).await.unwrap_err(),
        oidc.delete(&client).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ProviderErrorKind::Garbage);
        assert!(!error.may_be_done);
    }
    assert!(elsewhere.lines().is_empty());
    // Whoever configures the provider may name the place.
    let named = Registration {
        endpoint: Some(format!("{}/reg", elsewhere.url)),
        ..Registration::default()
    };
    let oidc = super::oidc(&world, &peer.url, named, &secrets());
    oidc.register(&metadata(), marker()).await.unwrap();
    assert_eq!(elsewhere.lines(), ["POST /reg"]);
}

#[tokio::test]
async fn metadata_of_another_issuer_are_not_believed() {
    let world = World::sqlite().await;
    let peer = Peer::start(|_: &Seen| Reply::json(200, &document("https://id.example"))).await;
    let refused = plain(&world, &peer.url)
        .register(&metadata(), marker())
        .await
        .unwrap_err();
    assert_eq!(refused.kind, ProviderErrorKind::Garbage);
    assert!(refused.description.contains("another issuer"), "{refused}");
}

#[tokio::test]
async fn metadata_are_found_at_the_place_of_either_standard() {
    let world = World::sqlite().await;
    let peer = Peer::start(|seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            "/.well-known/oauth-authorization-server/tenant" => {
                let mut document = document(&here);
                document["issuer"] = json!(format!("{here}/tenant"));
                Reply::json(200, &document)
            }
            "/reg" => Reply::json(201, &client(&here, &json!({}))),
            _ => Reply::text(404, "nothing here"),
        }
    })
    .await;
    let oidc = plain(&world, &format!("{}/tenant", peer.url));
    oidc.register(&metadata(), marker()).await.unwrap();
    assert_eq!(
        peer.lines(),
        [
            "GET /tenant/.well-known/openid-configuration",
            "GET /.well-known/oauth-authorization-server/tenant",
            "POST /reg"
        ]
    );
}

/// Every address that a provider or a person names is called under one policy.
#[tokio::test]
async fn no_address_leads_into_the_registrys_own_network() {
    let world = World::sqlite().await;
    // As a registry is installed: not even this machine.
    let env = Environment {
        outgoing: Outgoing::new(Policy::default(), Arc::new(Names), trust(None).unwrap()),
        ..world.env.clone()
    };
    for origin in [
        "https://169.254.169.254",
        "https://[::ffff:169.254.169.254]",
        "https://127.0.0.1",
        "https://[::1]",
        "https://10.0.0.1",
        "https://localhost",
        "https://inner.example",
        "https://mapped.example",
        "https://local.example",
        "https://both.example",
    ] {
        let make = |configuration: configuration::Oidc| {
            Oidc::new(&env, &provider(origin), &configuration, &secrets()).unwrap()
        };
        let discovering = make(configuration::Oidc::default());
        let named = make(configuration::Oidc {
            registration: Registration {
                endpoint: Some(format!("{origin}/reg")),
                list_endpoint: Some(format!("{origin}/list")),
                secret_rotation: SecretRotation::Endpoint {
                    url: format!("{origin}/{{client_id}}/renew"),
                    method: RenewMethod::Post,
                },
                token: None,
            },
            ..configuration::Oidc::default()
        });
        let metadata = metadata();
        let errors = [
            discovering.register(&metadata, marker()).await.unwrap_err(),
            named.register(&metadata, marker()).await.unwrap_err(),
            named.list().await.unwrap_err(),
            named
                .rotate_secret(&known(origin), &metadata)
                .await
                .unwrap_err(),
            named.delete(&known(origin)).await.unwrap_err(),
        ];
        for error in errors {
            let said = "which the registry does not talk to";
            assert!(error.description.contains(said), "{origin}: {error}");
            assert!(!error.may_be_done);
        }
    }
}
