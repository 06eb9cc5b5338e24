//! Consumers and credentials as APISIX writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::{
    application::Application,
    clock::Timestamp,
    consumer::{Consumer, Held, Listed, Method},
};

/// A consumer as a whole: what is left out is removed.
#[derive(Deserialize, ToSchema)]
#[schema(as = ApisixNewConsumer)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsumerRequest {
    /// The name of its application, which the upstream sees as `X-Consumer-Username`.
    #[schema(pattern = "^[a-zA-Z0-9_-]{1,256}$", example = "jack")]
    pub(super) username: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub(super) desc: String,
    /// For people; at most 64. `custom_id` is what the upstream sees as `X-Consumer-Custom-ID`.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// Its own ways to prove itself.
    #[schema(nullable = false)]
    pub(super) plugins: Option<Plugins>,
}

/// A credential as a whole: what is left out is removed.
#[derive(Deserialize, ToSchema)]
#[schema(as = ApisixNewCredential)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialRequest {
    /// Unique within the consumer; the upstream sees it as `X-Credential-Identifier`. Needed where the path does not have it.
    // Taken out before the rest is read: it stands here for the document.
    #[serde(default, rename = "id")]
    #[schema(schema_with = identifier)]
    _id: (),
    /// 1 to 256 visible ASCII characters, unique within the consumer; the id where none is sent.
    #[schema(nullable = false)]
    pub(super) name: Option<String>,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub(super) desc: String,
    /// For people; at most 64.
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    /// How it is presented: exactly one.
    pub(super) plugins: Plugins,
}

fn identifier() -> RefOr<Schema> {
    let of = |kind: Type| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    let text = of(Type::String).pattern(Some("^[a-zA-Z0-9._-]{1,64}$"));
    let number = of(Type::Integer).minimum(Some(1));
    let about = "Unique within the consumer; the upstream sees it as `X-Credential-Identifier`. Needed where the path does not \
                 have it.";
    OneOfBuilder::new()
        .item(text)
        .item(number)
        .description(Some(about))
        .into()
}

/// Ways to prove oneself.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = ApisixPlugins)]
#[serde(deny_unknown_fields)]
pub(super) struct Plugins {
    /// An API key.
    #[serde(rename = "key-auth", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) key_auth: Option<KeyAuth>,
    /// HTTP Basic.
    #[serde(rename = "basic-auth", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) basic_auth: Option<BasicAuth>,
}

/// An API key.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = ApisixKeyAuth)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyAuth {
    /// The caller's own key, as long as the registry's settings want it. Answers show a mask, which stands for the key when it
    /// is sent back.
    #[schema(example = "an-own-key-of-20-characters")]
    pub(super) key: String,
}

/// HTTP Basic.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = ApisixBasicAuth)]
#[serde(deny_unknown_fields)]
pub(super) struct BasicAuth {
    /// Unique in the installation.
    #[schema(example = "jack")]
    pub(super) username: String,
    /// As long as the registry's settings want it. Answers show a mask, which stands for the password when it is sent back.
    #[schema(example = "correct horse battery")]
    pub(super) password: String,
}

/// Something with its path.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixEntry)]
pub(super) struct Entry<T> {
    /// Its path.
    #[schema(example = "/apisix/consumers/jack")]
    pub(super) key: String,
    /// What it is.
    pub(super) value: T,
}

/// Something with its path and its place.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixIndexedEntry)]
pub(super) struct IndexedEntry<T> {
    /// Its path.
    #[schema(example = "/apisix/consumers/jack")]
    key: String,
    /// What it is.
    value: T,
    /// Rises with the time of creation.
    #[serde(rename = "createdIndex")]
    created_index: u64,
    /// Rises with each change of it.
    #[serde(rename = "modifiedIndex")]
    modified_index: u64,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixList)]
pub(super) struct List<T> {
    /// How many there are on all pages.
    total: usize,
    /// Those of this page, in order of creation.
    list: Vec<IndexedEntry<T>>,
}

/// Something that was deleted.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixDeleted)]
pub(super) struct Deleted {
    /// How many, which is one.
    #[schema(example = "1")]
    deleted: &'static str,
    /// Its path.
    key: String,
}

impl Deleted {
    pub(super) const fn at(key: String) -> Self {
        Self { deleted: "1", key }
    }
}

/// A consumer.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixConsumer)]
pub(super) struct ConsumerBody {
    /// The name of its application.
    username: String,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    desc: String,
    /// For people, and `custom_id`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    labels: BTreeMap<String, String>,
    /// Its own ways to prove itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    plugins: Option<Plugins>,
    /// When it was created, in seconds since 1970.
    create_time: u64,
    /// When it was last changed, in seconds since 1970.
    update_time: u64,
}

