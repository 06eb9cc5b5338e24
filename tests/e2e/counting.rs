//! What credentials are used for, from the request at a gateway to the registry's word.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use e2e::{
    admin::{Admin, Credential},
    eventually::eventually,
    fault::{self, MANY},
    http::Client,
    raw,
    stack::{Foundation, Stack},
};
use serde_json::json;

/// A stack whose gateway reports every second, and whose module is fragile.
async fn stack() -> Stack {
    let foundation = Foundation::lay().await;
    let module = fault::fragile(foundation.folder.path());
    let config = foundation
        .config()
        .module(&module)
        .rules(json!([{"key_auth": {}}]))
        .with_filter(|filter| filter["registry"]["usage_seconds"] = json!(1));
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    stack
}

/// Uses a key until it has passed so many times. Until every worker knows it, or while one is being replaced, it is
/// nobody's.
async fn uses(client: &Client, key: &Credential, times: usize) {
    let passed = AtomicUsize::new(0);
    eventually("the key passes often enough", || async {
        for _ in passed.load(Relaxed)..times {
            let answer = client.get("/").key(&key.secret).send().await;
            if answer.status != 200 {
                return Err(answer.status);
            }
            passed.fetch_add(1, Relaxed);
        }
        Ok(())
    })
    .await;
}

/// The registry comes to know of exactly so many uses.
async fn counted(admin: &Admin, key: &Credential, times: u64) {
    let path = format!("/v1/credentials/{}", key.id);
    eventually("every use is known", || async {
        let shown = admin.get(&path).await;
        let allowed = shown["usage"]["allowed"].as_u64().expect("a number");
        assert!(allowed <= times, "{allowed} uses of {times}");
        if allowed == times {
            Ok(())
        } else {
            Err(format!("{allowed} of {times}"))
        }
    })
    .await;
}

async fn trap_a_worker(client: &Client) {
    let many: Vec<String> = (0..MANY).map(|number| format!("x-{number}: 1")).collect();
    let headers: Vec<&[u8]> = many
        .iter()
        .map(String::as_bytes)
        .chain([&b"host: a"[..]])
        .collect();
    raw::exchange(client.address(), &raw::request("GET / HTTP/1.1", &headers)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_use_is_counted_once_also_while_the_registry_is_away_and_after_traps() {
    let mut stack = stack().await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    uses(&client, &key, 30).await;
    counted(&admin, &key, 30).await;

    stack.registry.kill();
    uses(&client, &key, 20).await;
    stack.registry.restart().await;
    counted(&admin, &key, 50).await;

    for _ in 0..4 {
        trap_a_worker(&client).await;
    }
    uses(&client, &key, 10).await;
    counted(&admin, &key, 60).await;
}
