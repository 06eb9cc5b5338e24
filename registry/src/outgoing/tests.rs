//! Claims about the registry's way out.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::rustls::{RootCertStore, crypto};

use super::*;

/// Names as a test wants them.
#[derive(Debug, Default)]
struct Names(BTreeMap<&'static str, Vec<IpAddr>>);

#[async_trait]
impl Resolve for Names {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        let known = self.0.get(host).cloned().unwrap_or_default();
        Ok(known
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }
}

fn outgoing(allowed: &[&str], names: &[(&'static str, &[&str])]) -> Outgoing {
    let names = names.iter().map(|(name, addresses)| {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        (*name, addresses.collect())
    });
    let provider = Arc::new(crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let policy = Policy {
        allowed: allowed.iter().map(|net| net.parse().unwrap()).collect(),
    };
    Outgoing::new(policy, Arc::new(Names(names.collect())), Arc::new(tls))
}

fn get(address: &str) -> Call {
    Call {
        method: Method::GET,
        address: address.parse().unwrap(),
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

/// A server that answers whatever comes first with these bytes, and tells what came.
async fn server(answer: Vec<u8>) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        // Whoever has read enough may have gone.
        let _ = stream.write_all(&answer).await;
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    (address, served)
}

#[test]
fn only_public_addresses_are_allowed() {
    let policy = Policy::default();
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::7f00:1",
        "64:ff9b::7f00:1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
    ] {
        assert!(!policy.allows(address.parse().unwrap()), "{address}");
    }
    for address in [
        "1.1.1.1",
        "100.63.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00::1",
        "::ffff:1.1.1.1",
    ] {
        assert!(policy.allows(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn an_operator_can_allow_a_network_of_its_own() {
    let policy = Policy {
        allowed: vec!["10.1.0.0/16".parse().unwrap()],
    };
    assert!(policy.allows("10.1.2.3".parse().unwrap()));
    assert!(policy.allows("::ffff:10.1.2.3".parse().unwrap()));
    assert!(!policy.allows("10.2.0.1".parse().unwrap()));
}

#[test]
fn an_address_is_absolute_and_carries_nothing_but_where() {
    for (text, error) in [
        ("", AddressError::Malformed),
        ("/path", AddressError::Malformed),
        ("example.com", AddressError::Malformed),
        ("https://", AddressError::Malformed),
        ("https://:443/", AddressError::Malformed),
        ("https://host:0/", AddressError::Malformed),
        ("https://host:/", AddressError::Malformed),
        ("https://host:99999/", AddressError::Malformed),
        ("https://ho st/", AddressError::Malformed),
        ("https://host/\r\nx: y", AddressError::Malformed),
        ("https://höst/", AddressError::Malformed),
        ("ftp://host/", AddressError::Scheme),
        ("file:///etc/passwd", AddressError::Malformed),
        ("gopher://host/", AddressError::Scheme),
        ("https://user@host/", AddressError::Credentials),
        ("https://user:password@host/", AddressError::Credentials),
        ("https://host/#fragment", AddressError::Fragment),
    ] {
        assert_eq!(text.parse::<Address>(), Err(error), "{text}");
    }
    let address: Address = "https://Host.Example:8443/a/b?c=d".parse().unwrap();
    assert_eq!(address.host(), "host.example");
    assert_eq!(address.port(), 8443);
    assert_eq!(address.target(), "/a/b?c=d");
    assert!(address.has_origin_of(&"https://host.example:8443/".parse().unwrap()));
    assert!(!address.has_origin_of(&"https://host.example/".parse().unwrap()));
    assert!(!address.has_origin_of(&"http://host.example:8443/".parse().unwrap()));
    let below = |text: &str| {
        text.parse::<Address>()
            .unwrap()
            .below("x")
            .unwrap()
            .to_string()
    };
    assert_eq!(below("https://host/base"), "https://host/base/x");
    assert_eq!(below("https://host/base/"), "https://host/base/x");
    assert_eq!(below("https://host"), "https://host/x");
    assert_eq!(below("https://host/base?query"), "https://host/base/x");
}

#[tokio::test]
async fn a_forbidden_address_is_not_talked_to_by_whatever_name() {
    let names: &[(&str, &[&str])] = &[
        ("metadata.example", &["169.254.169.254"]),
        ("both.example", &["1.1.1.1", "127.0.0.1"]),
        ("mapped.example", &["::ffff:10.0.0.1"]),
    ];
    let outgoing = outgoing(&[], names);
    for address in [
        "https://metadata.example/",
        "https://both.example/",
        "https://mapped.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
    ] {
        let refused = outgoing.send(get(address)).await;
        assert!(
            matches!(refused, Err(OutgoingError::Forbidden { .. })),
            "{address}: {refused:?}"
        );
    }
    // Other ways of writing an address are names, which nobody has.
    for address in [
        "https://2130706433/",
        "https://0x7f.1/",
        "https://nobody.example/",
    ] {
        let refused = outgoing.send(get(address)).await;
        assert!(
            matches!(refused, Err(OutgoingError::Unresolved { .. })),
            "{address}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn without_tls_nothing_leaves_the_machine() {
    let outgoing = outgoing(&["10.0.0.0/8"], &[("inside.example", &["10.0.0.1"])]);
    let refused = outgoing.send(get("http://inside.example/")).await;
    assert!(
        matches!(refused, Err(OutgoingError::Plaintext { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    let (address, served) =
        server(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok".to_vec()).await;
    let outgoing = outgoing(&["127.0.0.0/8"], &[("provider.example", &["127.0.0.1"])]);
    let url = format!("http://provider.example:{}/clients?a=b", address.port());
    let mut call = get(&url);
    call.method = Method::POST;
    call.body = Bytes::from_static(b"{}");
    let answer = outgoing.send(call).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), &answer.body[..]),
        (201, &b"ok"[..])
    );
    let head = served.await.unwrap().to_lowercase();
    assert!(head.starts_with("post /clients?a=b http/1.1\r\n"), "{head}");
    let host = format!("\r\nhost: provider.example:{}\r\n", address.port());
    assert!(head.contains(&host), "{head}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let answer =
        b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let (address, _) = server(answer.to_vec()).await;
    let outgoing = outgoing(&["127.0.0.1/32"], &[]);
    let answer = outgoing
        .send(get(&format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(answer.status.as_u16(), 302);
}

#[tokio::test]
async fn an_answer_is_bounded_whatever_it_says_of_its_length() {
    let body = "x".repeat(MAX_ANSWER_BYTES + 1);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let (address, _) = server(chunked.into_bytes()).await;
    let outgoing = outgoing(&["127.0.0.1/32"], &[]);
    let refused = outgoing.send(get(&format!("http://{address}/"))).await;
    assert!(
        matches!(refused, Err(OutgoingError::TooLong { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn whether_a_request_can_have_arrived_is_known() {
    let outgoing = outgoing(&["127.0.0.1/32"], &[]);
    // Nobody listens where a listener has just gone.
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = outgoing
        .send(get(&format!("http://{gone}/")))
        .await
        .unwrap_err();
    assert!(refused.was_never_sent(), "{refused}");
    let (address, _) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort".to_vec()).await;
    let broken = outgoing
        .send(get(&format!("http://{address}/")))
        .await
        .unwrap_err();
    assert!(!broken.was_never_sent(), "{broken}");
    let (address, _) = server(b"no HTTP at all\r\n\r\n".to_vec()).await;
    let garbage = outgoing
        .send(get(&format!("http://{address}/")))
        .await
        .unwrap_err();
    assert!(!garbage.was_never_sent(), "{garbage}");
}

#[tokio::test]
async fn who_takes_too_long_is_waited_for_no_longer_and_may_have_done_it() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nslow"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            stream.write_all(begun.as_bytes()).await.unwrap();
            // From here on nothing happens but the time that is waited for.
            tokio::time::pause();
            std::future::pending::<()>().await;
        };
        let outgoing = outgoing(&["127.0.0.1/32"], &[]);
        let late = tokio::select! {
            answered = outgoing.send(get(&format!("http://{address}/"))) => answered.unwrap_err(),
            () = slow => unreachable!("it never answers"),
        };
        assert!(matches!(late, OutgoingError::Late { .. }), "{late}");
        assert!(!late.was_never_sent());
        tokio::time::resume();
    }
}

#[test]
fn nothing_that_is_sent_or_answered_is_shown() {
    let answer = Answer {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"secret"),
    };
    assert_eq!(format!("{answer:?}"), "Answer(200 OK, 6 bytes)");
    let address: Address = "https://host/path?token=secret".parse().unwrap();
    assert_eq!(format!("{address:?}"), "https://host/path");
}
