//! A VM that traps: the one that follows the feed, and one that serves requests.

use e2e::{
    eventually::eventually,
    fault::{self, MANY},
    feed_proxy::{Conduct, FeedProxy},
    http::{Call, Client},
    raw,
    stack::{Foundation, Stack},
};
use serde_json::json;

/// A stack whose module is fragile and whose feed goes through the proxy.
async fn stack() -> (Stack, FeedProxy) {
    let foundation = Foundation::lay().await;
    let proxy = FeedProxy::start(foundation.registry.settings().listen).await;
    let module = fault::fragile(foundation.folder.path());
    let config = foundation
        .config()
        .module(&module)
        .cluster("keysmith_feed", proxy.address())
        .rules(json!([{"key_auth": {}}]));
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    (stack, proxy)
}

async fn trap_a_worker(client: &Client) {
    let many: Vec<String> = (0..MANY).map(|number| format!("x-{number}: 1")).collect();
    let headers: Vec<&[u8]> = many
        .iter()
        .map(String::as_bytes)
        .chain([&b"host: a"[..]])
        .collect();
    let answer = raw::exchange(client.address(), &raw::request("GET / HTTP/1.1", &headers)).await;
    assert_eq!(raw::status(&answer), 503, "fails closed: {answer}");
}

/// A request may meet the trapped VM before it is replaced (503), and is never let in or told that its key is wrong.
async fn recovers(call: &Call, right: u16) {
    eventually("the worker is back", || async {
        let answer = call.clone().send().await;
        assert!(answer.status == right || answer.status == 503, "{answer:?}");
        call.consistently(right).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trapped_worker_comes_back_with_what_the_process_knows() {
    let (mut stack, _proxy) = stack().await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;

    // It comes back from what the process knows, not from the registry.
    stack.registry.kill();
    for _ in 0..4 {
        trap_a_worker(&client).await;
        recovers(&client.get("/").key(&key.secret), 200).await;
        recovers(&client.get("/").key("wrong"), 401).await;
    }

    // And it follows the feed again.
    stack.registry.restart().await;
    let other = admin.key("rose").await;
    client.get("/").key(&other.secret).until(200).await;
    admin.delete(&format!("/v1/credentials/{}", key.id)).await;
    client.get("/").key(&key.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_traps_another_vm_follows_the_feed() {
    let (stack, proxy) = stack().await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;

    proxy.conduct(Conduct::ManyHeaders);
    // A change is an answer, and the answer traps whoever polls.
    let during = admin.key("mary").await;
    eventually("the leader has trapped", || async {
        client
            .get("/")
            .key(&key.secret)
            .consistently(200)
            .await
            .map_err(|_| "a request failed")?;
        if stack.envoy.log().contains("proxy_on_http_call_response") {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    proxy.conduct(Conduct::Honest);

    client.get("/").key(&during.secret).until(200).await;
    let after = admin.key("rose").await;
    client.get("/").key(&after.secret).until(200).await;
    admin.delete(&format!("/v1/credentials/{}", key.id)).await;
    client.get("/").key(&key.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_pages_change_nothing() {
    let (stack, proxy) = stack().await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;

    for conduct in [
        Conduct::Garbled,
        Conduct::Failing(500),
        Conduct::Failing(200),
        Conduct::Failing(429),
    ] {
        proxy.conduct(conduct);
        let during = admin.key(&format!("during-{}", proxy_name(conduct))).await;
        client
            .get("/")
            .key(&key.secret)
            .consistently(200)
            .await
            .expect("still known");
        client
            .get("/")
            .key("wrong")
            .consistently(401)
            .await
            .expect("still unknown");
        proxy.conduct(Conduct::Honest);
        client.get("/").key(&during.secret).until(200).await;
    }
}

fn proxy_name(conduct: Conduct) -> String {
    format!("{conduct:?}").replace(['(', ')'], "-")
}
