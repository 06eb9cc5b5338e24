//! Several listeners in one VM, and listeners that come, change and go.

use std::{
    fs, slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use e2e::{
    built,
    envoy::config::{Config, DynamicListeners, LISTENER, change_filter, wasm_mut},
    eventually::eventually,
    fault,
    http::{Call, Client, Session, answer::Answer},
    stack::{Foundation, Stack},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// A stack whose listeners are in a file; it begins with the reference listener under these rules.
async fn dynamic(rules: Value) -> (Stack, DynamicListeners, Config) {
    let foundation = Foundation::lay().await;
    let fixed = foundation.config().rules(rules);
    // A port that stays the same when the listener changes.
    let fixed = fixed.listen(e2e::ports::free());
    let listeners = DynamicListeners::new(foundation.folder.path(), &[fixed.listener()]);
    let config = fixed.clone().dynamic_listeners(&listeners);
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    (stack, listeners, fixed)
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_with_contradictory_rules_share_a_vm_and_keep_their_own() {
    let stack = Stack::with(|config| {
        config
            .rules(json!([{"key_auth": {"header": "x-first"}}]))
            .second_listener("second", |filter| {
                filter["rules"] = json!([{"key_auth": {"header": "x-second"}}]);
            })
            .second_listener("open", |filter| filter["rules"] = json!([{"public": true}]))
    })
    .await;
    let key = stack.admin().key("jack").await.secret;
    let first = stack.client().await;
    let second = stack.client_of("second").await;
    let open = stack.client_of("open").await;
    first.get("/").header("x-first", &key).until(200).await;
    second.get("/").header("x-second", &key).until(200).await;

    for _ in 0..30 {
        let answers = tokio::join!(
            first.get("/").header("x-first", &key).send(),
            first.get("/").header("x-second", &key).send(),
            second.get("/").header("x-second", &key).send(),
            second.get("/").header("x-first", &key).send(),
            open.get("/").send(),
        );
        let answers: [Answer; 5] = answers.into();
        let statuses = answers.map(|answer| answer.status);
        assert_eq!(statuses, [200, 401, 200, 401, 200]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_other_gateway_groups_keep_apart() {
    let foundation = Foundation::lay().await;
    let admin = foundation.registry.admin();
    admin
        .post("/v1/gateway-groups", json!({"name": "partners"}))
        .await
        .expect(201);
    let token = admin
        .post(
            "/v1/gateway-groups/partners/tokens",
            json!({"description": "edge"}),
        )
        .await
        .expect(201);
    let token = token.json()["token"].as_str().expect("a token").to_owned();
    let config = foundation
        .config()
        .rules(json!([{"key_auth": {}}]))
        .second_listener("partners", |filter| {
            filter["rules"] = json!([{"key_auth": {}}]);
            filter["registry"]["token"] = json!({"inline": token});
            filter["registry"]["group"] = json!("partners");
        });
    let stack = foundation.envoy(&config).await;
    let ours = admin.key("jack").await.secret;
    let theirs = admin
        .application(json!({"name": "rose", "gateway_groups": ["partners"]}))
        .await;
    let theirs = admin
        .credential(&theirs, json!({"type": "api_key", "name": "k"}))
        .await
        .secret;

    let (first, second) = (stack.client().await, stack.client_of("partners").await);
    first.get("/").key(&ours).until(200).await;
    second.get("/").key(&theirs).until(200).await;
    first
        .get("/")
        .key(&theirs)
        .consistently(401)
        .await
        .expect("another group's");
}

/// Callers that go on and on, and note every answer that is not 200.
struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<(usize, Vec<String>)>>,
}

impl Load {
    fn start(call: &Call) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let callers = (0..4)
            .map(|_| {
                let (stop, call) = (Arc::clone(&stop), call.clone());
                tokio::spawn(async move {
                    let (mut sent, mut bad) = (0, Vec::new());
                    while !stop.load(Ordering::Relaxed) {
                        // A connection that Envoy closes while it drains is not the filter's answer.
                        if let Ok(answer) = call.clone().try_send().await {
                            sent += 1;
                            if answer.status != 200 {
                                bad.push(format!("{} {}", answer.status, answer.text()));
                            }
                        }
                    }
                    (sent, bad)
                })
            })
            .collect();
        Self { stop, callers }
    }

    /// Ends it. Nobody may have been refused.
    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (mut all, mut refused) = (0, Vec::new());
        for caller in self.callers {
            let (sent, bad) = caller.await.expect("a caller");
            all += sent;
            refused.extend(bad);
        }
        assert!(
            refused.is_empty(),
            "{} of {all} were refused: {refused:?}",
            refused.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_configuration_under_load_refuses_nobody() {
    let (stack, mut listeners, fixed) = dynamic(json!([{"key_auth": {"header": "x-old"}}])).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").header("x-old", &key).until(200).await;

    let load = Load::start(&client.get("/").header("x-old", &key).header("x-new", &key));
    for round in 0..4 {
        let (header, other) = if round % 2 == 0 {
            ("x-new", "x-old")
        } else {
            ("x-old", "x-new")
        };
        let mut listener = fixed.listener();
        change_filter(&mut listener, |filter| {
            filter["rules"] = json!([{"key_auth": {"header": header}}]);
        });
        listeners.replace(&[listener]);
        client.get("/").header(other, &key).until(401).await;
        client.get("/").header(header, &key).until(200).await;
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_the_module_under_load_refuses_nobody() {
    let (stack, mut listeners, fixed) = dynamic(json!([{"key_auth": {}}])).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;

    let load = Load::start(&client.get("/").key(&key.secret));
    for round in 0..3 {
        let mut listener = fixed.listener();
        let module = another_module(&stack, round);
        wasm_mut(&mut listener)["vm_config"]["code"]["local"]["filename"] = json!(module);
        listeners.replace(&[listener]);
        eventually("Envoy has taken the module", || async {
            let modified = stack.envoy.stat("listener_manager.listener_modified").await;
            if modified > Some(round) {
                Ok(())
            } else {
                Err(modified)
            }
        })
        .await;
        let newer = admin.key(&format!("round-{round}")).await;
        client.get("/").key(&newer.secret).until(200).await;
        admin.delete(&format!("/v1/credentials/{}", newer.id)).await;
        client.get("/").key(&newer.secret).until(401).await;
    }
    load.end().await;
}

fn another_module(stack: &Stack, round: u64) -> String {
    let module = fs::read(built::filter()).expect("the filter's module");
    let path = stack.folder().join(format!("module-{round}.wasm"));
    fs::write(&path, fault::renamed(module, &format!("round {round}"))).expect("a module file");
    path.to_str().expect("a path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_listener_keeps_deciding_by_its_own_rules() {
    let (stack, mut listeners, fixed) = dynamic(json!([{"key_auth": {"header": "x-old"}}])).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").header("x-old", &key).until(200).await;
    let mut session = client.connect().await;
    ask(&mut session, &client, &key, "x-old")
        .await
        .expect("an answer")
        .expect(200);

    let mut listener = fixed.listener();
    change_filter(&mut listener, |filter| {
        filter["rules"] = json!([{"public": true}]);
    });
    listeners.replace(&[listener]);
    client.get("/").until(200).await;

    // The connection is of the old listener: what is public in the new one is not public here.
    if let Ok(answer) = session.send(client.get("/")).await {
        assert_eq!(answer.status, 401);
        if let Some(Ok(answer)) = Some(ask(&mut session, &client, &key, "x-old").await) {
            assert_eq!(answer.status, 200);
        }
    }
}

async fn ask(
    session: &mut Session,
    client: &Client,
    key: &str,
    header: &str,
) -> Result<Answer, String> {
    session.send(client.get("/").header(header, key)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_followed_on_when_any_listener_is_removed() {
    let (stack, mut listeners, fixed) = dynamic(json!([{"key_auth": {}}])).await;
    let admin = stack.admin();
    let names = ["second", "third", "fourth"];
    let mut current = fixed.listener();
    // Whoever holds the poll, one of the removals takes it away; so each is removed in turn.
    for (round, name) in names.into_iter().enumerate() {
        let next = fixed.listener_like(name, |_| {});
        listeners.replace(&[current, next.clone()]);
        let client = stack.client_of(name).await;
        let before = admin.key(&format!("before-{round}")).await;
        client.get("/").key(&before.secret).until(200).await;

        listeners.replace(slice::from_ref(&next));
        let previous = if round == 0 {
            LISTENER
        } else {
            names[round - 1]
        };
        eventually("the other listener is gone", || async {
            match stack.envoy.listener(previous).await {
                None => Ok(()),
                Some(address) => Err(address),
            }
        })
        .await;
        let after = admin.key(&format!("after-{round}")).await;
        client.get("/").key(&after.secret).until(200).await;
        admin
            .delete(&format!("/v1/credentials/{}", before.id))
            .await;
        client.get("/").key(&before.secret).until(401).await;
        current = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_was_away_for_a_while_knows_what_happened() {
    let (stack, mut listeners, fixed) = dynamic(json!([{"key_auth": {}}])).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let key = admin.key("jack").await;
    client.get("/").key(&key.secret).until(200).await;

    listeners.replace(&[]);
    eventually("no listener", || async {
        match client.get("/").try_send().await {
            Err(_) => Ok(()),
            Ok(answer) => Err(answer),
        }
    })
    .await;
    admin.delete(&format!("/v1/credentials/{}", key.id)).await;
    let newer = admin.key("rose").await;
    listeners.replace(&[fixed.listener()]);

    eventually("the listener is back", || async {
        client.get("/").key(&newer.secret).try_send().await
    })
    .await;
    client.get("/").key(&newer.secret).until(200).await;
    client.get("/").key(&key.secret).until(401).await;
}
