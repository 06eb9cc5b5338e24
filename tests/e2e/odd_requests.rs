//! Requests that no well-behaved client sends: a decision for each, and no worker lost.

use e2e::{http::Client, raw, stack::Stack};
use serde_json::json;

const HOST: &[u8] = b"host: api.example.com";

/// Every worker still decides, and none was reloaded.
async fn unharmed(stack: &Stack, client: &Client, key: &str) {
    client
        .get("/")
        .key(key)
        .consistently(200)
        .await
        .expect("a right key passes");
    client
        .get("/")
        .consistently(401)
        .await
        .expect("no key does not");
    let stats = stack.envoy.stats().await;
    for line in stats.lines().filter(|line| line.contains("vm_reload")) {
        assert!(line.ends_with(": 0"), "a VM was reloaded: {line}");
    }
    assert!(
        !stack.envoy.log().contains("Function: proxy_on"),
        "a VM trapped"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn any_bytes_in_any_header_get_a_decision() {
    let rule = json!({"key_auth": {"header": "apikey", "query": "apikey", "cookie": "apikey"}, "basic_auth": {}, "bearer": {}});
    let stack = Stack::with(|config| config.rules(json!([rule])).with_envoys_defaults()).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let every_byte: Vec<u8> = (0x20..=0xff_u8).filter(|byte| *byte != 0x7f).collect();
    for name in [
        "apikey",
        "authorization",
        "cookie",
        "x-anything",
        "content-type",
        "te",
    ] {
        for prefix in [&b""[..], b"Basic ", b"Bearer ", b"apikey="] {
            let header = [name.as_bytes(), b": ", prefix, &every_byte].concat();
            let request = raw::request("GET / HTTP/1.1", &[HOST, &header]);
            let answer = raw::exchange(client.address(), &request).await;
            let status = raw::status(&answer);
            assert!(matches!(status, 400 | 401), "{name}: {answer}");
        }
    }
    let value = b"x-anything: \xff\xfe\x80";
    let credential = format!("apikey: {key}");
    let request = raw::request("GET / HTTP/1.1", &[HOST, value, credential.as_bytes()]);
    let answer = raw::exchange(client.address(), &request).await;
    assert_eq!(raw::status(&answer), 200, "{answer}");
    unharmed(&stack, &client, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_headers_get_an_answer() {
    let stack = Stack::with(|config| {
        let rule = json!({"key_auth": {}, "basic_auth": {}, "bearer": {}});
        config
            .rules(json!([rule]))
            .with_connection_manager(|manager| {
                manager["max_request_headers_kb"] = json!(400);
                manager["common_http_protocol_options"]["max_headers_count"] = json!(1000);
            })
    })
    .await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let huge = "x".repeat(100 * 1024);
    for header in [
        format!("apikey: {huge}"),
        format!("authorization: {huge}"),
        format!("authorization: Basic {huge}"),
        format!("authorization: Bearer {huge}"),
        format!("cookie: apikey={huge}"),
        format!("x-anything: {huge}"),
    ] {
        let request = raw::request("GET / HTTP/1.1", &[HOST, header.as_bytes()]);
        let answer = raw::exchange(client.address(), &request).await;
        assert_eq!(
            raw::status(&answer),
            401,
            "{}",
            &answer[..answer.len().min(300)]
        );
    }
    let long_query = raw::request(&format!("GET /?apikey={huge} HTTP/1.1"), &[HOST]);
    let answer = raw::exchange(client.address(), &long_query).await;
    assert_eq!(raw::status(&answer), 401);

    let many: Vec<String> = (0..900)
        .map(|number| format!("x-{number}: {number}"))
        .collect();
    let mut headers: Vec<&[u8]> = many.iter().map(String::as_bytes).collect();
    headers.push(HOST);
    let answer = raw::exchange(client.address(), &raw::request("GET / HTTP/1.1", &headers)).await;
    assert_eq!(raw::status(&answer), 401);

    let too_much = format!("x-anything: {}", "x".repeat(500 * 1024));
    let request = raw::request("GET / HTTP/1.1", &[HOST, too_much.as_bytes()]);
    let answer = raw::exchange(client.address(), &request).await;
    assert!(matches!(raw::status(&answer), 431 | 0), "Envoy's own limit");
    unharmed(&stack, &client, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_which_has_no_path_gets_a_decision() {
    let stack = Stack::with_rule(json!({"key_auth": {"hide_credentials": true}})).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let connect = "CONNECT api.example.com:443 HTTP/1.1";
    let answer = raw::exchange(client.address(), &raw::request(connect, &[HOST])).await;
    assert_eq!(raw::status(&answer), 401, "{answer}");
    let credential = format!("apikey: {key}");
    let request = raw::request(connect, &[HOST, credential.as_bytes()]);
    let answer = raw::exchange(client.address(), &request).await;
    assert_eq!(
        raw::status(&answer),
        404,
        "it may, but there is no such route: {answer}"
    );
    unharmed(&stack, &client, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_is_refused_where_a_rule_looks_at_the_path() {
    let rules = json!([{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}}]);
    let stack = Stack::with_rules(rules).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    let connect = "CONNECT api.example.com:443 HTTP/1.1";
    let answer = raw::exchange(client.address(), &raw::request(connect, &[HOST])).await;
    assert_eq!(raw::status(&answer), 400, "{answer}");
    unharmed(&stack, &client, &key).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_request_lines_get_an_answer() {
    let rules = json!([
        {"hosts": ["other.example.com"], "paths": [{"prefix": "/x"}], "methods": ["GET"], "public": true},
        {"key_auth": {}},
    ]);
    let stack = Stack::with_rules(rules).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    for line in [
        "OPTIONS * HTTP/1.1",
        "GET http://api.example.com/ HTTP/1.1",
        "GET /? HTTP/1.1",
        "GET /?& HTTP/1.1",
        "GET /?apikey HTTP/1.1",
        "GET /?apikey= HTTP/1.1",
        "GET /?apikey=%zz%8 HTTP/1.1",
        "GET /?%61pikey=x HTTP/1.1",
        "GET /# HTTP/1.1",
        "PATCH /x%2fy HTTP/1.1",
        "GET / HTTP/1.0",
        "TRACE / HTTP/1.1",
        "FOO / HTTP/1.1",
    ] {
        let answer = raw::exchange(client.address(), &raw::request(line, &[HOST])).await;
        let status = raw::status(&answer.replacen("HTTP/1.0", "HTTP/1.1", 1));
        assert!(
            matches!(status, 400 | 401 | 403 | 404 | 426),
            "{line}: {answer}"
        );
    }
    for host in [
        &b"host: "[..],
        b"host: [::1]:80",
        b"host: [",
        b"host: \xff",
        b"host: a:b:c",
        b"host: a b",
    ] {
        let answer =
            raw::exchange(client.address(), &raw::request("GET / HTTP/1.1", &[host])).await;
        assert!(matches!(raw::status(&answer), 400 | 401), "{answer}");
    }
    unharmed(&stack, &client, &key).await;
}
