//! A registry, an upstream and an Envoy between them.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    admin::Admin,
    built,
    echo::{Answers, Echo},
    envoy::{
        Envoy, Start,
        config::{Config, LISTENER},
    },
    eventually::eventually,
    http::Client,
    registry::{Registry, Settings},
};

/// Where the filter says whether it can decide, in every configuration that a stack starts with.
pub const READY: &str = "/keysmith/ready";

/// Everything that a deployment has.
///
/// The fields are dropped in this order: Envoy first, its folder last.
#[derive(Debug)]
pub struct Stack {
    /// The gateway.
    pub envoy: Envoy,
    /// The registry.
    pub registry: Registry,
    /// The upstream.
    pub upstream: Echo,
    folder: TempDir,
}

impl Stack {
    /// With the reference configuration.
    pub async fn start() -> Self {
        Self::with(|config| config).await
    }

    /// With these rules.
    pub async fn with_rules(rules: Value) -> Self {
        Self::with(|config| config.rules(rules)).await
    }

    /// With one rule for every request.
    pub async fn with_rule(rule: Value) -> Self {
        Self::with_rules(json!([rule])).await
    }

    /// With the reference configuration, changed.
    pub async fn with(change: impl FnOnce(Config) -> Config) -> Self {
        let foundation = Foundation::lay().await;
        let config = change(foundation.config());
        let stack = foundation.envoy(&config).await;
        stack.ready().await;
        stack
    }

    /// Somebody who manages the credentials.
    pub fn admin(&self) -> Admin {
        self.registry.admin()
    }

    /// Somebody who calls the API through the gateway.
    ///
    /// # Panics
    /// When Envoy has no such listener.
    pub async fn client(&self) -> Client {
        self.client_of(LISTENER).await
    }

    /// As [`Self::client`], through another listener.
    pub async fn client_of(&self, listener: &str) -> Client {
        let what = format!("Envoy listens on {listener}");
        eventually(&what, || async {
            let address = self.envoy.listener(listener).await;
            address.map(Client::new).ok_or("no such listener")
        })
        .await
    }

    /// Waits until every worker of the gateway can decide.
    pub async fn ready(&self) {
        self.client().await.get(READY).until(200).await;
    }

    /// Where the processes' files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A stack without its Envoy yet.
#[derive(Debug)]
pub struct Foundation {
    /// The registry.
    pub registry: Registry,
    /// The upstream.
    pub upstream: Echo,
    /// Where the processes' files are.
    pub folder: TempDir,
}

impl Foundation {
    /// A registry with nothing in it, and an echoing upstream.
    pub async fn lay() -> Self {
        Self::with(|_| {}).await
    }

    /// As [`Self::lay`], with other settings of the registry.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut settings = Settings::new(folder.path());
        change(&mut settings);
        let registry = Registry::start(settings, folder.path()).await;
        let upstream = Echo::start(Answers::Echo).await;
        Self {
            registry,
            upstream,
            folder,
        }
    }

    /// The reference configuration for this registry and upstream.
    pub fn config(&self) -> Config {
        let registry = self.registry.settings().listen;
        Config::on_free_ports(registry, self.upstream.address())
    }

    /// Starts Envoy with this configuration.
    pub async fn envoy(self, config: &Config) -> Stack {
        let envoy = Envoy::start(self.start(config)).await;
        Stack {
            envoy,
            registry: self.registry,
            upstream: self.upstream,
            folder: self.folder,
        }
    }

    /// How Envoy is started with this configuration.
    pub fn start<'a>(&'a self, config: &'a Config) -> Start<'a> {
        Start {
            binary: built::envoy(),
            config,
            node: Some("edge-1"),
            token: Some(&self.registry.settings().gateway_token),
            folder: self.folder.path(),
            name: "envoy",
        }
    }
}
