//! What is asked of credentials.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use super::{
    body::{PartWord, SecretTypeWord, TypeWord},
    client::{ClientRequest, RegistrationWord},
};
use crate::{
    api::{labels, object, patch, problem::Problem, time::Moment},
    credential::{CredentialPatch, Deployed, NewCredential, NewSecret, RotatedSecret, Rotation},
    edit::Edit,
    ids::ApplicationId,
    oauth::TokenFormat,
    oauth_client::{NewClient, Wanted, metadata::ClientMetadata},
    secrets::SecretText,
};

/// A secret in a request. Neither shown nor kept in plain text beyond it.
pub(in crate::api) struct Given(pub(in crate::api) SecretText);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretText::new(text)))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

/// A credential to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewCredential)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialRequest {
    /// How it is presented.
    #[serde(rename = "type")]
    kind: TypeWord,
    /// Unique within the application. 1 to 256 visible ASCII characters.
    #[schema(pattern = "^[!-~]{1,256}$", example = "ci")]
    name: String,
    /// The upstream sees it as `X-Credential-Identifier`. Unique within the application; by default the id.
    #[schema(pattern = "^[!-~]{1,256}$")]
    identifier: Option<String>,
    /// Only for `api_key`: the caller's own key. Generated when absent.
    #[schema(value_type = Option<String>, write_only)]
    value: Option<Given>,
    /// Only for `basic`, and required there: unique in the installation.
    username: Option<String>,
    /// Only for `basic`: a password that a person chose. Generated when absent.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<Given>,
    /// For people; at most 1024 characters.
    #[serde(default)]
    #[schema(max_length = 1024)]
    description: String,
    /// For people; at most 64.
    #[serde(default, deserialize_with = "labels::once")]
    labels: BTreeMap<String, String>,
    /// Whether it is honoured.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
    /// From when it is honoured; always when absent.
    not_before: Option<Moment>,
    /// Until when it is honoured; in the future, and not beyond the `max_lifetime_..._seconds` of its type, which is what
    /// holds when it is absent. Where the settings have none, `bearer_token` requires it, and others are honoured for ever.
    expires_at: Option<Moment>,
    /// Some of the application's scopes.
    #[serde(default)]
    scopes: Vec<String>,
    /// The names of the gateway groups to which it is deployed, and no others; null for every automatic one that its
    /// application may use, also those created later.
    gateway_groups: Option<Vec<String>>,
    /// Seconds (3600 to 315360000) after which a new secret is due; null for what is configured.
    rotate_every: Option<u64>,
    /// Only for `api_key`: makes a shared secret as well, without which the key is of no use. Both are presented as HTTP Basic,
    /// the key as user name, or the shared secret in a header that the gateway's rule names.
    #[serde(default)]
    shared_secret: bool,
    /// Whether its secrets can be shown again, which the registry's settings must allow.
    #[serde(default)]
    secret_type: SecretTypeWord,
    /// Only for `oauth_client`: the id or the name of its identity provider. The built-in one when absent.
    provider: Option<String>,
    /// Only for `oauth_client`: who looks after the client.
    registration: Option<RegistrationWord>,
    /// Only for `oauth_client` that is `managed`: what is registered. Absent for a client that gets tokens for itself.
    #[serde(default, deserialize_with = "object::optional")]
    client: Option<ClientRequest>,
    /// Only for `oauth_client` that is `external`, and required there: its name at the provider.
    client_id: Option<String>,
    /// Only for `oauth_client` that is `external`, and required there unless the token has the role `portal_admin` or
    /// `api_owner`: proves that the client is the caller's. The identity provider is asked once, and it is not kept.
    #[schema(value_type = Option<String>, write_only)]
    client_secret: Option<Given>,
}

const fn yes() -> bool {
    true
}

impl CredentialRequest {
    /// Checks that the fields about the secret fit the type.
    pub(super) fn of(
        mut self,
        application: ApplicationId,
    ) -> Result<(NewCredential, Option<NewClient>), Problem> {
        let client = self.client()?;
        let new = self.credential(application)?;
        Ok((new, client))
    }

