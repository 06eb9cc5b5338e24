//! What a use case can answer instead of doing what was asked.

mod kind;

pub use kind::Kind;

use crate::{
    entropy::EntropyError,
    organization::Resource,
    provider::registrar::ProviderError,
    sealing::{KeyId, SealError},
    store::StoreError,
};

/// Why a use case did not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value breaks a rule.
    #[error(transparent)]
    Invalid(#[from] InvalidField),
    /// The caller's role does not reach so far.
    #[error("{0}")]
    NotAllowed(InvalidField),
    /// The thing named in the request does not exist, or not for the caller.
    #[error("no such {0}")]
    NotFound(Kind),
    /// The request contradicts what exists.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The thing changed since the caller read it (`If-Match`).
    #[error("the {0} is at another version")]
    VersionMismatch(Kind),
    /// Too much password hashing is going on.
    #[error("password hashing is busy")]
    Busy,
    /// Too many attempts of this kind; the next may be made after this time.
    #[error("too many attempts")]
    TooManyAttempts(std::time::Duration),
    /// The same was being read for others, and that failed.
    #[error("the same was being read for others, and that failed")]
    ReadFailed,
    /// What a gateway reported could not be kept, or too much of it waits to be.
    #[error("reported usage could not be kept")]
    UsageNotKept,
    /// An identity provider has not done what it was asked.
    #[error("the identity provider: {0}")]
    Provider(#[from] ProviderError),
    /// Another attempt of the same idempotent request took over, because this one took too long.
    #[error("another attempt of the request took over")]
    Superseded,
    /// The answer to an idempotent request cannot be written.
    #[error("the answer cannot be written")]
    Answer(#[source] serde_json::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random bytes.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// What is stored cannot be unsealed, or a value not sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The file with the next master key cannot be read or made.
    #[error("{0}")]
    MasterKeyFile(String),
    /// A password cannot be hashed, or its stored hash not read.
    #[error("password hashing failed: {0}")]
    Password(String),
}

/// A value that breaks a rule, and where it stands in the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct InvalidField {
    /// The field's name in the API.
    pub field: &'static str,
    /// The rule, as what the value must be. Never contains the value.
    pub message: String,
}

impl InvalidField {
    /// Names the field and the rule.
    #[must_use]
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

/// What exists and contradicts the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The name is taken, or reserved for another organization that once had it.
    #[error("the name is taken")]
    ApplicationName,
    /// Another credential of the application has this name.
    #[error("another credential of the application has this name")]
    CredentialName,
    /// Another credential of the application has this identifier.
    #[error("another credential of the application has this identifier")]
    Identifier,
    /// The user name is taken.
    #[error("the user name is taken")]
    Username,
    /// The value is or was a secret. Whose is never said.
    #[error("the value cannot be used: it is, or once was, a credential's secret")]
    Value,
    /// Another credential has the client. Whose is never said.
    #[error("the client cannot be used: a credential has it")]
    Client,
    /// Only an OAuth client has access tokens.
    #[error(
        "only a credential of type oauth_client has access tokens: rotate or disable this one instead"
    )]
    NoTokens,
    /// Something is being done about the client already.
    #[error(
        "something is being done at the identity provider about this client: try again once that is finished"
    )]
    ClientBusy,
    /// The rotation of a client cannot be taken back.
    #[error(
        "the rotation of an OAuth client cannot be cancelled, because its provider cannot: rotate it again"
    )]
    ClientRotated,
    /// Somebody else looks after the client.
    #[error(
        "the client is looked after by somebody else (registration external): change it at its identity provider"
    )]
    ClientExternal,
    /// Nothing is registered at the provider any more.
    #[error("the identity provider is disabled")]
    ProviderDisabled,
    /// The password is or was this user name's.
    #[error("the password cannot be used: the user name has it, or once had it")]
    Password,
    /// What is imported exists, with another secret.
    #[error("the application has a credential of this name, with another secret")]
    ImportedSecret,
    /// What is imported exists, with its secret, but not as it is stated.
    #[error("the application has this credential, but not with this {}", .fields.join(", "))]
    ImportedFields {
        /// The fields that differ.
        fields: Vec<&'static str>,
    },
    /// The credential was deleted.
    #[error("the credential was revoked, and a revoked one is never rotated: create another one")]
    CredentialRevoked,
    /// The credential's time is over.
    #[error(
        "the credential has expired: rotate it with an expires_at in the future, or with null for none"
    )]
    CredentialExpired,
    /// The application must always have this credential.
    #[error(
        "the credential is its application's default, which is always honoured: make another the default first \
         (PUT /v1/applications/{{id}}/default-credential), or disable or delete the application"
    )]
    DefaultCredential,
    /// The credential is not one that an application may rely on.
    #[error(
        "the default credential must be one of the application's API keys: enabled, valid now and without an end of its own (set expires_at to null first)"
    )]
    NotADefault,
    /// The credential that is to be the default has no secret that goes on to work.
    #[error(
        "the credential has no current secret, because the last one leaked: rotate it first, and then make it the default"
    )]
    DefaultWithoutSecret,
    /// An application that must have a default credential has none.
    #[error(
        "the application has no default credential: name one of its API keys in default_credential, \
         after creating one if there is none"
    )]
    NoDefaultCredential,
    /// The application needs no default credential.
    #[error(
        "the application's default_key is none: set it to required together with default_credential"
    )]
    NoDefaultKey,
    /// The credential's secrets are not kept.
    #[error(
        "the credential's secrets are hashed and cannot be shown again: rotate it, or create one of secret_type retrievable"
    )]
    SecretsHashed,
    /// The counter of a pair's secrets is at its end.
    #[error(
        "the secrets of this credential were replaced 65535 times, which is as often as gateways can tell: create another"
    )]
    PairExhausted,
    /// The credential has no retiring secret.
    #[error("the credential has no retiring secret: no grace period is running")]
    NothingRetiring,
    /// The credential would be left without a secret.
    #[error(
        "no secret would be left that works, because the last one leaked: rotate the credential first, or disable or \
         delete it"
    )]
    NothingCurrent,
    /// More than one rotation lies between the retiring secret and the current one.
    #[error(
        "the secret that is retiring is not the one before the current one: only the last rotation can be cancelled, and \
         the secret before it has ended"
    )]
    RotatedSince,
    /// The retiring secret is in the wrong hands.
    #[error("the retiring secret was reported as leaked: it does not become the current one again")]
    RetiringLeaked,
    /// Somebody has the new secret.
    #[error(
        "the new secret is in use (presented {count} times): whoever uses it would be locked out; \
         finish the rotation, or rotate again"
    )]
    NewSecretUsed {
        /// How often gateways have reported it.
        count: u64,
    },
    /// Scopes cannot be taken from an application while its credentials carry them.
    #[error("credentials of the application still carry scopes that would be removed: {}", .credentials.join(", "))]
    ScopesInUse {
        /// The first of them, by id.
        credentials: Vec<String>,
    },
    /// Another gateway group has this name.
    #[error("another gateway group has this name")]
    GroupName,
    /// The group `default` always exists.
    #[error("the gateway group `default` cannot be deleted")]
    DefaultGroup,
    /// One digest key after the other.
    #[error(
        "the gateway group's digest key is being replaced already: keysmith keys digest-key, or GET \
         /v1/gateway-groups/{{name}}/digest-key, says how far that has come"
    )]
    DigestKeyBeingReplaced,
    /// A group's tokens must be revoked before it is deleted.
    #[error("the gateway group has {tokens} valid tokens: revoke them first")]
    GroupHasTokens {
        /// How many are valid.
        tokens: usize,
    },
    /// A group cannot be deleted while applications list it.
    #[error("applications list the gateway group: {}", .applications.join(", "))]
    GroupListed {
        /// The first of them, by name.
        applications: Vec<String>,
    },
    /// The application may not use the group.
    #[error(
        "the application may not use the gateway group `{group}`: name it in the application's gateway_groups first"
    )]
    GroupNotAllowed {
        /// Its name.
        group: String,
    },
    /// What is deployed to on-demand groups is not deleted by the way.
    #[error("the credential is deployed to the on-demand gateway groups {}: undeploy it there first, or delete it with force=true", .groups.join(", "))]
    DeployedOnDemand {
        /// Their names.
        groups: Vec<String>,
    },
    /// Nobody gave the next master key.
    #[error(
        "there is no next master key: set next_master_key or next_master_key_file (32 random bytes in base64, as from \
         `openssl rand -base64 32`), and start the registry again"
    )]
    NextMasterKey,
    /// The next master key is none.
    #[error(
        "the next master key, {id}, is or was this database's master key: make another one, which nobody has had"
    )]
    NextMasterKeyUsed {
        /// Which one.
        id: KeyId,
    },
    /// Registries could not read what is sealed under the next master key.
    #[error(
        "the registries at {} do not have the next master key {id}: give it to them (next_master_key and a \
         new start, or data_dir/master.key.next, which is seen within 15 seconds) and try again; one that is gone without \
         a word counts for another minute", .registries.join(", ")
    )]
    RegistriesWithoutKey {
        /// Which key.
        id: KeyId,
        /// Where they listen.
        registries: Vec<String>,
    },
    /// The organization has as much as it may have.
    #[error("the organization has {most} {}, which is as many as it may have: delete some, or have {} raised", resource.word(), resource.limit_field())]
    LimitReached {
        /// Of what.
        resource: Resource,
        /// How many.
        most: u64,
    },
    /// An organization has or had this name.
    #[error("an organization has, or once had, this name")]
    OrganizationName,
    /// The organization `default` always exists.
    #[error("the organization `default` cannot be deleted")]
    DefaultOrganization,
    /// An organization is only deleted when nothing is in it.
    #[error(
        "the organization has {applications} applications and {tokens} valid tokens: delete and revoke them first"
    )]
    OrganizationNotEmpty {
        /// How many it has.
        applications: u64,
        /// How many are valid.
        tokens: u64,
    },
    /// One group was meant, and others honour it as well.
    #[error("the gateway groups {} honour it as well: without gateway_group_id it is deleted everywhere; to take a \
             credential from one group, DELETE /v1/credentials/{{id}}/deployments/{{group}}", .groups.join(", "))]
    DeployedElsewhere {
        /// Their names.
        groups: Vec<String>,
    },
    /// The organization has as many registration tokens as it may have.
    #[error(
        "the organization has 500 registration tokens, which is as many as it may have: delete some (DELETE \
         /v1/registration-tokens/{{id}})"
    )]
    RegistrationTokens,
    /// Another provider has this name.
    #[error("another identity provider has this name")]
    ProviderName,
    /// Another provider has this issuer.
    #[error("another identity provider has this issuer")]
    ProviderIssuer,
    /// The provider `builtin` always exists.
    #[error("the built-in identity provider cannot be deleted: disable it")]
    BuiltinProvider,
    /// Clients would be forgotten that exist at the provider.
    #[error(
        "the identity provider has {clients} clients and {operations} unfinished operations: delete the credentials first, \
         and wait for what is still to be done there"
    )]
    ProviderInUse {
        /// How many are registered, or the most that are counted.
        clients: usize,
        /// How much is to be done there, or the most that is counted.
        operations: usize,
    },
    /// A configured token was revoked before; a revoked value never works again.
    #[error("the token was revoked")]
    TokenRevoked,
    /// A configured token is known, and its time is over.
    #[error("the token has expired")]
    TokenExpired,
    /// A configured token already exists with another role or group.
    #[error("the token exists with another role or gateway group")]
    TokenRole,
}

impl Conflict {
    /// The field of the request that is at fault, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::ApplicationName
            | Self::CredentialName
            | Self::ImportedSecret
            | Self::OrganizationName
            | Self::ProviderName
            | Self::GroupName => Some("name"),
            Self::ImportedFields { fields } => fields.first().copied(),
            Self::Identifier => Some("identifier"),
            Self::Username => Some("username"),
            Self::Value => Some("value"),
            Self::Client => Some("client_id"),
            Self::ProviderIssuer => Some("issuer"),
            Self::Password => Some("password"),
            Self::ScopesInUse { .. } => Some("scopes"),
            _ => None,
        }
    }
}
