//! What callers ask for: a new credential, another secret, other fields.

use std::{collections::BTreeMap, time::Duration};

use super::SecretType;
use crate::{clock::Timestamp, edit::Edit, ids::ApplicationId, secret::Part, secrets::SecretText};

/// What [`create`](super::create()) needs to know.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Whose credential it will be.
    pub application: ApplicationId,
    /// 1 to 256 visible ASCII characters.
    pub name: String,
    /// 1 to 64 of letters, digits and `._-`; by default the id.
    pub identifier: Option<String>,
    /// At most 1024 characters.
    pub description: String,
    /// At most 64.
    pub labels: BTreeMap<String, String>,
    /// Whether it is honoured.
    pub enabled: bool,
    /// From when it is honoured.
    pub not_before: Option<Timestamp>,
    /// Until when it is honoured; in the future. Without, as long as the longest lifetime allows; a bearer token must have
    /// one of both.
    pub expires_at: Option<Timestamp>,
    /// Some of the application's; none unless they are named.
    pub scopes: Vec<String>,
    /// The names of the gateway groups to which it is deployed; `None` for every automatic one that its application may use.
    pub gateway_groups: Option<Vec<String>>,
    /// After what time a new secret is due; `None` for what is configured.
    pub rotate_every: Option<Duration>,
    /// Whether its secrets can be shown again.
    pub secret_type: SecretType,
    /// Whether a shared secret is made as well, without which the key is of no use. API keys only.
    pub is_paired: bool,
    /// Its type, and where its secret comes from.
    pub secret: NewSecret,
}

/// A new credential's type, and where its secret comes from.
#[derive(Clone, Debug)]
pub enum NewSecret {
    /// An API key made by the registry.
    GeneratedApiKey,
    /// The caller's own API key.
    OwnApiKey(SecretText),
    /// HTTP Basic with a password made by the registry.
    GeneratedPassword {
        /// Unique in the installation.
        username: String,
    },
    /// HTTP Basic with a password that somebody chose.
    ChosenPassword {
        /// Unique in the installation.
        username: String,
        /// The password.
        password: SecretText,
    },
    /// A bearer token made by the registry.
    BearerToken,
    /// That of an OAuth client: made where the client is registered, by [`crate::oauth_client::create()`].
    Registered,
}

/// What [`rotate`](super::rotate()) needs to know.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which part of a pair gets a new secret; the other stays.
    pub part: Part,
    /// For how long the secret that was current still works; zero ends it, and every retiring one, at once.
    pub grace: Duration,
    /// For how long nobody must have used the retiring secret before it may end by itself: at least a day, and less than
    /// the grace period.
    pub end_after_silence: Option<Duration>,
    /// Until when the credential is honoured from now on; in the future. Where it is kept, an end that the longest lifetime
    /// gave begins anew.
    pub expires_at: Edit<Option<Timestamp>>,
    /// Where the new secret comes from.
    pub secret: RotatedSecret,
}

/// Where a credential's next secret comes from.
#[derive(Clone, Debug)]
pub enum RotatedSecret {
    /// The registry makes it.
    Generated {
        /// The next user name, for HTTP Basic only.
        username: Option<String>,
    },
    /// The caller's own, for API keys only.
    Own(SecretText),
    /// A password that somebody chose, for HTTP Basic only.
    Chosen {
        /// The next user name.
        username: Option<String>,
        /// The password.
        password: SecretText,
    },
}

/// What [`update`](super::update()) changes. The identifier never changes, the user name only with the secret, by [`rotate`](super::rotate()).
#[derive(Clone, Debug, Default)]
pub struct CredentialPatch {
    /// The next name.
    pub name: Option<String>,
    /// The next description.
    pub description: Option<String>,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Whether it is honoured.
    pub enabled: Option<bool>,
    /// From when it is honoured.
    pub not_before: Edit<Option<Timestamp>>,
    /// Until when it is honoured; in the future. A bearer token keeps an end.
    pub expires_at: Edit<Option<Timestamp>>,
    /// All scopes.
    pub scopes: Option<Vec<String>>,
    /// After what time a new secret is due; `None` for what is configured.
    pub rotate_every: Edit<Option<Duration>>,
}
