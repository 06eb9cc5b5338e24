use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{Client, DjangoToolkit, OidcProvider, Options, run_node};

fn get(issuer: &str, path: &str) -> String {
    let host = issuer.strip_prefix("http://").expect("a plain address");
    let mut stream = TcpStream::connect(host).expect("a server");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

const METADATA: &str = "/.well-known/oauth-authorization-server";

#[test]
fn oidc_provider_answers_and_comes_back_with_other_keys() {
    let mut provider = OidcProvider::start(Options::default());
    let issuer = provider.issuer().to_owned();
    assert!(get(&issuer, METADATA).contains(&format!("\"issuer\":\"{issuer}\"")));
    let keys = get(&issuer, "/jwks");
    assert!(keys.contains("ES256"), "{keys}");
    provider.change_keys();
    assert_eq!(provider.issuer(), issuer);
    let others = get(&issuer, "/jwks");
    assert!(others.contains("ES256") && others != keys, "{others}");
    assert_eq!(provider.requests("GET /jwks"), 2);
}

#[test]
fn oidc_provider_signs_somebody_in() {
    let client = Client::of_people(
        "web",
        "the-secret-of-a-web-client-which-is-long",
        "https://app.example.test/callback",
    );
    let provider = OidcProvider::start(Options {
        clients: vec![client.clone()],
        ..Options::default()
    });
    assert_eq!(provider.id_token(&client).split('.').count(), 3);
}

#[test]
fn django_oauth_toolkit_answers() {
    let provider = DjangoToolkit::start(Options::default());
    let metadata = get(provider.issuer(), METADATA);
    assert!(metadata.contains("introspection_endpoint"), "{metadata}");
}

#[test]
fn programs_find_the_client_libraries() {
    let script = "import * as a from 'oauth4webapi'; import * as b from 'openid-client'; console.log(!!a && !!b);";
    let ran = run_node(&[("t.mjs", script)], &[]);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(ran.stdout, b"true\n");
}
