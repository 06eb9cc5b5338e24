//! A client of the built-in authorization server: what it asks, and what comes back.

use axum::{body::Bytes, http::Method};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Actor, Reply, TestRegistry, text};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A client that proves itself by HTTP Basic.
pub(crate) struct Client {
    actor: Actor,
    pub(crate) credential: String,
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client {
    /// A new one of an application, made with these members besides those that each has.
    pub(crate) async fn of(registry: &TestRegistry, application: &str, extra: Value) -> Self {
        let mut body = json!({"type": "oauth_client", "name": "client"});
        if let (Value::Object(body), Value::Object(extra)) = (&mut body, extra) {
            body.extend(extra);
        }
        let made = registry.credential(application, body).await;
        Self {
            actor: registry.stranger(),
            credential: text(&made["id"]),
            id: text(&made["client"]["client_id"]),
            secret: text(&made["secret"]["value"]),
        }
    }

    /// What HTTP Basic says of it.
    pub(crate) fn basic(&self) -> String {
        let pair = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        format!("Basic {pair}")
    }

    /// Sends a form to an endpoint.
    pub(crate) async fn ask(&self, path: &str, form: &str) -> Reply {
        let basic = self.basic();
        let headers = [FORM, ("authorization", basic.as_str())];
        let body = Bytes::from(form.to_owned());
        self.actor.send(Method::POST, path, &headers, body).await
    }

    /// Gets a token.
    pub(crate) async fn token(&self) -> String {
        let form = "grant_type=client_credentials";
        let reply = self.ask("/oauth2/token", form).await.has(200);
        text(&reply.json()["access_token"])
    }

    /// What is said of a token.
    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let form = format!("token={token}");
        self.ask("/oauth2/introspect", &form).await.has(200).json()
    }
}
