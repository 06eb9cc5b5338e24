//! HTTP/2, gRPC and gRPC-Web.

use e2e::stack::Stack;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_decided_as_http1_is() {
    let stack = Stack::with_rule(json!({"key_auth": {}, "bearer": {}})).await;
    let client = stack.client().await.http2();
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    client
        .get("/")
        .send()
        .await
        .refused(401, "Authorization Failed");
    client
        .get("/")
        .key("wrong")
        .send()
        .await
        .refused(401, "Authorization Failed");
    let seen = client
        .get("/a?apikey=x")
        .key(&key)
        .header("x-consumer-username", "admin")
        .send()
        .await
        .echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    client.get("/").key(&key).key(&key).send().await.expect(400);
    // Cookies may be split over several headers in HTTP/2; that is not a repetition.
    client
        .get("/")
        .key(&key)
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .send()
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_is_the_host_in_http2() {
    let rules = json!([{"hosts": ["open.example.com"], "public": true}, {"key_auth": {}}]);
    let stack = Stack::with_rules(rules).await;
    let client = stack.client().await.http2();
    client
        .clone()
        .host("open.example.com")
        .get("/")
        .send()
        .await
        .expect(200);
    client
        .clone()
        .host("OPEN.example.com:443")
        .get("/")
        .send()
        .await
        .expect(200);
    client.get("/").send().await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_caller_is_refused_with_a_grpc_status_and_plain_text() {
    let rules = json!([
        {"paths": [{"prefix": "/admin.Service"}], "key_auth": {}, "allow_applications": ["nobody-else"]},
        {"key_auth": {}},
    ]);
    let stack = Stack::with_rules(rules).await;
    let client = stack.client().await.http2();
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let call = |path: &str| client.call("POST", path).grpc();
    for (call, status, message) in [
        (
            call("/orders.Service/Get"),
            "16",
            "Missing API key in request",
        ),
        (
            call("/orders.Service/Get").key("wrong"),
            "16",
            "Invalid API key in request",
        ),
        (
            call("/admin.Service/Get").key(&key),
            "7",
            "The consumer_name is forbidden.",
        ),
    ] {
        let answer = call.send().await.expect(200);
        assert_eq!(answer.header("grpc-status"), status);
        assert_eq!(answer.header("grpc-message").trim_end(), message);
        assert_eq!(answer.header("content-type"), "application/grpc");
    }
    let seen = call("/orders.Service/Get").key(&key).send().await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grpc_web_caller_is_refused_over_http() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let client = stack.client().await;
    for kind in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web-text",
    ] {
        let refused = client
            .call("POST", "/orders.Service/Get")
            .header("content-type", kind)
            .send()
            .await;
        refused.refused(401, "Missing API key in request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_forwarded_whole() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    let body = json!({"text": "x".repeat(300_000)});
    let length = body.to_string().len();
    let answer = client
        .call("POST", "/")
        .key(&key)
        .json(&body)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(answer["body_bytes"], length);
    let refused = client.call("POST", "/").json(&body).try_send().await;
    assert!(refused.is_ok_and(|answer| answer.status == 401));
}
