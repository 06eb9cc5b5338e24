//! What the demo has of OAuth: a client, and what to try with its access token.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::script::{Gate, Step};
use crate::admin::{Admin, Credential};

/// What its tokens may be used for: what `envoy/envoy.yaml` asks for under `/tokens`.
pub(super) const SCOPE: &str = "orders:read";
/// Whom its tokens are for, as `envoy/envoy.yaml` has it.
const AUDIENCE: &str = "https://api.example.test/orders";

/// An OAuth client.
#[derive(Debug)]
pub(super) struct Client {
    credential: Credential,
    /// Where it gets tokens.
    token_endpoint: String,
    /// Into which file its token goes.
    kept: PathBuf,
}

impl Client {
    /// Registers one at this provider, or at the registry itself.
    pub(super) async fn register(
        admin: &Admin,
        application: &str,
        provider: Option<&str>,
        token_endpoint: String,
        kept: PathBuf,
    ) -> Self {
        let mut body = json!({"type": "oauth_client", "name": "client", "scopes": [SCOPE]});
        match provider {
            None => body["client"] = json!({"resources": [AUDIENCE]}),
            Some(provider) => {
                body["provider"] = json!(provider);
                body["client"] = json!({"scope": SCOPE});
            }
        }
        Self {
            credential: admin.credential(application, body).await,
            token_endpoint,
            kept,
        }
    }

    /// Fetching a token and calling the API with it.
    pub(super) fn calls(&self, gate: &Gate) -> Vec<Step> {
        let api = &gate.api;
        let token = self.token();
        let kept = self.kept.display();
        vec![
            Step(
                200,
                "a token, kept in a file for what follows",
                format!("{} | tee '{kept}'", self.fetching()),
            ),
            Step(200, "the token", format!("{token} {api}/tokens/hello")),
            Step(
                401,
                "the token where none of a client is accepted",
                format!("{token} {api}/hello"),
            ),
        ]
    }

    /// Deleting it, after which its token is good for nothing.
    pub(super) fn deletion(&self, gate: &Gate) -> Vec<Step> {
        let Gate {
            api,
            registry,
            admin,
        } = gate;
        vec![
            Step(
                204,
                "delete the client",
                format!(
                    "-X DELETE {admin} {registry}/credentials/{}",
                    self.credential.id
                ),
            ),
            Step(
                401,
                "its token, which would be good for minutes still",
                format!("{} {api}/tokens/hello", self.token()),
            ),
            Step(401, "another token", self.fetching()),
        ]
    }

    fn fetching(&self) -> String {
        let id = match &self.credential.json["client"]["client_id"] {
            Value::String(id) => id,
            other => panic!("{other} is no client id"),
        };
        let (secret, endpoint) = (&self.credential.secret, &self.token_endpoint);
        format!("-u '{id}:{secret}' -d grant_type=client_credentials -d scope={SCOPE} {endpoint}")
    }

    fn token(&self) -> String {
        let kept = self.kept.display();
        let read = format!(r#"sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' '{kept}'"#);
        format!("-H \"Authorization: Bearer $({read})\"")
    }
}
