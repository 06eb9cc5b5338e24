//! Claims about clients that prove themselves by a signature (RFC 7523).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use serde_json::{Value, json};

use super::*;

/// For these tests alone.
const RSA_KEY: &[u8] = include_bytes!("rsa-2048.pk8");

/// What a client signs with.
enum Signer {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static str, &'static dyn RsaEncoding),
}

impl Signer {
    fn ec() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.unwrap().as_ref(), &random);
        Self::Ec(pair.unwrap())
    }

    fn rsa(name: &'static str, encoding: &'static dyn RsaEncoding) -> Self {
        Self::Rsa(RsaKeyPair::from_pkcs8(RSA_KEY).unwrap(), name, encoding)
    }

    fn jwk(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": part(x), "y": part(y), "kid": "k"})
            }
            Self::Rsa(pair, ..) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": part(&public.n), "e": part(&public.e), "kid": "k"})
            }
        }
    }

    fn sign(&self, claims: &Value) -> String {
        let algorithm = match self {
            Self::Ec(_) => "ES256",
            Self::Rsa(_, name, _) => name,
        };
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = json!({"alg": algorithm, "kid": "k"});
        let signed = format!("{}.{}", part(&header), part(claims));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&random, signed.as_bytes()).unwrap();
                signature.as_ref().to_vec()
            }
            Self::Rsa(pair, _, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let message = signed.as_bytes();
                pair.sign(*encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A server whose client proves itself by this key.
async fn server(signer: &Signer) -> Server {
    let server = Server::with(ClientMetadata {
        grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
        token_endpoint_auth_method: Some("private_key_jwt".to_owned()),
        jwks: Some(json!({"keys": [signer.jwk()]})),
        ..ClientMetadata::default()
    })
    .await;
    assert!(server.client.client_secret.is_none());
    server
}

/// What a good assertion says.
fn good(server: &Server) -> Value {
    let now = server.world.env.now().as_millis() / 1000;
    let id = &server.client.client_id;
    json!({
        "iss": id, "sub": id, "aud": format!("{ISSUER}/oauth2/token"), "jti": "one",
        "iat": now, "exp": now + 60,
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn ask(server: &Server, assertion: String) -> Result<AccessToken, OauthError> {
    let presented = Presented::Assertion {
        client_id: None,
        assertion,
    };
    let request = TokenRequest {
        grant_type: CLIENT_CREDENTIALS.to_owned(),
        scope: None,
        resources: Vec::new(),
        presented,
        source: "192.0.2.1".to_owned(),
    };
    server.ask(request).await
}

#[tokio::test]
async fn a_signature_of_the_clients_key_proves_it_whatever_the_algorithm() {
    for signer in [
        Signer::ec(),
        Signer::rsa("RS256", &RSA_PKCS1_SHA256),
        Signer::rsa("PS256", &RSA_PSS_SHA256),
    ] {
        let server = server(&signer).await;
        let claims = good(&server);
        let token = ask(&server, signer.sign(&claims)).await.unwrap();
        assert_eq!(
            super::claims(token.text.expose())["client_id"],
            claims["iss"]
        );
        // The issuer's name is as good as the endpoint's, alone or among others.
        for (number, audience) in [json!(ISSUER), json!(["https://other.example", ISSUER])]
            .into_iter()
            .enumerate()
        {
            let other = with(claims.clone(), "aud", audience);
            let other = with(other, "jti", json!(number.to_string()));
            ask(&server, signer.sign(&other)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_also_under_another_signature() {
    let signer = Signer::ec();
    let server = server(&signer).await;
    let claims = good(&server);
    let assertion = signer.sign(&claims);
    ask(&server, assertion.clone()).await.unwrap();
    refused(ask(&server, assertion).await, Code::InvalidClient);
    refused(
        ask(&server, signer.sign(&claims)).await,
        Code::InvalidClient,
    );
    let later = with(
        claims.clone(),
        "iat",
        claims["iat"].as_u64().unwrap().into(),
    );
    let later = with(later, "exp", (claims["exp"].as_u64().unwrap() + 1).into());
    refused(ask(&server, signer.sign(&later)).await, Code::InvalidClient);
    let next = with(claims.clone(), "jti", json!("two"));
    ask(&server, signer.sign(&next)).await.unwrap();
    // One without a name is recognised by what it says.
    let mut nameless = claims;
    nameless.as_object_mut().unwrap().remove("jti");
    ask(&server, signer.sign(&nameless)).await.unwrap();
    refused(
        ask(&server, signer.sign(&nameless)).await,
        Code::InvalidClient,
    );
}

#[tokio::test]
async fn an_assertion_that_is_not_the_clients_for_this_server_now_proves_nothing() {
    let signer = Signer::ec();
    let server = server(&signer).await;
    let claims = good(&server);
    let now = claims["iat"].as_u64().unwrap();
    for (name, value) in [
        ("iss", json!("client_other")),
        ("sub", json!("client_other")),
        ("sub", Value::Null),
        ("aud", json!("https://other.example/oauth2/token")),
        ("aud", json!(format!("{ISSUER}/oauth2/token/"))),
        ("aud", Value::Null),
        // Past its end by more than clocks may be apart.
        ("exp", json!(now - 31)),
        // For longer than any needs to be.
        ("exp", json!(now + 631)),
        ("exp", Value::Null),
        ("nbf", json!(now + 31)),
        ("iat", json!(now + 31)),
    ] {
        let mut wrong = claims.clone();
        if value.is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        } else {
            wrong[name] = value.clone();
        }
        let answer = ask(&server, signer.sign(&wrong)).await;
        assert!(answer.is_err(), "{name}: {value}");
        refused(answer, Code::InvalidClient);
    }
    let stranger = Signer::ec();
    refused(
        ask(&server, stranger.sign(&claims)).await,
        Code::InvalidClient,
    );
    let unsigned = format!("{}.", signer.sign(&claims).rsplit_once('.').unwrap().0);
    refused(ask(&server, unsigned).await, Code::InvalidClient);
    // None of them has used the name up.
    ask(&server, signer.sign(&claims)).await.unwrap();
}

#[tokio::test]
async fn the_name_beside_an_assertion_must_be_the_clients() {
    let signer = Signer::ec();
    let server = server(&signer).await;
    let said = |client_id: &str| TokenRequest {
        grant_type: CLIENT_CREDENTIALS.to_owned(),
        scope: None,
        resources: Vec::new(),
        presented: Presented::Assertion {
            client_id: Some(client_id.to_owned()),
            assertion: signer.sign(&good(&server)),
        },
        source: "192.0.2.1".to_owned(),
    };
    refused(server.ask(said("client_other")).await, Code::InvalidClient);
    let own = server.client.client_id.clone();
    server.ask(said(&own)).await.unwrap();
}