    /// What is asked for of an OAuth client.
    fn client(&mut self) -> Result<Option<NewClient>, Problem> {
        let (provider, registration) = (self.provider.take(), self.registration.take());
        let client = self.client.take();
        let (id, secret) = (self.client_id.take(), self.client_secret.take());
        if self.kind != TypeWord::OauthClient {
            let given = [
                (provider.is_some(), "provider"),
                (registration.is_some(), "registration"),
                (client.is_some(), "client"),
                (id.is_some(), "client_id"),
                (secret.is_some(), "client_secret"),
            ];
            return match given.into_iter().find(|(is_given, _)| *is_given) {
                Some((_, field)) => Err(Problem::invalid(field, "is only for type oauth_client")),
                None => Ok(None),
            };
        }
        let wanted = match (registration.unwrap_or_default(), client, id, secret) {
            (RegistrationWord::Managed, client, None, None) => {
                let client = client.unwrap_or_default();
                let (metadata, format) = client.into_parts()?;
                Wanted::Managed(Box::new(metadata), format)
            }
            (RegistrationWord::External, None, Some(client_id), secret) => Wanted::External {
                client_id,
                client_secret: secret.map(|Given(secret)| secret),
            },
            (RegistrationWord::External, None, None, _) => {
                let message = "is required for registration external";
                return Err(Problem::invalid("client_id", message));
            }
            (RegistrationWord::External, Some(_), ..) => {
                let message = "is only for registration managed";
                return Err(Problem::invalid("client", message));
            }
            (RegistrationWord::Managed, _, Some(_), _) => {
                let message = "is only for registration external";
                return Err(Problem::invalid("client_id", message));
            }
            (RegistrationWord::Managed, _, None, Some(_)) => {
                let message = "is only for registration external";
                return Err(Problem::invalid("client_secret", message));
            }
        };
        Ok(Some(NewClient { provider, wanted }))
    }

    fn credential(self, application: ApplicationId) -> Result<NewCredential, Problem> {
        let secret = match (self.kind, self.value, self.username, self.password) {
            (TypeWord::ApiKey, None, None, None) => NewSecret::GeneratedApiKey,
            (TypeWord::ApiKey, Some(Given(value)), None, None) => NewSecret::OwnApiKey(value),
            (TypeWord::BearerToken, None, None, None) => NewSecret::BearerToken,
            (TypeWord::Basic, None, Some(username), None) => {
                NewSecret::GeneratedPassword { username }
            }
            (TypeWord::Basic, None, Some(username), Some(Given(password))) => {
                NewSecret::ChosenPassword { username, password }
            }
            (TypeWord::Basic, None, None, _) => {
                return Err(Problem::invalid("username", "is required for type basic"));
            }
            (TypeWord::OauthClient, None, None, None) => NewSecret::Registered,
            (_, Some(_), _, _) => {
                return Err(Problem::invalid("value", "is only for type api_key"));
            }
            (_, _, Some(_), _) => {
                return Err(Problem::invalid("username", "is only for type basic"));
            }
            (_, _, _, Some(_)) => {
                return Err(Problem::invalid("password", "is only for type basic"));
            }
        };
        Ok(NewCredential {
            application,
            name: self.name,
            identifier: self.identifier,
            description: self.description,
            labels: self.labels,
            enabled: self.enabled,
            not_before: self.not_before.map(Into::into),
            expires_at: self.expires_at.map(Into::into),
            scopes: self.scopes,
            gateway_groups: self.gateway_groups,
            rotate_every: self.rotate_every.map(Duration::from_secs),
            secret_type: self.secret_type.into(),
            is_paired: self.shared_secret,
            secret,
        })
    }
}

/// What else is said of a deletion.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    /// Deletes also what is deployed to on-demand gateway groups.
    #[param(default = false, nullable = false)]
    force: Option<bool>,
}

impl DeleteQuery {
    pub(super) fn deployed(&self) -> Deployed {
        if self.force == Some(true) {
            Deployed::Delete
        } else {
            Deployed::Keep
        }
    }
}