/// A credential of a consumer.
#[derive(Serialize, ToSchema)]
#[schema(as = ApisixCredential)]
pub(super) struct CredentialBody {
    /// Unique within the consumer.
    id: String,
    /// Its name, where that is not its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    desc: String,
    /// For people.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    labels: BTreeMap<String, String>,
    /// How it is presented, with its secret masked.
    plugins: Plugins,
    /// When it was created, in seconds since 1970.
    create_time: u64,
    /// When it was last changed, in seconds since 1970.
    update_time: u64,
}

/// The path of a consumer.
pub(super) fn consumer_key(username: &str) -> String {
    format!("/apisix/consumers/{username}")
}

/// The path of a credential.
pub(super) fn credential_key(username: &str, id: &str) -> String {
    format!("/apisix/consumers/{username}/credentials/{id}")
}

const fn seconds(at: Timestamp) -> u64 {
    at.as_millis() / 1000
}

/// Its versions, counted on from when it was created: there is one log for gateways, and none for this.
const fn modified_index(created: Timestamp, version: u64) -> u64 {
    created
        .as_millis()
        .saturating_add(version)
        .saturating_sub(1)
}

fn plugins(held: Vec<Held>) -> Plugins {
    let mut plugins = Plugins {
        key_auth: None,
        basic_auth: None,
    };
    for one in held {
        match one.method {
            Method::KeyAuth => plugins.key_auth = Some(KeyAuth { key: one.mask }),
            Method::BasicAuth => {
                plugins.basic_auth = Some(BasicAuth {
                    username: one.credential.username.unwrap_or_default(),
                    password: one.mask,
                });
            }
        }
    }
    plugins
}

fn labels(application: &Application) -> BTreeMap<String, String> {
    let mut labels = application.labels.as_map().clone();
    // There is but one custom id.
    labels.remove("custom_id");
    if let Some(custom_id) = &application.custom_id {
        labels.insert("custom_id".to_owned(), custom_id.clone());
    }
    labels
}

impl From<Consumer> for Entry<ConsumerBody> {
    fn from(consumer: Consumer) -> Self {
        let Consumer {
            application,
            plugins: held,
        } = consumer;
        let updated = held.iter().map(|one| one.credential.updated_at);
        let updated = updated.fold(application.updated_at, Ord::max);
        Self {
            key: consumer_key(&application.name),
            value: ConsumerBody {
                labels: labels(&application),
                username: application.name,
                desc: application.description,
                plugins: (!held.is_empty()).then(|| plugins(held)),
                create_time: seconds(application.created_at),
                update_time: seconds(updated),
            },
        }
    }
}

impl From<Consumer> for IndexedEntry<ConsumerBody> {
    fn from(consumer: Consumer) -> Self {
        let application = &consumer.application;
        let versions = consumer.plugins.iter().map(|one| one.credential.version);
        let version = versions.fold(application.version, u64::saturating_add);
        let created = application.created_at;
        Entry::from(consumer).indexed(created, version)
    }
}

impl<T> Entry<T> {
    fn indexed(self, created: Timestamp, version: u64) -> IndexedEntry<T> {
        IndexedEntry {
            key: self.key,
            value: self.value,
            created_index: created.as_millis(),
            modified_index: modified_index(created, version),
        }
    }
}

impl Entry<CredentialBody> {
    pub(super) fn of(consumer: &str, held: Held) -> Self {
        let credential = held.credential.clone();
        Self {
            key: credential_key(consumer, &credential.identifier),
            value: CredentialBody {
                name: Some(credential.name).filter(|name| *name != credential.identifier),
                id: credential.identifier,
                desc: credential.description,
                labels: credential.labels.as_map().clone(),
                plugins: plugins(vec![held]),
                create_time: seconds(credential.created_at),
                update_time: seconds(credential.updated_at),
            },
        }
    }
}

impl IndexedEntry<CredentialBody> {
    pub(super) fn of(consumer: &str, held: Held) -> Self {
        let (created, version) = (held.credential.created_at, held.credential.version);
        Entry::of(consumer, held).indexed(created, version)
    }
}

impl<T> List<T> {
    pub(super) fn of<U>(listed: Listed<U>, entry: impl FnMut(U) -> IndexedEntry<T>) -> Self {
        Self {
            total: listed.total,
            list: listed.items.into_iter().map(entry).collect(),
        }
    }
}
