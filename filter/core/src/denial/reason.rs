use super::{Method, Outcome};
use crate::jwt::JwtError;

/// Texts have no character that JSON would escape.
macro_rules! message {
    ($text:literal) => {
        Message {
            text: $text,
            json: concat!("{\"message\":\"", $text, "\"}\n"),
        }
    };
}

/// Why a request is refused, as precisely as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No API key, in a rule that accepts nothing else.
    KeyMissing,
    /// No `authorization` header, in a rule that accepts HTTP Basic alone.
    AuthorizationMissing,
    /// No bearer token, in a rule that accepts nothing else.
    TokenMissing,
    /// Nothing of what the rule accepts.
    CredentialMissing,
    /// The `authorization` header is not one of HTTP Basic.
    AuthorizationMalformed,
    /// It has the shape of a generated secret and is not one, or is no token by its syntax.
    CredentialMalformed,
    /// Nobody has this key, token, or user name and password in this way of presenting it.
    CredentialUnknown,
    /// The access token is wrong.
    Token(JwtError),
    /// The access token was revoked.
    TokenRevoked,
    /// No issuer vouches for the access token.
    TokenInactive,
    /// The access token's client is nobody's credential.
    ClientUnknown,
    /// The access token was issued before those of its client that are still good.
    TokenSuperseded,
    /// The registry says that the chosen password is wrong.
    PasswordWrong,
    /// The credential is disabled.
    CredentialDisabled,
    /// The credential is honoured later.
    CredentialNotYetValid,
    /// The credential, or the grace period of its old secret, is over.
    CredentialExpired,
    /// The credential's application does not exist.
    ApplicationUnknown,
    /// The credential's application is disabled.
    ApplicationDisabled,
    /// The anonymous application does not exist.
    AnonymousUnknown,
    /// The anonymous application is disabled.
    AnonymousDisabled,
    /// The rule denies the application.
    ApplicationDenied,
    /// The rule allows other applications.
    ApplicationNotAllowed,
    /// The credential lacks a scope that the rule requires.
    ScopeMissing,
    /// No rule covers the request.
    Unmatched,
    /// A credential occurs twice.
    CredentialRepeated,
    /// A rule looks at the path, which can be read in several ways.
    PathAmbiguous,
    /// A rule looks at the path, and there is none.
    PathMissing,
    /// A rule looks at the host, which is missing or unreadable.
    HostUnreadable,
    /// A rule looks at the method, and there is none.
    MethodMissing,
    /// The metadata of a resource are asked for by another method than GET and HEAD.
    MethodNotAllowed,
    /// The host handed over headers that cannot be read.
    HeadersUnreadable,
    /// There has never been a complete snapshot.
    SnapshotNeverComplete,
    /// The registry has been silent for too long.
    SnapshotStale,
    /// The answer depends on a part of the snapshot that is just being replaced.
    SnapshotChanging,
    /// A part of the snapshot cannot be copied.
    SnapshotUnreadable,
    /// The chosen password could not be verified in time: the registry is slow, unreachable, or limits the caller.
    VerificationUnavailable,
    /// Too many requests wait for a verification already.
    VerificationOverloaded,
    /// The issuer could not be asked about the access token in time.
    ProviderUnavailable,
    /// Too many requests wait for an issuer already, or it is asked too much.
    ProviderOverloaded,
}

impl Reason {
    pub(super) const fn outcome(self) -> Outcome {
        match self {
            Self::KeyMissing
            | Self::AuthorizationMissing
            | Self::TokenMissing
            | Self::CredentialMissing => Outcome::Missing,
            Self::AuthorizationMalformed
            | Self::CredentialMalformed
            | Self::CredentialUnknown
            | Self::Token(_)
            | Self::TokenRevoked
            | Self::TokenInactive
            | Self::ClientUnknown
            | Self::TokenSuperseded
            | Self::PasswordWrong
            | Self::CredentialDisabled
            | Self::CredentialNotYetValid
            | Self::CredentialExpired
            | Self::ApplicationUnknown
            | Self::ApplicationDisabled
            | Self::AnonymousUnknown
            | Self::AnonymousDisabled => Outcome::Invalid,
            Self::ApplicationDenied
            | Self::ApplicationNotAllowed
            | Self::ScopeMissing
            | Self::Unmatched => Outcome::Forbidden,
            Self::CredentialRepeated
            | Self::PathAmbiguous
            | Self::PathMissing
            | Self::HostUnreadable
            | Self::MethodMissing
            | Self::MethodNotAllowed
            | Self::HeadersUnreadable => Outcome::Malformed,
            Self::SnapshotNeverComplete
            | Self::SnapshotStale
            | Self::SnapshotChanging
            | Self::SnapshotUnreadable
            | Self::VerificationUnavailable
            | Self::VerificationOverloaded
            | Self::ProviderUnavailable
            | Self::ProviderOverloaded => Outcome::Unavailable,
        }
    }

