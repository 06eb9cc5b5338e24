//! Clients that leave, or wait, while their password is verified.

use e2e::{
    eventually::eventually,
    feed_proxy::{Conduct, FeedProxy},
    http::basic,
    raw,
    stack::{Foundation, Stack},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

const PASSWORD: &str = "a chosen password";

/// Two users with chosen passwords; verifications go through the proxy.
async fn stack() -> (Stack, FeedProxy) {
    let foundation = Foundation::lay().await;
    let proxy = FeedProxy::start(foundation.registry.settings().listen).await;
    let config = foundation
        .config()
        .cluster("keysmith_verify", proxy.address())
        .rules(json!([{"basic_auth": {}}]));
    let stack = foundation.envoy(&config).await;
    let admin = stack.admin();
    let office = admin.application(json!({"name": "office"})).await;
    for username in ["ann", "bob", "cleo"] {
        let body =
            json!({"type": "basic", "name": username, "username": username, "password": PASSWORD});
        admin.credential(&office, body).await;
    }
    stack.ready().await;
    stack
        .client()
        .await
        .get("/")
        .basic("cleo", PASSWORD)
        .until(200)
        .await;
    (stack, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_never_reaches_another_caller_when_its_own_has_left() {
    let (stack, proxy) = stack().await;
    let client = stack.client().await;
    proxy.conduct(Conduct::Holding);

    let mut leavers = Vec::new();
    for number in 0..20 {
        // Right and wrong ones, from callers who will not be there for the answer.
        let password = if number % 2 == 0 {
            PASSWORD.to_owned()
        } else {
            format!("wrong {number}")
        };
        let authorization = format!("authorization: {}", basic("ann", &password));
        let request = raw::request("GET / HTTP/1.1", &[b"host: a", authorization.as_bytes()]);
        let mut stream = TcpStream::connect(client.address())
            .await
            .expect("a connection");
        stream.write_all(&request).await.expect("a request is sent");
        leavers.push(stream);
    }
    let stayers: Vec<_> = (0..20)
        .map(|number| {
            let right = number % 2 == 0;
            let password = if right {
                PASSWORD.to_owned()
            } else {
                format!("not right {number}")
            };
            let call = client.get("/").basic("bob", &password);
            tokio::spawn(async move { (right, call.send().await) })
        })
        .collect();
    eventually("verifications wait", || async {
        if proxy.held() >= 2 {
            Ok(())
        } else {
            Err(proxy.held())
        }
    })
    .await;
    drop(leavers);
    eventually("the leavers have left", || async {
        let active = stack.envoy.stat("http.api.downstream_rq_active").await;
        if active <= Some(20) {
            Ok(())
        } else {
            Err(active)
        }
    })
    .await;
    proxy.conduct(Conduct::Honest);

    for stayer in stayers {
        let (right, answer) = stayer.await.expect("an answer");
        match (right, answer.status) {
            (true, 200) => assert_eq!(answer.echoed().header("x-consumer-username"), "office"),
            // So many guesses at once may be limited, and that is never a verdict.
            (false, 401) | (_, 503) => {}
            _ => panic!("right: {right}, {answer:?}"),
        }
    }
    client
        .get("/")
        .basic("cleo", PASSWORD)
        .consistently(200)
        .await
        .expect("all workers live");
    client.get("/").basic("bob", PASSWORD).until(200).await;
    assert!(
        !stack.envoy.log().contains("Function: proxy_on"),
        "a VM trapped"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_verification_is_503_and_holds_up_nobody_else() {
    let (stack, proxy) = stack().await;
    let client = stack.client().await;
    proxy.conduct(Conduct::Holding);
    let call = client.get("/").basic("ann", PASSWORD);
    let waiting = tokio::spawn(async move { call.send().await });
    eventually("the verification waits", || async {
        if proxy.held() >= 1 {
            Ok(())
        } else {
            Err(proxy.held())
        }
    })
    .await;
    client
        .get("/")
        .basic("cleo", PASSWORD)
        .consistently(200)
        .await
        .expect("known");
    client.get("/").send().await.expect(401);

    let slow = waiting.await.expect("an answer").expect(503);
    assert_ne!(slow.header("retry-after"), "");
    proxy.conduct(Conduct::Honest);
    client.get("/").basic("ann", PASSWORD).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_that_fails_is_503_and_never_a_verdict() {
    let (stack, proxy) = stack().await;
    let client = stack.client().await;
    for conduct in [
        Conduct::Failing(500),
        Conduct::Failing(429),
        Conduct::Failing(200),
        Conduct::Garbled,
        Conduct::Failing(401),
    ] {
        proxy.conduct(conduct);
        let answer = client.get("/").basic("ann", PASSWORD).send().await;
        assert_eq!(answer.status, 503, "{conduct:?}: {answer:?}");
    }
    proxy.conduct(Conduct::Honest);
    client.get("/").basic("ann", PASSWORD).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_does_not_carry_a_waiting_request_on() {
    let stack = Stack::with(|config| {
        config
            .rules(json!([{"basic_auth": {}}]))
            // With this, Envoy lets filters that only stop the headers see the body, and goes on after it.
            .with_wasm(|wasm| wasm["allow_on_headers_stop_iteration"] = json!(true))
    })
    .await;
    let admin = stack.admin();
    let office = admin.application(json!({"name": "office"})).await;
    let body = json!({"type": "basic", "name": "ann", "username": "ann", "password": PASSWORD});
    admin.credential(&office, body).await;
    stack.ready().await;
    let client = stack.client().await;
    let post = |password: &str| {
        client
            .call("POST", "/")
            .basic("ann", password)
            .json(&json!({"any": "body"}))
    };
    post(PASSWORD).until(200).await;
    for guess in ["wrong 1", "wrong 2", "wrong 3"] {
        post(guess).send().await.expect(401);
    }
}
