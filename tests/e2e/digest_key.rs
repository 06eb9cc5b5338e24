//! A gateway group's digest key is replaced under load, and the registry is killed in every phase of it.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use e2e::{admin::Admin, eventually::eventually, http::Client, left, stack::Stack};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const GROUP: &str = "/v1/gateway-groups/default";
/// Records, which are taken 200 at a time.
const IMPORTED: usize = 1_200;
/// A gateway that never says that it has gone over.
const LAGGARD: &str = "000102030405060708090a0b0c0d0e0f";

async fn state(admin: &Admin) -> Value {
    let path = format!("{GROUP}/digest-key");
    admin.get(&path).await
}

fn imported(number: usize) -> String {
    format!("a-key-of-an-earlier-gateway-{number:06}")
}

async fn import(admin: &Admin) {
    let lines: Vec<String> = (0..IMPORTED)
        .map(|number| {
            let (name, value) = (format!("key-{number}"), imported(number));
            let line = json!({
                "application": "imported", "create_application": true, "type": "api_key", "name": name, "value": value,
            });
            line.to_string()
        })
        .collect();
    let call = admin.call("POST", "/v1/import");
    let call = call.body("application/x-ndjson", lines.join("\n").into_bytes());
    let answer = call.send().await.expect(200).text();
    assert_eq!(answer.matches("\"created\"").count(), IMPORTED);
}

/// Credentials that nobody is admitted with now, and how each comes back.
struct Dormant {
    /// What admits again, and what to change for it.
    sleepers: Vec<(String, String, Value)>,
}

impl Dormant {
    async fn make(admin: &Admin, client: &Client) -> Self {
        let disabled = admin.key("disabled").await;
        let path = format!("/v1/credentials/{}", disabled.id);
        admin.patch(&path, json!({"enabled": false})).await;
        let mut sleepers = vec![(disabled.secret, path, json!({"enabled": true}))];

        let application = admin.application(json!({"name": "asleep"})).await;
        let body = json!({"type": "api_key", "name": "key"});
        let key = admin.credential(&application, body).await;
        let path = format!("/v1/applications/{application}");
        admin.patch(&path, json!({"enabled": false})).await;
        sleepers.push((key.secret, path, json!({"enabled": true})));

        let expired = admin.key("expired").await;
        client.get("/").key(&expired.secret).until(200).await;
        let path = format!("/v1/credentials/{}", expired.id);
        let soon = Timestamp::now() + SignedDuration::from_secs(5);
        admin
            .patch(&path, json!({"expires_at": soon.to_string()}))
            .await;
        client.get("/").key(&expired.secret).until(401).await;
        sleepers.push((expired.secret, path, json!({"expires_at": null})));
        Self { sleepers }
    }

    async fn wake(self, admin: &Admin, client: &Client) {
        for (key, path, change) in self.sleepers {
            admin.patch(&path, change).await;
            client.get("/").key(&key).until(200).await;
        }
    }
}

/// Callers who present their keys in turn until they are told that it is over.
struct Load {
    is_over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    refused: JoinHandle<Vec<u16>>,
}

impl Load {
    fn of(client: &Client, keys: Vec<String>) -> Self {
        let (is_over, asked) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let load = (Arc::clone(&is_over), Arc::clone(&asked), client.clone());
        let refused = tokio::spawn(async move {
            let (is_over, asked, client) = load;
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
        });
        Self {
            is_over,
            asked,
            refused,
        }
    }

    async fn end(self) {
        let so_far = self.asked.load(Ordering::SeqCst);
        eventually("requests are decided under the new key alone", || async {
            let more = self.asked.load(Ordering::SeqCst) > so_far + 50;
            more.then_some(()).ok_or("not enough")
        })
        .await;
        self.is_over.store(true, Ordering::SeqCst);
        assert_eq!(self.refused.await.expect("the load"), Vec::<u16>::new());
    }
}

/// Says that a second gateway has nothing yet, until the registry has written that down.
async fn lag(stack: &Stack) {
    let settings = stack.registry.settings();
    let installation = left::rows(settings, "installation");
    let report = json!({
        "gateway": "laggard", "instance": LAGGARD, "sequence": 1, "epoch": hex(&installation[0]["epoch"]), "revision": 1,
        "complete": true, "workers": 1, "max_staleness_seconds": 3600,
    });
    let call = stack.registry.client().call("POST", "/v1/gateway/report");
    let call = call.bearer(&settings.gateway_token).json(&report);
    call.send().await.expect(204);
    eventually("the laggard is written down", || async {
        let rows = left::rows(settings, "gateways");
        let is_there = rows.iter().any(|row| hex(&row["instance"]) == LAGGARD);
        is_there.then_some(()).ok_or(rows)
    })
    .await;
}

/// Bytes as a backup has them, as the API has them.
fn hex(base64: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(base64.as_str().unwrap_or_default());
    let bytes = bytes.expect("bytes in base64");
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Kills the registry in this phase, once something of it is done; starts it again, and sees that it does its work.
async fn kill_in(stack: &mut Stack, client: &Client, phase: &str, done: Option<&str>) {
    let admin = stack.admin();
    loop {
        let now = state(&admin).await;
        let replacement = &now["replacement"];
        assert!(replacement.is_object(), "{phase} was missed: {now}");
        let has_begun = done.is_none_or(|field| replacement[field] != 0);
        if replacement["phase"] == phase && has_begun {
            break;
        }
    }
    stack.registry.kill();
    let rows = left::rows(stack.registry.settings(), "digest_rotations");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["phase"], phase);
    if let Some(field) = done {
        let (done, all) = (rows[0][field].as_u64(), rows[0]["records"].as_u64());
        assert!(done > Some(0) && done < all, "{rows:?}");
    }
    stack.registry.restart().await;
    let added = stack.admin().key(&format!("later-{phase}")).await.secret;
    client.get("/").key(&added).until(200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_while_the_digest_key_is_replaced_and_the_registry_is_killed_in_every_phase()
 {
    let mut stack = Stack::with_rules(json!([{"key_auth": {}}])).await;
    let (client, admin) = (stack.client().await, stack.admin());
    import(&admin).await;
    let mut keys = vec![imported(0), imported(IMPORTED / 2), imported(IMPORTED - 1)];
    for name in ["jack", "jill", "anna", "otto"] {
        keys.push(admin.key(name).await.secret);
    }
    for key in &keys {
        client.get("/").key(key).until(200).await;
    }
    let unused = admin.key("unused").await.secret;
    let dormant = Dormant::make(&admin, &client).await;
    lag(&stack).await;

    let load = Load::of(&client, keys);
    let begin = format!("{GROUP}/rotate-digest-key");
    admin.post(&begin, json!({})).await.expect(202);
    kill_in(&mut stack, &client, "adding", Some("added")).await;
    kill_in(&mut stack, &client, "switched", None).await;
    let laggard = format!("/v1/gateways/{LAGGARD}");
    admin.delete(&laggard).await;
    kill_in(&mut stack, &client, "removing", Some("removed")).await;
    eventually("the key is replaced", || async {
        let now = state(&admin).await;
        let is_replaced = now["replacement"].is_null() && now["version"] == 2;
        is_replaced.then_some(()).ok_or(now)
    })
    .await;
    load.end().await;
    dormant.wake(&admin, &client).await;
    client.get("/").key(&unused).until(200).await;
    client.get("/").key("unknown-key").until(401).await;
    let left = left::rows(stack.registry.settings(), "deployed_secrets");
    assert!(left.len() > IMPORTED && left.iter().all(|row| row["key_version"] == 2));
}
