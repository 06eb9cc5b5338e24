//! Somebody who creates and deletes credentials over the REST API.

use std::io;

use serde_json::{Value, json};

use super::http::{Answer, Connection, request};
use crate::{report::Failed, seed::Running};

/// A caller of the REST API, over one connection.
#[derive(Debug)]
pub(crate) struct Admin {
    connection: Connection,
    authorization: String,
}

/// A credential that was created.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Admin {
    pub(crate) fn new(registry: &Running) -> io::Result<Self> {
        Ok(Self {
            connection: Connection::open(registry.address)?,
            authorization: format!("Bearer {}", registry.admin_token),
        })
    }

    /// Creates an application, and gives its id.
    pub(crate) fn application(&mut self, name: &str) -> Result<String, Failed> {
        let body = json!({"name": name}).to_string();
        let created = self.call("POST", "/v1/applications", &body, 201)?.json()?;
        text(&created["id"])
    }

    /// Creates an API key.
    pub(crate) fn key(&mut self, application: &str, name: &str) -> Result<Key, Failed> {
        let path = format!("/v1/applications/{application}/credentials");
        let body = json!({"type": "api_key", "name": name}).to_string();
        let created = self.call("POST", &path, &body, 201)?.json()?;
        Ok(Key {
            id: text(&created["id"])?,
            secret: text(&created["secret"]["value"])?,
        })
    }

    /// Deletes a credential.
    pub(crate) fn delete(&mut self, key: &Key) -> Result<(), Failed> {
        let path = format!("/v1/credentials/{}", key.id);
        self.call("DELETE", &path, "", 204).map(|_| ())
    }

    fn call(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        expected: u16,
    ) -> Result<Answer, Failed> {
        let headers = [("authorization", self.authorization.as_str())];
        let answer = self
            .connection
            .send(&request(method, path, &headers, body))?;
        if answer.status == expected {
            return Ok(answer);
        }
        let body = String::from_utf8_lossy(&answer.body);
        Err(format!("{method} {path}: {} {body}", answer.status).into())
    }
}

fn text(value: &Value) -> Result<String, Failed> {
    let text = value.as_str().ok_or("the answer lacks a field")?;
    Ok(text.to_owned())
}