    pub(super) const fn details(self) -> &'static str {
        match self {
            Self::KeyMissing => "keysmith_key_missing",
            Self::AuthorizationMissing => "keysmith_authorization_missing",
            Self::TokenMissing => "keysmith_token_missing",
            Self::CredentialMissing => "keysmith_credential_missing",
            Self::AuthorizationMalformed => "keysmith_authorization_malformed",
            Self::CredentialMalformed => "keysmith_credential_malformed",
            Self::CredentialUnknown => "keysmith_credential_unknown",
            Self::Token(error) => token_details(error),
            Self::TokenRevoked => "keysmith_token_revoked",
            Self::TokenInactive => "keysmith_token_inactive",
            Self::ClientUnknown => "keysmith_client_unknown",
            Self::TokenSuperseded => "keysmith_token_superseded",
            Self::PasswordWrong => "keysmith_password_wrong",
            Self::CredentialDisabled => "keysmith_credential_disabled",
            Self::CredentialNotYetValid => "keysmith_credential_not_yet_valid",
            Self::CredentialExpired => "keysmith_credential_expired",
            Self::ApplicationUnknown => "keysmith_application_unknown",
            Self::ApplicationDisabled => "keysmith_application_disabled",
            Self::AnonymousUnknown => "keysmith_anonymous_unknown",
            Self::AnonymousDisabled => "keysmith_anonymous_disabled",
            Self::ApplicationDenied => "keysmith_application_denied",
            Self::ApplicationNotAllowed => "keysmith_application_not_allowed",
            Self::ScopeMissing => "keysmith_scope_missing",
            Self::Unmatched => "keysmith_unmatched",
            Self::CredentialRepeated => "keysmith_credential_repeated",
            Self::PathAmbiguous => "keysmith_path_ambiguous",
            Self::PathMissing => "keysmith_path_missing",
            Self::HostUnreadable => "keysmith_host_unreadable",
            Self::MethodMissing => "keysmith_method_missing",
            Self::MethodNotAllowed => "keysmith_method_not_allowed",
            Self::HeadersUnreadable => "keysmith_headers_unreadable",
            Self::SnapshotNeverComplete => "keysmith_snapshot_never_complete",
            Self::SnapshotStale => "keysmith_snapshot_stale",
            Self::SnapshotChanging => "keysmith_snapshot_changing",
            Self::SnapshotUnreadable => "keysmith_snapshot_unreadable",
            Self::VerificationUnavailable => "keysmith_verification_unavailable",
            Self::VerificationOverloaded => "keysmith_verification_overloaded",
            Self::ProviderUnavailable => "keysmith_provider_unavailable",
            Self::ProviderOverloaded => "keysmith_provider_overloaded",
        }
    }

    /// What the caller is told.
    pub(super) const fn message(self, method: Method, several_methods: bool) -> Message {
        match self {
            Self::AnonymousUnknown | Self::AnonymousDisabled => INVALID_USER,
            Self::Unmatched => message!("No rule admits this request"),
            Self::CredentialRepeated => message!("Repeated credential in request"),
            Self::PathAmbiguous => message!("Ambiguous path in request"),
            Self::PathMissing => message!("Missing path in request"),
            Self::HostUnreadable => message!("Missing or invalid host in request"),
            Self::MethodMissing => message!("Missing method in request"),
            Self::MethodNotAllowed => message!("Method not allowed"),
            Self::HeadersUnreadable => message!("Unreadable headers in request"),
            _ => match (self.outcome(), method) {
                (Outcome::Unavailable, _) => message!("Credentials cannot be checked right now"),
                (Outcome::Forbidden, _) => message!("The consumer_name is forbidden."),
                _ if several_methods => message!("Authorization Failed"),
                (Outcome::Missing, Method::KeyAuth) => message!("Missing API key in request"),
                (Outcome::Missing, Method::BasicAuth) => {
                    message!("Missing authorization in request")
                }
                (Outcome::Missing, _) => message!("Missing bearer token in request"),
                (_, Method::KeyAuth) => message!("Invalid API key in request"),
                (_, Method::Bearer) => message!("Invalid bearer token in request"),
                _ if matches!(self, Self::AuthorizationMalformed) => {
                    message!("Invalid authorization in request")
                }
                _ => INVALID_USER,
            },
        }
    }
}

const fn token_details(error: JwtError) -> &'static str {
    match error {
        JwtError::TooLong => "keysmith_token_too_long",
        JwtError::Malformed => "keysmith_token_malformed",
        JwtError::Algorithm => "keysmith_token_algorithm",
        JwtError::Critical => "keysmith_token_critical",
        JwtError::Type => "keysmith_token_type",
        JwtError::KeyUnknown => "keysmith_token_key_unknown",
        JwtError::Signature => "keysmith_token_signature",
        JwtError::Issuer => "keysmith_token_issuer",
        JwtError::Audience => "keysmith_token_audience",
        JwtError::ExpiryMissing => "keysmith_token_expiry_missing",
        JwtError::Expired => "keysmith_token_expired",
        JwtError::NotYetValid => "keysmith_token_not_yet_valid",
        JwtError::Client => "keysmith_token_client",
        JwtError::Bound => "keysmith_token_bound",
    }
}

const INVALID_USER: Message = message!("Invalid user authorization");

/// A text and its JSON form.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) text: &'static str,
    pub(super) json: &'static str,
}
