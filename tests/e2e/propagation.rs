//! How long a revocation takes to reach a serving Envoy. Measured and printed, not asserted.

use std::time::{Duration, Instant};

use e2e::{http::Call, stack::Stack};
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

        let path = format!("/v1/credentials/{}", key.id);
        let call = client.get("/").key(&key.secret);
        taken.push(refused_after(&stack, &path, &call).await);
    }
    taken.sort();
    e2e::say(&format!(
        "a revocation was refused by every worker after {:.1?} (median), {:.1?} (slowest of {ROUNDS}), counted from \
         the registry's answer\n",
        taken[ROUNDS / 2],
        taken[ROUNDS - 1],
    ));
}

/// Deletes what is there, and says how long after the answer every worker refuses the call.
pub(super) async fn refused_after(stack: &Stack, path: &str, call: &Call) -> Duration {
    let client = stack.client().await;
    // Sessions of both workers, with overwhelming probability.
    let mut sessions = Vec::new();
    for _ in 0..6 {
        sessions.push(client.connect().await);
    }
    stack.admin().delete(path).await;
    let accepted = Instant::now();
    for session in &mut sessions {
        loop {
            let answer = session.send(call.clone()).await.expect("an answer");
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
    accepted.elapsed()
}
