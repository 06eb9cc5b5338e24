//! A caller who writes bytes, for what no well-behaved HTTP library sends.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends `request` as it is and reads one answer: to the end of its body, or until the peer closes. The bytes are given
/// as text, one character a byte.
///
/// # Panics
/// When there is no connection, or no end of the answer in time.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    // A peer may refuse before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = String::new();
    let mut buffer = vec![0; 16 * 1024];
    while !is_whole(&answer) {
        let read = timeout(PATIENCE, stream.read(&mut buffer)).await;
        match read.unwrap_or_else(|_| panic!("no end after {answer:?}")) {
            Ok(0) | Err(_) => break,
            Ok(length) => answer.extend(buffer[..length].iter().copied().map(char::from)),
        }
    }
    answer
}

/// Whether the answer has as much body as it announces. One that announces nothing ends with its connection.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| length.parse() == Ok(body.chars().count()))
}

/// The status code of a raw answer; 0 when the connection was closed without one.
pub fn status(answer: &str) -> u16 {
    answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// An HTTP/1.1 request with these header lines and no body, asking to close.
pub fn request(line: &str, headers: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(line.as_bytes());
    bytes.extend_from_slice(b"\r\n");
    for header in headers {
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    bytes
}
