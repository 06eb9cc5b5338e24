//! Somebody who manages credentials over the REST API.

use serde_json::{Value, json};

use crate::http::{Call, Client, answer::Answer};

/// A caller of the REST API with a token.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    token: String,
}

impl Admin {
    /// With this token.
    pub fn new(client: Client, token: String) -> Self {
        Self { client, token }
    }

    /// The same caller with another token.
    pub fn with(&self, token: &str) -> Self {
        Self::new(self.client.clone(), token.to_owned())
    }

    /// A call with the token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        self.client.call(method, path).bearer(&self.token)
    }

    /// A call of APISIX's admin API, by the path after `/apisix/admin`, with the token as it is presented there.
    pub fn apisix(&self, method: &str, path: &str) -> Call {
        let path = format!("/apisix/admin{path}");
        self.client
            .call(method, &path)
            .header("X-API-KEY", &self.token)
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path).send().await.expect(200).json()
    }

    /// Creates, or does.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path).json(&body).send().await
    }

    /// Changes.
    pub async fn patch(&self, path: &str, body: Value) -> Value {
        let answer = self.call("PATCH", path).json(&body).send().await;
        answer.expect(200).json()
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) {
        self.call("DELETE", path).send().await.expect(204);
    }

    /// Creates an application and gives its id.
    pub async fn application(&self, body: Value) -> String {
        let created = self.post("/v1/applications", body).await.expect(201).json();
        text(&created["id"])
    }

    /// Creates a credential of an application.
    pub async fn credential(&self, application: &str, body: Value) -> Credential {
        let path = format!("/v1/applications/{application}/credentials");
        let created = self.post(&path, body).await.expect(201).json();
        Credential::from_json(&created)
    }

    /// An application with one generated API key.
    pub async fn key(&self, application: &str) -> Credential {
        let id = self.application(json!({"name": application})).await;
        self.credential(&id, json!({"type": "api_key", "name": "key"}))
            .await
    }

    /// Rotates a credential.
    pub async fn rotate(&self, credential: &str, body: Value) -> Credential {
        let path = format!("/v1/credentials/{credential}/rotate");
        let rotated = self.post(&path, body).await.expect(200).json();
        Credential::from_json(&rotated)
    }
}

/// A credential as its creation answers: the only time that its secret is shown.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its id.
    pub id: String,
    /// The key, token or password; empty for a password that the caller chose.
    pub secret: String,
    /// The user name of a Basic credential; empty for others.
    pub username: String,
    /// The whole answer.
    pub json: Value,
}

impl Credential {
    fn from_json(json: &Value) -> Self {
        Self {
            id: text(&json["id"]),
            secret: json["secret"]["value"].as_str().unwrap_or("").to_owned(),
            username: json["username"].as_str().unwrap_or("").to_owned(),
            json: json.clone(),
        }
    }
}

fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("{value} is not a string"))
        .to_owned()
}
