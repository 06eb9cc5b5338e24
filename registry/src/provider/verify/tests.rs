use serde_json::json;

use super::*;
use crate::{
    provider::{NewProvider, create},
    testing::{
        World,
        peer::{Peer, Reply, Seen},
    },
};

/// A provider that is as it should be, but for `other`.
async fn peer(other: fn(&Seen) -> Option<Reply>) -> Peer {
    Peer::start(move |seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        if let Some(reply) = other(seen) {
            return reply;
        }
        match seen.target.as_str() {
            "/.well-known/openid-configuration" => Reply::json(
                200,
                &json!({"issuer": here, "registration_endpoint": format!("{here}/reg"),
                "jwks_uri": format!("{here}/keys"), "introspection_endpoint": format!("{here}/introspect")}),
            )
            // The moment at which the test's clock stands.
            .with("date", "Fri, 15 Jan 2027 08:00:10 GMT"),
            "/reg" => Reply::json(400, &json!({"error": "invalid_redirect_uri"})),
            "/keys" => Reply::json(
                200,
                &json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "1",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}),
            ),
            _ => Reply::json(200, &json!({"active": false})),
        }
    })
    .await
}

async fn outcomes(peer: &Peer) -> Vec<(&'static str, Outcome, String)> {
    let world = World::sqlite().await;
    let json = json!({"tokens": {"introspection": {"client_id": "rs"}}});
    let mut secrets = Secrets::default();
    secrets.initial_access_token = Some("let-me-in".to_owned());
    secrets.introspection_client_secret = Some("hush".to_owned());
    let new = NewProvider {
        name: "id".to_owned(),
        issuer: peer.url.clone(),
        description: String::new(),
        enabled: true,
        configuration: Configuration::read(ProviderKind::Oidc, &json.to_string()).unwrap(),
        secrets,
    };
    let made = create(&world.env, world.caller(), new, None).await.unwrap();
    let steps = verify(&world.env, made.id).await.unwrap();
    steps
        .into_iter()
        .map(|step| (step.step, step.outcome, step.detail))
        .collect()
}

#[tokio::test]
async fn a_provider_that_is_as_it_should_be_passes_every_step() {
    let peer = peer(|_| None).await;
    for (step, outcome, detail) in outcomes(&peer).await {
        assert_eq!(outcome, Outcome::Ok, "{step}: {detail}");
    }
    let seen = peer.seen();
    let registering = seen.iter().find(|it| it.target == "/reg").unwrap();
    assert_eq!(
        registering.header("authorization"),
        Some("Bearer let-me-in")
    );
}

/// Each thing that is wrong shows at its own step.
#[tokio::test]
async fn what_is_wrong_shows_at_its_step() {
    type Other = fn(&Seen) -> Option<Reply>;
    let wrong: [(&str, Other); 4] = [
        ("discovery", |seen| match seen.target.as_str() {
            "/.well-known/openid-configuration" => Some(Reply::json(
                200,
                &json!({"issuer": "https://another.example"}),
            )),
            _ => None,
        }),
        ("registration", |seen| match seen.target.as_str() {
            "/reg" => Some(Reply::json(401, &json!({"error": "invalid_token"}))),
            _ => None,
        }),
        ("keys", |seen| match seen.target.as_str() {
            "/keys" => Some(Reply::json(
                200,
                &json!({"keys": [{"kty": "oct", "k": "AA"}]}),
            )),
            _ => None,
        }),
        ("introspection", |seen| match seen.target.as_str() {
            "/introspect" => Some(Reply::json(401, &json!({"error": "invalid_client"}))),
            _ => None,
        }),
    ];
    for (step, other) in wrong {
        let peer = peer(other).await;
        let outcomes = outcomes(&peer).await;
        let found = outcomes.iter().find(|it| it.0 == step).unwrap();
        assert_eq!(found.1, Outcome::Failed, "{found:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_told() {
    let peer = peer(|seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        let is_metadata = seen.target.starts_with("/.well-known/");
        is_metadata.then(|| {
            Reply::json(200, &json!({"issuer": here})).with("date", "Fri, 15 Jan 2027 08:02:00 GMT")
        })
    })
    .await;
    let outcomes = outcomes(&peer).await;
    let clock = outcomes.iter().find(|it| it.0 == "clock").unwrap();
    assert_eq!(clock.1, Outcome::Failed, "{clock:?}");
}

#[tokio::test]
async fn a_client_that_was_registered_by_the_way_is_removed_again() {
    let peer = peer(|seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        match seen.line().as_str() {
            "POST /reg" => Some(Reply::json(
                201,
                &json!({"client_id": "c1", "registration_client_uri": format!("{here}/reg/c1"),
                    "registration_access_token": "rat"}),
            )),
            "DELETE /reg/c1" => Some(Reply::text(204, "")),
            _ => None,
        }
    })
    .await;
    let outcomes = outcomes(&peer).await;
    let step = outcomes.iter().find(|it| it.0 == "registration").unwrap();
    assert_eq!(step.1, Outcome::Ok, "{step:?}");
    assert!(peer.lines().contains(&"DELETE /reg/c1".to_owned()));
}
