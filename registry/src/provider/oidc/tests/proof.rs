//! Claims about proving a client by its secret.

use super::*;

/// What a provider says to who asks for a token and about one, by whether the secret is right.
async fn peer(
    answer: impl Fn(&str, bool, bool) -> Reply + Send + Sync + 'static,
) -> (World, Peer, Oidc) {
    let world = World::sqlite().await;
    let peer = Peer::start(move |seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        if seen.target == "/.well-known/openid-configuration" {
            let mut document = document(&here);
            document["introspection_endpoint"] = json!(format!("{here}/introspect"));
            return Reply::json(200, &document);
        }
        let form = String::from_utf8(seen.body.to_vec()).unwrap();
        // jack%3A1:hush%2F, encoded twice as the standard wants it.
        let by_header = seen.header("authorization") == Some("Basic amFjayUzQTE6aHVzaCUyRg==");
        let by_form = form.contains("client_id=jack%3A1&client_secret=hush%2F");
        answer(&seen.target, by_header, by_form)
    })
    .await;
    let oidc = plain(&world, &peer.url);
    (world, peer, oidc)
}

fn token() -> Reply {
    Reply::json(200, &json!({"access_token": "t", "token_type": "Bearer"}))
}

fn refused(code: &str) -> Reply {
    let status = if code == "invalid_client" { 401 } else { 400 };
    Reply::json(status, &json!({"error": code}))
}

async fn proves(oidc: &Oidc, secret: &str) -> Result<bool, ProviderError> {
    let secret = SecretText::new(secret.to_owned());
    oidc.proves("jack:1", &secret).await
}

#[tokio::test]
async fn a_token_proves_a_client_whichever_way_it_says_its_secret() {
    for wants_form in [false, true] {
        let (_world, peer, oidc) = peer(move |_, by_header, by_form| {
            let is_good = if wants_form { by_form } else { by_header };
            if is_good {
                token()
            } else {
                refused("invalid_client")
            }
        })
        .await;
        assert!(proves(&oidc, "hush/").await.unwrap());
        assert!(!proves(&oidc, "guessed").await.unwrap());
        let lines = peer.lines();
        assert!(
            lines.iter().all(|line| !line.contains("introspect")),
            "{lines:?}"
        );
        // What proves the registry is none of the client's business.
        assert!(
            peer.seen()
                .iter()
                .all(|seen| seen.header("x-tenant").is_none())
        );
    }
}

#[tokio::test]
async fn a_client_without_that_grant_is_proven_by_introspection_if_that_refuses_others() {
    for code in [
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_request",
    ] {
        let (_world, _peer, oidc) = peer(move |target, by_header, _| match (target, by_header) {
            // Some say so before they look at the secret.
            ("/token", _) => refused(code),
            (_, true) => Reply::json(200, &json!({"active": false})),
            (_, false) => refused("invalid_client"),
        })
        .await;
        assert!(proves(&oidc, "hush/").await.unwrap(), "{code}");
        assert!(!proves(&oidc, "guessed").await.unwrap(), "{code}");
    }
}

#[tokio::test]
async fn an_introspection_that_answers_anybody_proves_nothing() {
    let (_world, _peer, oidc) = peer(|target, _, _| match target {
        "/token" => refused("unauthorized_client"),
        _ => Reply::json(200, &json!({"active": false})),
    })
    .await;
    for secret in ["hush/", "guessed"] {
        let error = proves(&oidc, secret).await.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Unsupported);
        assert!(error.description.contains("answers anybody"), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_anybody_gets_proves_nothing() {
    let (_world, _peer, oidc) = peer(|_, _, _| token()).await;
    for secret in ["hush/", "guessed"] {
        let error = proves(&oidc, secret).await.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Unsupported);
        assert!(error.description.contains("answers anybody"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_answer_proves_nothing_and_refuses_nobody() {
    for (reply, kind) in [
        (Reply::text(500, "oh"), ProviderErrorKind::Unavailable),
        (Reply::json(429, &json!({})), ProviderErrorKind::Unavailable),
        (Reply::text(200, "<html>"), ProviderErrorKind::Garbage),
        (
            Reply::json(200, &json!({"access_token": ""})),
            ProviderErrorKind::Garbage,
        ),
        (
            Reply::text(302, "").with("location", "https://other.example/"),
            ProviderErrorKind::Garbage,
        ),
    ] {
        let (_world, _peer, oidc) = peer(move |_, _, _| reply.clone()).await;
        let error = proves(&oidc, "hush/").await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.may_be_done, "nothing was to be done");
        assert!(!error.to_string().contains("hush"));
    }
}

#[tokio::test]
async fn a_clients_secret_goes_to_the_providers_own_origin_alone() {
    let other = Peer::start(|_| token()).await;
    let elsewhere = other.url.clone();
    let world = World::sqlite().await;
    let peer = Peer::start(move |seen: &Seen| {
        let here = format!("http://{}", seen.header("host").unwrap());
        let mut document = document(&here);
        document["token_endpoint"] = json!(format!("{elsewhere}/token"));
        Reply::json(200, &document)
    })
    .await;
    let error = proves(&plain(&world, &peer.url), "hush/")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Unsupported);
    assert!(other.lines().is_empty());
}
