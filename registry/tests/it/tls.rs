//! The API listener with TLS.

use std::sync::Arc;

use axum::http::{Request, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

use crate::support::{Data, TestRegistry};

struct Certificate {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["registry.example".to_owned()]).unwrap();
    Certificate {
        chain: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
        der: made.cert.der().clone(),
    }
}

async fn start(data: &Data, certificate: &Certificate) -> TestRegistry {
    let chain = data.file("chain.pem", &certificate.chain);
    let key = data.file("key.pem", &certificate.key);
    data.start(&[
        ("KEYSMITH_TLS_CERTIFICATE_FILE", chain.to_str().unwrap()),
        ("KEYSMITH_TLS_KEY_FILE", key.to_str().unwrap()),
    ])
    .await
}

async fn connect(
    registry: &TestRegistry,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(registry.address()).await.unwrap();
    let name = ServerName::try_from("registry.example").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

fn request(version: Version) -> Request<Empty<axum::body::Bytes>> {
    Request::builder()
        .version(version)
        .uri("https://registry.example/openapi.json")
        .header("host", "registry.example")
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn http_2_is_spoken_when_the_client_offers_it() {
    let (data, certificate) = (Data::new().await, certificate());
    let registry = start(&data, &certificate).await;
    let stream = connect(&registry, &certificate.der, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(request(Version::HTTP_2)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, registry::api::openapi().unwrap());
}

#[tokio::test]
async fn http_1_is_spoken_otherwise() {
    let (data, certificate) = (Data::new().await, certificate());
    let registry = start(&data, &certificate).await;
    for alpn in [&["http/1.1"][..], &[]] {
        let stream = connect(&registry, &certificate.der, alpn).await;
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = sender
            .send_request(request(Version::HTTP_11))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn plaintext_is_not_answered() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (data, certificate) = (Data::new().await, certificate());
    let registry = start(&data, &certificate).await;
    let mut stream = TcpStream::connect(registry.address()).await.unwrap();
    stream
        .write_all(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    registry.operator().get("/readyz").await.has(200);
}

#[tokio::test]
async fn a_bad_certificate_or_key_is_named_and_not_shown() {
    let data = Data::new().await;
    let good = certificate();
    let other = certificate();
    for (chain, key, setting) in [
        ("", good.key.as_str(), "tls_certificate_file"),
        ("nonsense", &good.key, "tls_certificate_file"),
        (&good.chain, "nonsense", "tls_key_file"),
        (
            &good.chain,
            "-----BEGIN PRIVATE KEY-----\nbm9uc2Vuc2U\n",
            "tls_key_file",
        ),
        (
            &good.chain,
            &other.key,
            "tls_certificate_file and tls_key_file",
        ),
    ] {
        let chain = data.file("chain.pem", chain);
        let key = data.file("key.pem", key);
        let message = data
            .refuses_to_start(&[
                ("KEYSMITH_TLS_CERTIFICATE_FILE", chain.to_str().unwrap()),
                ("KEYSMITH_TLS_KEY_FILE", key.to_str().unwrap()),
            ])
            .await;
        assert!(message.starts_with(setting), "{message}");
        assert!(
            !message.contains("nonsense") && !message.contains("bm9uc2Vuc2U"),
            "{message}"
        );
    }
}
