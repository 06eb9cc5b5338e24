//! The words by which the tables keep choices between few.

use std::str::FromStr;

use filter_core::feed::CredentialKind;

use crate::{
    application::DefaultKey,
    credential::{CredentialType, Deploy, SecretType},
    gateway::Mode,
    oauth::TokenFormat,
    oauth_client::Registration,
    provider::{OperationKind, ProviderKind},
    secret::{Origin, Part},
    secrets::Purpose,
};

/// The text is not one of the words.
pub(super) struct UnknownWord;

macro_rules! words {
    ($type:ty { $($variant:path = $word:literal),+ $(,)? }) => {
        impl Word for $type {
            fn word(self) -> &'static str {
                match self {
                    $($variant => $word,)+
                }
            }
        }

        impl FromStr for Named<$type> {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self($variant)),)+
                    _ => Err(UnknownWord),
                }
            }
        }
    };
}

/// A choice that is kept as a word.
pub(super) trait Word {
    fn word(self) -> &'static str;
}

/// A choice that was read from its word.
pub(super) struct Named<T>(pub(super) T);

words!(CredentialType {
    CredentialType::ApiKey = "api_key",
    CredentialType::Basic = "basic",
    CredentialType::BearerToken = "bearer_token",
    CredentialType::OauthClient = "oauth_client",
});

words!(Origin {
    Origin::Generated = "generated",
    Origin::Own = "own",
    Origin::Chosen = "chosen",
    Origin::Registered = "registered",
});

words!(ProviderKind {
    ProviderKind::Builtin = "builtin",
    ProviderKind::Oidc = "oidc",
    ProviderKind::HttpBridge = "http_bridge",
});

words!(OperationKind {
    OperationKind::Register = "register",
    OperationKind::Update = "update",
    OperationKind::Rotate = "rotate",
    OperationKind::Delete = "delete",
});

words!(TokenFormat {
    TokenFormat::Jwt = "jwt",
    TokenFormat::Opaque = "opaque",
});

words!(Registration {
    Registration::Managed = "managed",
    Registration::External = "external",
});

words!(Part {
    Part::Value = "value",
    Part::Shared = "shared",
});

words!(Deploy {
    Deploy::Automatic = "automatic",
    Deploy::Chosen = "chosen",
});

words!(SecretType {
    SecretType::Hashed = "hashed",
    SecretType::Retrievable = "retrievable",
});

words!(DefaultKey {
    DefaultKey::None = "none",
    DefaultKey::Required = "required",
});

words!(Mode {
    Mode::Automatic = "automatic",
    Mode::OnDemand = "on_demand",
});

impl Word for Purpose {
    fn word(self) -> &'static str {
        self.word()
    }
}

impl FromStr for Named<Purpose> {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let found = Purpose::ALL.into_iter().find(|one| one.word() == text);
        found.map(Self).ok_or(UnknownWord)
    }
}

/// How a secret is presented, from the words of its credential and of itself.
pub(super) fn presented_as(
    credential: &Named<CredentialType>,
    origin: &Named<Origin>,
) -> CredentialKind {
    origin.0.presented_as(credential.0)
}