/// What is to change of a credential. Fields that are absent stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CredentialChange)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialChange {
    /// The next name.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false, pattern = "^[!-~]{1,256}$")]
    name: Option<String>,
    /// The next description.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false, max_length = 1024)]
    description: Option<String>,
    /// All labels.
    #[serde(default, deserialize_with = "labels::present")]
    #[schema(nullable = false)]
    labels: Option<BTreeMap<String, String>>,
    /// Whether it is honoured.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// From when it is honoured; null for always.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<Moment>)]
    not_before: Edit<Option<Moment>>,
    /// Until when it is honoured; null for ever, but not for `bearer_token`, or for as long as `max_lifetime_..._seconds`
    /// allows, counted from when its secret was made.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Edit<Option<Moment>>,
    /// All scopes.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// Seconds after which a new secret is due; null for what is configured.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<u64>)]
    rotate_every: Edit<Option<u64>>,
    /// Only for `oauth_client` that is `managed`: all that is to be registered, in the place of what was.
    #[serde(default, deserialize_with = "object::present")]
    #[schema(nullable = false)]
    client: Option<ClientRequest>,
}

impl CredentialChange {
    /// What is to be registered of a client from now on.
    pub(super) fn take_client(
        &mut self,
    ) -> Result<Option<(ClientMetadata, Option<TokenFormat>)>, Problem> {
        let client = self.client.take();
        client.map(ClientRequest::into_parts).transpose()
    }
}

impl From<CredentialChange> for CredentialPatch {
    fn from(change: CredentialChange) -> Self {
        Self {
            name: change.name,
            description: change.description,
            labels: change.labels,
            enabled: change.enabled,
            not_before: patch::map(change.not_before, Into::into),
            expires_at: patch::map(change.expires_at, Into::into),
            scopes: change.scopes,
            rotate_every: patch::map(change.rotate_every, Duration::from_secs),
        }
    }
}

/// How a credential's secret is to be replaced. An empty body ends every secret and generates a new one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationRequest {
    /// What gets a new secret: the key, token or password itself, or the secret shared beside a key. The other stays.
    #[serde(default)]
    part: PartWord,
    /// Seconds for which the secret that is current still works, at most `max_grace_seconds` (90 days unless configured).
    /// Absent or 0 ends it, and every retiring one, at once.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "patch::present")]
    grace_period: Option<u64>,
    /// Seconds, at least 86400 and less than `grace_period`. Once nobody has used the retiring secret for so long, by
    /// reports without a gap from every gateway that has it, the grace period ends by itself: at the earliest 65 minutes
    /// later, because gateways may report once an hour. What a gateway cannot report, because something between it and the
    /// registry refuses its reports of usage, is not known. Never when absent.
    #[schema(nullable = false, minimum = 86_400)]
    #[serde(default, deserialize_with = "patch::present")]
    end_after_silence: Option<u64>,
    /// Until when the credential is honoured from now on; null as when it is created. When absent it stays, but an end that
    /// `max_lifetime_..._seconds` gave begins anew. An old secret ends no later than before.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<Moment>)]
    expires_at: Edit<Option<Moment>>,
    /// Only for `api_key`: the caller's own next key. Generated when absent.
    #[schema(value_type = Option<String>, write_only)]
    value: Option<Given>,
    /// Only for `basic`: the next user name.
    username: Option<String>,
    /// Only for `basic`: the next password, chosen by a person. Generated when absent.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<Given>,
}

impl RotationRequest {
    /// Checks that the fields fit together.
    pub(super) fn into_rotation(self) -> Result<Rotation, Problem> {
        let secret = match (self.value, self.username, self.password) {
            (None, username, None) => RotatedSecret::Generated { username },
            (None, username, Some(Given(password))) => RotatedSecret::Chosen { username, password },
            (Some(Given(value)), None, None) => RotatedSecret::Own(value),
            (Some(_), _, _) => {
                return Err(Problem::invalid(
                    "value",
                    "does not go with username or password",
                ));
            }
        };
        Ok(Rotation {
            part: self.part.into(),
            grace: Duration::from_secs(self.grace_period.unwrap_or(0)),
            end_after_silence: self.end_after_silence.map(Duration::from_secs),
            expires_at: patch::map(self.expires_at, Into::into),
            secret,
        })
    }
}
