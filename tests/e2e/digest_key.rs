//! A gateway group's digest key is replaced under load, and the registry is killed meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use e2e::{admin::Admin, eventually::eventually, stack::Stack};
use serde_json::{Value, json};

const GROUP: &str = "/v1/gateway-groups/default";

async fn state(admin: &Admin) -> Value {
    let path = format!("{GROUP}/digest-key");
    admin.get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_while_the_digest_key_is_replaced_and_the_registry_is_killed() {
    let mut stack = Stack::with_rules(json!([{"key_auth": {}}])).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let mut keys = Vec::new();
    for name in ["jack", "jill", "anna", "otto"] {
        let key = admin.key(name).await.secret;
        client.get("/").key(&key).until(200).await;
        keys.push(key);
    }
    let dormant = admin.key("dormant").await.secret;
    let (is_over, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load = {
        let (is_over, asked, client) = (Arc::clone(&is_over), Arc::clone(&asked), client.clone());
        tokio::spawn(async move {
            let mut refused = Vec::new();
            for key in keys.iter().cycle() {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                let answer = client.get("/").key(key).send().await;
                asked.fetch_add(1, Ordering::SeqCst);
                if answer.status != 200 {
                    refused.push(answer.status);
                }
            }
            refused
        })
    };
    let begin = format!("{GROUP}/rotate-digest-key");
    admin.post(&begin, json!({})).await.expect(202);
    let mut phases = Vec::new();
    for _ in 0..20 {
        let now = state(&admin).await;
        if now["replacement"].is_null() {
            break;
        }
        phases.push(now["replacement"]["phase"].clone());
        stack.registry.kill();
        stack.registry.restart().await;
        let added = admin.key(&format!("later{}", phases.len())).await.secret;
        client.get("/").key(&added).until(200).await;
    }
    eventually("the key is replaced", || async {
        let now = state(&admin).await;
        let is_replaced = now["replacement"].is_null() && now["version"] == 2;
        is_replaced.then_some(()).ok_or(now)
    })
    .await;
    let so_far = asked.load(Ordering::SeqCst);
    eventually("requests are decided under the new key alone", || async {
        let more = asked.load(Ordering::SeqCst) > so_far + 50;
        more.then_some(()).ok_or("not enough")
    })
    .await;
    is_over.store(true, Ordering::SeqCst);
    assert!(!phases.is_empty(), "it was killed before the end");
    assert_eq!(load.await.expect("the load"), Vec::<u16>::new());
    client.get("/").key(&dormant).until(200).await;
    client.get("/").key("unknown-key").until(401).await;
}
