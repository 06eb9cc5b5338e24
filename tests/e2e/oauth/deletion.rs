//! An OAuth client that is deleted is refused in the same time as an API key: both are one change of the feed.

use std::time::Duration;

use e2e::{
    admin::Credential,
    eventually::eventually,
    feed_proxy::{Conduct, FeedProxy},
    http::Call,
    stack::{Foundation, Stack},
};
use serde_json::{Value, json};

use super::{
    builtin::{self, issuer},
    scene::SCOPE,
};
use crate::propagation::refused_after;

const AUDIENCE: &str = "https://api.example.com/orders";
const ROUNDS: usize = 20;

/// A gateway that accepts keys and tokens; what the registry tells it goes through a proxy.
struct Scene {
    stack: Stack,
    proxy: FeedProxy,
    client: e2e::http::Client,
    application: String,
    issuer: String,
}

/// A key and a client that are let in, and how they call.
struct Pair {
    key: Credential,
    service: Credential,
    calls: [Call; 2],
}

impl Scene {
    async fn new() -> Self {
        let foundation = Foundation::lay().await;
        let issuer = issuer(&foundation);
        let proxy = FeedProxy::start(foundation.registry.settings().listen).await;
        let bearer = json!({"accept": ["jwt"], "issuers": [issuer], "audiences": [AUDIENCE]});
        let rules = json!([{"key_auth": {}, "bearer": bearer, "required_scopes": [SCOPE]}]);
        let config = foundation.config().rules(rules);
        let config = config.cluster("keysmith_feed", proxy.address());
        let stack = foundation.envoy(&config).await;
        stack.ready().await;
        let client = stack.client().await;
        let application = json!({"name": "jack", "scopes": [SCOPE]});
        let application = stack.admin().application(application).await;
        Self {
            stack,
            proxy,
            client,
            application,
            issuer,
        }
    }

    async fn pair(&self, name: &str) -> Pair {
        let admin = self.stack.admin();
        let key = json!({"type": "api_key", "name": format!("{name}-key"), "scopes": [SCOPE]});
        let key = admin.credential(&self.application, key).await;
        let service = builtin::service(&admin, &self.application, name, &[AUDIENCE]).await;
        let token = builtin::token(&self.issuer, &service, &[]).await;
        let calls = [
            self.client.get("/").key(&key.secret),
            self.client.get("/").bearer(&token.expect("a token")),
        ];
        for call in &calls {
            call.until(200).await;
        }
        Pair {
            key,
            service: service.credential,
            calls,
        }
    }

    async fn deleted(&self, credential: &Credential, seconds: u32) -> Value {
        let path = format!("/v1/credentials/{}", credential.id);
        let call = self.stack.admin().call("DELETE", &path);
        let call = call.header("prefer", format!("wait={seconds}"));
        call.send().await.expect(200).json()["propagation"].clone()
    }
}

fn come_to(receipt: &Value) -> (&Value, &Value) {
    (&receipt["applied"], &receipt["of"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_and_a_deleted_key_are_refused_by_the_same_change_of_the_feed() {
    let scene = Scene::new().await;
    let pair = scene.pair("svc").await;
    scene.proxy.conduct(Conduct::Holding);
    let of_client = scene.deleted(&pair.service, 1).await;
    let of_key = scene.deleted(&pair.key, 1).await;
    for receipt in [&of_client, &of_key] {
        assert_eq!(come_to(receipt), (&json!(0), &json!(1)), "{receipt}");
    }
    let revision = |receipt: &Value| receipt["revision"].as_u64().expect("a revision");
    assert!(revision(&of_client) < revision(&of_key), "a change each");
    for call in &pair.calls {
        let admitted = call.consistently(200).await;
        admitted.expect("nobody has told the gateway");
    }
    scene.proxy.conduct(Conduct::Honest);
    let admin = scene.stack.admin();
    for receipt in [of_client, of_key] {
        let path = format!("/v1/changes/{}", receipt["revision"]);
        eventually("the gateway has the change", || async {
            let shown = admin.get(&path).await;
            if come_to(&shown) == (&json!(1), &json!(1)) {
                Ok(())
            } else {
                Err(shown)
            }
        })
        .await;
    }
    for call in &pair.calls {
        let refused = call.consistently(401).await;
        refused.expect("refused by every worker");
    }
}

/// Measured and printed; that each is refused when its receipt says so is asserted.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_client_is_refused_in_the_time_of_an_api_key() {
    let scene = Scene::new().await;
    let mut taken: [Vec<Duration>; 2] = Default::default();
    for round in 0..ROUNDS {
        let pair = scene.pair(&format!("svc{round}")).await;
        let deleted = [&pair.key, &pair.service];
        for ((call, credential), taken) in pair.calls.iter().zip(deleted).zip(&mut taken) {
            let path = format!("/v1/credentials/{}", credential.id);
            taken.push(refused_after(&scene.stack, &path, call).await);
        }
    }
    let pair = scene.pair("last").await;
    for (credential, call) in [&pair.key, &pair.service].into_iter().zip(&pair.calls) {
        let receipt = scene.deleted(credential, 20).await;
        assert_eq!(come_to(&receipt), (&json!(1), &json!(1)), "{receipt}");
        call.consistently(401)
            .await
            .expect("refused by every worker");
    }
    for taken in &mut taken {
        taken.sort();
    }
    let [key, client] = taken;
    e2e::say(&format!(
        "deleted and then refused by every worker after, counted from the registry's answer: an API key {:.1?} (median), \
         {:.1?} (slowest of {ROUNDS}); an OAuth client {:.1?}, {:.1?}\n",
        key[ROUNDS / 2],
        key[ROUNDS - 1],
        client[ROUNDS / 2],
        client[ROUNDS - 1],
    ));
}
