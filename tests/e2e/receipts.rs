//! Which gateways have a change, told by two of them.

use e2e::{
    envoy::{Envoy, Start, config::Config},
    eventually::eventually,
    feed_proxy::{Conduct, FeedProxy},
    http::Client,
    stack::{Foundation, READY},
};
use serde_json::{Value, json};

/// Keeps a worker busy for two seconds of its processor time, and says that it begins.
const STALLING: &str = r#"
function envoy_on_request(handle)
  if handle:headers():get("x-stall") then
    handle:logErr("a worker stalls")
    local began = os.clock()
    while os.clock() - began < 2 do end
  end
end
"#;

/// A configuration in which a request can stall its worker.
fn stallable(config: Config) -> Config {
    config.with_connection_manager(|manager| {
        let lua = json!({
            "name": "stall",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": STALLING},
            },
        });
        let filters = manager["http_filters"].as_array_mut().expect("filters");
        filters.insert(0, lua);
    })
}

async fn client(envoy: &Envoy) -> Client {
    let client = Client::new(envoy.listener("api").await.expect("a listener"));
    client.get(READY).until(200).await;
    client
}

/// Two gateways that have everything: the first goes on for ever without the registry, and what the registry tells the second
/// goes through a proxy.
struct Two {
    foundation: Foundation,
    first: Envoy,
    _second: Envoy,
    clients: [Client; 2],
    proxy: FeedProxy,
}

impl Two {
    async fn start() -> Self {
        let foundation = Foundation::lay().await;
        let registry = foundation.registry.settings().listen;
        let proxy = FeedProxy::start(registry).await;
        let config = stallable(foundation.config().rules(json!([{"key_auth": {}}])));
        let unbounded = config.clone().with_filter(|filter| {
            filter["registry"]["max_staleness_seconds"] = json!("off");
        });
        let proxied = config
            .cluster("keysmith_feed", proxy.address())
            .with_filter(|filter| filter["registry"]["gateway"] = json!("edge-2"));
        let first = Envoy::start(foundation.start(&unbounded)).await;
        let second = Envoy::start(Start {
            name: "second",
            ..foundation.start(&proxied)
        })
        .await;
        let clients = [client(&first).await, client(&second).await];
        Self {
            foundation,
            first,
            _second: second,
            clients,
            proxy,
        }
    }

    /// A key that works at both.
    async fn key(&self) -> e2e::admin::Credential {
        let key = self.foundation.registry.admin().key("jack").await;
        for client in &self.clients {
            client.get("/").key(&key.secret).until(200).await;
        }
        self.until_applied(&format!("/v1/credentials/{}", key.id), "propagation")
            .await;
        key
    }

    /// Waits until both have what is shown there.
    async fn until_applied(&self, path: &str, field: &str) -> Value {
        let admin = self.foundation.registry.admin();
        eventually("both gateways have the change", || async {
            let shown = admin.get(path).await;
            let receipt = shown.get(field).unwrap_or(&shown).clone();
            if (&receipt["applied"], &receipt["of"]) == (&json!(2), &json!(2)) {
                Ok(receipt)
            } else {
                Err(receipt)
            }
        })
        .await
    }

    /// Deletes the credential; the answer comes when both have it or after these seconds.
    async fn delete(&self, id: &str, seconds: u64) -> Value {
        let admin = self.foundation.registry.admin();
        let wait = format!("wait={seconds}");
        let call = admin.call("DELETE", &format!("/v1/credentials/{id}"));
        let answer = call.header("prefer", &wait).send().await.expect(200);
        assert_eq!(answer.header("preference-applied"), wait);
        let receipt = answer.json()["propagation"].clone();
        assert_eq!(
            answer.header("keysmith-revision"),
            receipt["revision"].to_string()
        );
        receipt
    }
}

fn of<'a>(receipt: &'a Value, gateway: &str) -> &'a Value {
    let gateways = receipt["gateways"].as_array().expect("gateways");
    let found = gateways.iter().find(|one| one["gateway"] == gateway);
    found.unwrap_or_else(|| panic!("no {gateway} in {receipt}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_answered_when_every_gateway_refuses() {
    let two = Two::start().await;
    let key = two.key().await;
    let receipt = two.delete(&key.id, 20).await;
    assert_eq!(
        (
            &receipt["applied"],
            &receipt["of"],
            &receipt["may_admit_until"]
        ),
        (&json!(2), &json!(2), &Value::Null),
        "{receipt}"
    );
    assert!(receipt["after_ms"].is_u64(), "{receipt}");
    for client in &two.clients {
        let call = client.get("/").key(&key.secret);
        call.consistently(401)
            .await
            .expect("refused by every worker");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_cut_off_and_one_with_a_stalled_worker_are_seen_in_the_answer() {
    let two = Two::start().await;
    let key = two.key().await;
    two.proxy.conduct(Conduct::Holding);
    let stall = two.clients[0]
        .get("/")
        .header("x-stall", "1")
        .key(&key.secret);
    let stalled = tokio::spawn(stall.send());
    eventually("a worker stalls", || async {
        let log = two.first.log();
        if log.contains("a worker stalls") {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;

    let receipt = two.delete(&key.id, 1).await;
    assert_eq!(
        (&receipt["applied"], &receipt["of"]),
        (&json!(0), &json!(2)),
        "{receipt}"
    );
    assert_eq!(receipt["after_ms"], Value::Null);
    let (first, second) = (of(&receipt, "edge-1"), of(&receipt, "edge-2"));
    for one in [first, second] {
        assert_eq!(one["state"], "pending", "{receipt}");
        assert!(
            one["revision"].as_u64() < receipt["revision"].as_u64(),
            "{receipt}"
        );
    }
    assert_eq!(first["may_admit_until"], Value::Null, "it never stops");
    assert_eq!(receipt["unbounded"], true);
    assert!(second["may_admit_until"].is_string(), "{receipt}");
    let call = two.clients[1].get("/").key(&key.secret);
    call.send().await.expect(200);

    // It looks at what has changed before it decides.
    stalled.await.expect("an answer").expect(401);
    two.proxy.conduct(Conduct::Honest);
    let path = format!("/v1/changes/{}", receipt["revision"]);
    let healed = two.until_applied(&path, "").await;
    assert!(healed["after_ms"].as_u64() >= Some(1000), "{healed}");
    assert_eq!(healed["may_admit_until"], Value::Null);
    for client in &two.clients {
        let call = client.get("/").key(&key.secret);
        call.consistently(401)
            .await
            .expect("refused by every worker");
    }
}
