//! The words for what can be done.

use std::str::FromStr;

/// The text is not the word of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an action")]
pub struct UnknownAction;

macro_rules! actions {
    ($($(#[$about:meta])+ $variant:ident = $word:literal,)+) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            $($(#[$about])+ $variant,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word by which it is known. Part of the contract: never changed, never used again.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

actions! {
    /// An application was created.
    ApplicationCreated = "application.created",
    /// Fields of an application were changed.
    ApplicationUpdated = "application.updated",
    /// An application was deleted with its credentials.
    ApplicationDeleted = "application.deleted",
    /// A credential was created.
    CredentialCreated = "credential.created",
    /// A credential was created with a secret that existed before.
    CredentialImported = "credential.imported",
    /// Fields of a credential were changed.
    CredentialUpdated = "credential.updated",
    /// A credential got a new secret.
    CredentialRotated = "credential.rotated",
    /// A grace period was ended early.
    RotationFinished = "credential.rotation_finished",
    /// A grace period ended by itself, because nobody used the old secret.
    GraceEndedBySilence = "credential.grace_ended_by_silence",
    /// A rotation was taken back.
    RotationCancelled = "credential.rotation_cancelled",
    /// A new secret will soon be due.
    RotationDueSoon = "credential.rotation_due_soon",
    /// A new secret is due.
    RotationDue = "credential.rotation_due",
    /// The access tokens that an OAuth client had got until then were cut off.
    TokensRevoked = "credential.tokens_revoked",
    /// What is registered at an identity provider was made to agree with what the registry knows.
    ProviderReconciled = "identity_provider.reconciled",
    /// A credential's secrets were shown again.
    CredentialRevealed = "credential.revealed",
    /// A credential was deleted.
    CredentialDeleted = "credential.deleted",
    /// A credential was deployed to a gateway group explicitly.
    CredentialDeployed = "credential.deployed",
    /// A credential was taken from a gateway group explicitly.
    CredentialUndeployed = "credential.undeployed",
    /// A secret was reported as leaked.
    SecretLeaked = "secret.leaked",
    /// A secret was revoked again, because the journal of revocations says so and the database had forgotten it.
    SecretRevokedAgain = "secret.revoked_again",
    /// A secret began to retire again, or became the current one again, for the same reason.
    SecretTurnedAgain = "secret.turned_again",
    /// The database was filled from a backup.
    InstallationRestored = "installation.restored",
    /// Every credential was written out, without its secrets.
    CredentialsExported = "credentials.exported",
    /// A gateway group was created.
    GroupCreated = "gateway_group.created",
    /// A gateway group was deleted.
    GroupDeleted = "gateway_group.deleted",
    /// Another digest key of a gateway group began to take the place of the one before.
    DigestKeyReplacementBegun = "gateway_group.digest_key_replacement_begun",
    /// A gateway group's digest key was replaced, and the one before forgotten.
    DigestKeyReplaced = "gateway_group.digest_key_replaced",
    /// A gateway that was gone was forgotten.
    GatewayForgotten = "gateway.forgotten",
    /// Everything began to move to another master key.
    MasterKeyRotationBegun = "keys.master_rotation_begun",
    /// Everything is under another master key.
    MasterKeyRotated = "keys.master_rotated",
    /// An organization was created.
    OrganizationCreated = "organization.created",
    /// Fields of an organization were changed.
    OrganizationUpdated = "organization.updated",
    /// An organization was deleted.
    OrganizationDeleted = "organization.deleted",
    /// An identity provider was made known.
    ProviderCreated = "identity_provider.created",
    /// Fields of an identity provider were changed.
    ProviderUpdated = "identity_provider.updated",
    /// An identity provider was forgotten.
    ProviderDeleted = "identity_provider.deleted",
    /// A token was made.
    TokenCreated = "token.created",
    /// A token was revoked.
    TokenRevoked = "token.revoked",
    /// A registration token was made.
    RegistrationTokenCreated = "registration_token.created",
    /// A registration token was deleted.
    RegistrationTokenDeleted = "registration_token.deleted",
    /// A key that access tokens are signed with was made.
    SigningKeyMade = "keys.signing_key_made",
    /// The next key that access tokens are signed with was asked for.
    SigningKeyRotated = "keys.signing_key_rotated",
    /// An access token was revoked before its end.
    AccessTokenRevoked = "access_token.revoked",
    /// Requests without a valid token were refused.
    LoginRefused = "login.refused",
    /// Requests were refused that the token's role does not allow.
    AccessForbidden = "access.forbidden",
    /// The log of an earlier version was chained.
    AuditChained = "audit.chained",
    /// The log did not end where the registry had ended it: somebody else wrote to it.
    AuditEndLost = "audit.end_lost",
    /// The oldest entries were removed, as `audit_kept_days` says.
    AuditPruned = "audit.pruned",
    /// The log was written out.
    AuditExported = "audit.exported",
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.word() == text)
            .ok_or(UnknownAction)
    }
}
