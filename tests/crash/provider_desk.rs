//! A registry with a provider at which it can be made to die.

use std::collections::BTreeSet;

use e2e::{
    admin::Admin,
    eventually::eventually,
    http::{Call, answer::Answer},
    registry::{Registry, Settings},
};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fake_provider::{INITIAL_TOKEN, Manners, Moment, Provider},
    follower::Follower,
};

pub(crate) struct Desk {
    registry: Registry,
    pub(crate) provider: Provider,
    /// The provider's id at the registry.
    id: String,
    application: String,
    gateway: Follower,
    /// How many requests bore a key for their repetition.
    keys: usize,
    _folder: TempDir,
}

impl Desk {
    pub(crate) async fn new(manners: Manners) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::new(folder.path());
        settings.more = vec![
            ("LOG_LEVEL".to_owned(), "warn".to_owned()),
            (
                "OUTGOING_ALLOWED_NETWORKS".to_owned(),
                "127.0.0.0/8".to_owned(),
            ),
        ];
        let registry = Registry::start(settings, folder.path()).await;
        let provider = Provider::start(manners).await;
        let url = provider.url();
        let registration = match manners {
            Manners::Helpful => {
                json!({"list_endpoint": format!("{url}/clients"), "secret_rotation": {"by": "update"}})
            }
            Manners::Strict => json!({}),
        };
        let admin = registry.admin();
        let body = json!({
            "name": "elsewhere", "kind": "oidc", "issuer": url, "configuration": {"registration": registration},
            "secrets": {"initial_access_token": INITIAL_TOKEN},
        });
        let made = admin.post("/v1/identity-providers", body).await;
        let id = text(&made.expect(201).json()["id"]);
        let application = admin.application(json!({"name": "shop"})).await;
        let token = registry.settings().gateway_token.clone();
        let gateway = Follower::new(registry.client(), &token, false);
        Self {
            registry,
            provider,
            id,
            application,
            gateway,
            keys: 0,
            _folder: folder,
        }
    }

    pub(crate) fn admin(&self) -> Admin {
        self.registry.admin()
    }

    /// A call that can be repeated: the same each time it is sent.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &Value) -> Call {
        self.keys += 1;
        let call = self.admin().call(method, path).json(body);
        if method == "POST" {
            call.header("idempotency-key", format!("key-{}", self.keys))
        } else {
            call
        }
    }

    pub(crate) fn create(&mut self, name: &str) -> Call {
        let body = json!({
            "type": "oauth_client", "name": name, "provider": "elsewhere",
            "client": {"client_type": "confidential", "grant_types": ["client_credentials"]},
        });
        let path = format!("/v1/applications/{}/credentials", self.application);
        self.call("POST", &path, &body)
    }

    pub(crate) fn rotate(&mut self, credential: &str) -> Call {
        let path = format!("{credential}/rotate");
        self.call("POST", &path, &json!({"grace_period": 0}))
    }

    /// Has the registry die while it does `call`, and starts it again. The answer, if there was one.
    pub(crate) async fn kill(
        &mut self,
        call: Call,
        death: Option<(Method, Moment)>,
    ) -> Option<Answer> {
        let answer = match death {
            None => Some(call.send().await),
            Some((method, moment)) => {
                self.provider.die(method, moment);
                let mut asked = tokio::spawn(call.try_send());
                // A removal is answered before the provider is asked.
                self.provider.dying().await;
                self.registry.kill();
                (&mut asked).await.expect("a call").ok()
            }
        };
        self.registry.restart().await;
        answer
    }

    /// What the registry finds when it compares itself with the provider.
    async fn findings(&self) -> Vec<Value> {
        let path = format!("/v1/identity-providers/{}/reconcile", self.id);
        let found = self.admin().get(&path).await;
        found["findings"].as_array().expect("findings").clone()
    }

    /// Waits until the registry has done by itself what it can, and gives what is left.
    pub(crate) async fn settled(&self) -> Vec<Value> {
        eventually("nothing is under way", || async {
            let findings = self.findings().await;
            if findings.iter().any(is_under_way) {
                return Err(findings);
            }
            Ok(findings)
        })
        .await
    }

    /// Gives up what is left, and removes at the provider what it says is nobody's.
    pub(crate) async fn forget(&self, orphans: &BTreeSet<String>) {
        let path = format!("/v1/identity-providers/{}/reconcile", self.id);
        let forget = self.admin().post(&path, json!({"forget": true})).await;
        forget.expect(200);
        for orphan in orphans {
            self.provider.remove(orphan);
        }
    }

    /// Clients at the provider that no credential has. Where there is no list to find them in, the registry says by which
    /// mark people find them; where there is one, none is left.
    pub(crate) async fn orphans_named_by(
        &self,
        findings: &[Value],
        what: &str,
    ) -> BTreeSet<String> {
        let known = self.known().await;
        let clients = self.provider.clients();
        let orphans = clients.iter().filter(|(id, _)| !known.contains(*id));
        let orphans: BTreeSet<String> = orphans.map(|(id, _)| id.clone()).collect();
        if self.provider.manners() == Manners::Helpful {
            assert!(findings.is_empty(), "{what}: {findings:?}");
            assert!(orphans.is_empty(), "{what}: {orphans:?}");
        }
        for orphan in &orphans {
            let mark = text(&clients[orphan].metadata["software_version"]);
            let names = |one: &Value| text(&one["detail"]).contains(&mark);
            assert!(findings.iter().any(names), "{what}: {orphan} {findings:?}");
        }
        orphans
    }

    /// The clients that credentials have.
    async fn known(&self) -> BTreeSet<String> {
        let path = format!("/v1/applications/{}/credentials", self.application);
        let listed = self.admin().get(&path).await;
        let credentials = listed["items"].as_array().expect("credentials");
        let ids = credentials.iter().map(|one| &one["client"]["client_id"]);
        ids.map(text).collect()
    }

    pub(crate) fn there(&self) -> BTreeSet<String> {
        self.provider.clients().into_keys().collect()
    }

    /// The provider has the clients that the registry knows, and nothing is left to be done.
    pub(crate) async fn agrees(&self, what: &str) {
        assert_eq!(self.known().await, self.there(), "{what}");
        assert_eq!(self.findings().await, [] as [Value; 0], "{what}");
    }

    /// Whether gateways accept the client's tokens.
    pub(crate) async fn accepts(&mut self, client: &str) -> bool {
        self.gateway.catch_up().await.expect("the feed");
        self.gateway.accepts_client(self.provider.url(), client)
    }

    /// The secret in the answer is the one that the provider has of the client.
    pub(crate) fn is_good(&self, answer: &Value) {
        let client = text(&answer["client"]["client_id"]);
        let secret = text(&answer["secret"]["value"]);
        assert_eq!(self.provider.clients()[&client].secret, secret);
    }
}

/// Whether the registry goes on with it by itself. What waits for people says what they are to look for.
fn is_under_way(finding: &Value) -> bool {
    let detail = text(&finding["detail"]);
    let waits = ["that nobody knows", "registration access token is void"];
    finding["kind"] == "unfinished" && !waits.iter().any(|words| detail.contains(words))
}

pub(crate) fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}
