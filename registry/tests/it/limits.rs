//! Bounds on what a connection may take.

use std::time::Duration;

use axum::{body::Bytes, http::Method};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::TestRegistry;

/// What comes back until the registry closes the connection.
async fn until_closed(stream: TcpStream) -> String {
    String::from_utf8_lossy(&bytes_until_closed(stream).await).into_owned()
}

async fn bytes_until_closed(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    // A reset closes as well.
    let _ = read.expect("it stays open");
    answer
}

/// The types of the HTTP/2 frames.
fn frame_types(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        types.push(*kind);
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    types
}

async fn connection(registry: &TestRegistry, begin: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(registry.address()).await.unwrap();
    stream.write_all(begin).await.unwrap();
    stream
}

#[tokio::test]
async fn a_connection_that_asks_nothing_is_closed() {
    let registry = TestRegistry::with(&[("KEYSMITH_HEADER_TIMEOUT_SECONDS", "1")]).await;
    for begin in [
        &b""[..],
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nhost:",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ] {
        until_closed(connection(&registry, begin).await).await;
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_is_closed() {
    let registry = TestRegistry::with(&[("KEYSMITH_IDLE_TIMEOUT_SECONDS", "1")]).await;
    let request = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = until_closed(connection(&registry, request).await).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn an_http_2_connection_is_told_that_it_ends() {
    const GOAWAY: u8 = 7;
    let registry = TestRegistry::with(&[("KEYSMITH_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let connections = (0..32).map(async |_| {
        let stream = connection(&registry, begin).await;
        frame_types(&bytes_until_closed(stream).await)
    });
    for types in futures_util::future::join_all(connections).await {
        assert!(types.contains(&GOAWAY), "{types:?}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_ends_its_request() {
    let registry = TestRegistry::with(&[("KEYSMITH_REQUEST_TIMEOUT_SECONDS", "1")]).await;
    let head = format!(
        "POST /v1/applications HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\
         connection: close\r\nauthorization: Bearer {}\r\n\r\n{{",
        crate::support::admin_token()
    );
    let answer = until_closed(connection(&registry, head.as_bytes()).await).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
}

#[tokio::test]
async fn no_more_connections_are_accepted_than_allowed() {
    let registry = TestRegistry::with(&[("KEYSMITH_MAX_CONNECTIONS", "1")]).await;
    let first = connection(&registry, b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut second = connection(
        &registry,
        b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    first.readable().await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    let answer = until_closed(second).await;
    assert!(
        answer.starts_with("TTP/1.1 404") || answer.starts_with("HTTP/1.1 404"),
        "{answer}"
    );
}

#[tokio::test]
async fn large_heads_are_refused() {
    let registry = TestRegistry::start().await;
    let large = "x".repeat(40_000);
    let reply = registry
        .stranger()
        .send(
            Method::GET,
            "/openapi.json",
            &[("x-large", &large)],
            Bytes::new(),
        )
        .await;
    assert_eq!(reply.status, 431);
}

#[tokio::test]
async fn bytes_that_are_not_http_do_no_harm() {
    let registry = TestRegistry::start().await;
    for begin in [
        &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
    ] {
        until_closed(connection(&registry, begin).await).await;
    }
    registry.admin().get("/v1/applications").await.has(200);
}
