//! How long a revocation takes to reach a serving Envoy. Measured and printed, not asserted.

use std::time::{Duration, Instant};

use e2e::stack::Stack;
use serde_json::json;

const ROUNDS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_reaches_a_serving_envoy() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let application = admin.application(json!({"name": "jack"})).await;
    let mut taken = Vec::new();
    for round in 0..ROUNDS {
        let body = json!({"type": "api_key", "name": format!("k{round}")});
        let key = admin.credential(&application, body).await;
        client.get("/").key(&key.secret).until(200).await;

        // Sessions of both workers, with overwhelming probability.
        let mut sessions = Vec::new();
        for _ in 0..6 {
            sessions.push(client.connect().await);
        }
        admin.delete(&format!("/v1/credentials/{}", key.id)).await;
        let accepted = Instant::now();
        for session in &mut sessions {
            loop {
                let answer = session
                    .send(client.get("/").key(&key.secret))
                    .await
                    .expect("an answer");
                match answer.status {
                    401 => break,
                    200 => assert!(
                        accepted.elapsed() < Duration::from_secs(10),
                        "never refused"
                    ),
                    other => panic!("{other}: {answer:?}"),
                }
            }
        }
        taken.push(accepted.elapsed());
    }
    taken.sort();
    e2e::say(&format!(
        "a revocation was refused by every worker after {:.1?} (median), {:.1?} (slowest of {ROUNDS}), counted from \
         the registry's answer\n",
        taken[ROUNDS / 2],
        taken[ROUNDS - 1],
    ));
}
