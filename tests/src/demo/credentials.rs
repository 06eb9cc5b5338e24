//! The demo's application and its credentials.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Options,
    oauth::{Client, SCOPE},
};
use crate::admin::{Admin, Credential};

/// The application that the demo makes.
pub(super) const APPLICATION: &str = "demo";

/// For how long the demo's bearer token works.
const BEARER_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// One credential of each kind, with the secrets of this start.
#[derive(Debug)]
pub(super) struct Credentials {
    /// The application's id.
    pub(super) application: String,
    pub(super) key: Credential,
    pub(super) basic: Credential,
    pub(super) bearer: Credential,
    pub(super) client: Client,
}

impl Credentials {
    /// Makes the application and its credentials; those of an earlier start are replaced, because their secrets were
    /// shown once and are kept nowhere.
    pub(super) async fn prepare(admin: &Admin, options: &Options) -> Self {
        remove(admin).await;
        let application = json!({"name": APPLICATION, "scopes": ["reports:read", SCOPE]});
        let id = admin.application(application).await;
        let make = async |body: Value| admin.credential(&id, body).await;
        let scopes = json!(["reports:read"]);
        let key = make(json!({"type": "api_key", "name": "key", "scopes": scopes})).await;
        let basic = make(json!({"type": "basic", "name": "password", "username": "ann"})).await;
        let end = (Timestamp::now() + BEARER_LIFETIME).to_string();
        let bearer = json!({"type": "bearer_token", "name": "token", "expires_at": end});
        let bearer = make(bearer).await;
        let endpoint = format!("http://{}/oauth2/token", options.registry);
        let kept = options.folder.join("token");
        let client = Client::register(admin, &id, None, endpoint, kept).await;
        Self {
            application: id,
            key,
            basic,
            bearer,
            client,
        }
    }
}

/// Removes what an earlier start has left.
pub(super) async fn remove(admin: &Admin) {
    if let Some(id) = find(admin).await {
        admin.delete(&format!("/v1/applications/{id}")).await;
    }
}

async fn find(admin: &Admin) -> Option<String> {
    let list = admin
        .get(&format!("/v1/applications?name={APPLICATION}"))
        .await;
    let found = list["items"].as_array()?.iter();
    let mut found = found.filter(|application| application["name"] == APPLICATION);
    Some(found.next()?["id"].as_str()?.to_owned())
}
