//! `make demo-oidc`: the demo with an identity provider that others wrote.

use std::{net::SocketAddr, path::Path};

use peers::{OidcProvider, Options};
use serde_json::json;

use super::{
    credentials::{self, APPLICATION},
    oauth::{Client, SCOPE},
    script::{Gate, Section, Step},
};
use crate::admin::Admin;

/// What the registry calls it.
const NAME: &str = "oidc-provider";

/// The provider, and a client that the registry has registered there.
#[derive(Debug)]
pub(super) struct Oidc {
    _process: OidcProvider,
    /// Its id at the registry.
    provider: String,
    client: Client,
}

impl Oidc {
    /// Starts the provider, makes it known to the registry, and has a client registered there.
    pub(super) async fn prepare(admin: &Admin, address: SocketAddr, folder: &Path) -> Self {
        let options = Options {
            port: address.port(),
            ..Options::default()
        };
        let registering = options.initial_access_token.clone();
        // It blocks until it is ready.
        let started = tokio::task::spawn_blocking(move || OidcProvider::start(options)).await;
        let process = started.expect("the provider starts");
        let body = json!({
            "name": NAME, "kind": "oidc", "issuer": process.issuer(),
            "secrets": {"initial_access_token": registering},
        });
        let made = admin.post("/v1/identity-providers", body).await;
        let provider = made.expect(201).json()["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        credentials::remove(admin).await;
        let application = json!({"name": APPLICATION, "scopes": [SCOPE]});
        let application = admin.application(application).await;
        let endpoint = format!("{}/token", process.issuer());
        let kept = folder.join("token");
        let client = Client::register(admin, &application, Some(NAME), endpoint, kept).await;
        Self {
            _process: process,
            provider,
            client,
        }
    }

    /// What to try.
    pub(super) fn sections(&self, gate: &Gate) -> Vec<Section> {
        let Gate {
            registry, admin, ..
        } = gate;
        let path = format!("{registry}/identity-providers/{}", self.provider);
        let trying = vec![
            Step(
                200,
                "discovery, clock, credentials, registration and keys",
                format!("-X POST {admin} {path}/verify"),
            ),
            Step(
                200,
                "its clients, compared with what the registry knows",
                format!("{admin} {path}/reconcile"),
            ),
        ];
        vec![
            ("Have the registry try the provider.", trying),
            (
                "Get a token from oidc-provider as the client that the registry has registered there, and call the API.",
                self.client.calls(gate),
            ),
            (
                "Delete the client. The gateway refuses its token, and oidc-provider knows it no more.",
                self.client.deletion(gate),
            ),
        ]
    }
}
