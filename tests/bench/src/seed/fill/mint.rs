//! The secrets of a seed, each of its kind.

use filter_core::{digest::SecretHash, key::SecretType};
use registry::{
    credential::CredentialType,
    entropy::SystemEntropy,
    password::Salts,
    secret::{Display, Material, Origin},
    secrets::SecretText,
};

use super::{Place, random};
use crate::{report::Failed, seed::Kind, variant::jwt};

/// A secret before it is kept.
pub(super) struct Minted {
    /// What is written into the file of secrets.
    pub(super) shown: String,
    pub(super) username: Option<String>,
    /// By which gateways find it.
    pub(super) lookup: SecretHash,
    pub(super) material: Material,
    pub(super) origin: Origin,
    pub(super) display: Display,
}

impl Place {
    /// A new secret.
    pub(super) fn mint(&self, kind: Kind, number: usize) -> Result<Minted, Failed> {
        let text = self.policy.generate(kind.secret_type(), &SystemEntropy)?;
        let bytes = text.expose().as_bytes();
        let user = format!("user-{number}");
        if kind == Kind::Client {
            return Ok(register());
        }
        if kind == Kind::ChosenPasswords {
            return self.choose(user, &text);
        }
        let username = (kind == Kind::GeneratedPasswords).then_some(user);
        let (hash, shown) = match &username {
            Some(user) => (
                SecretHash::of_basic(user.as_bytes(), bytes),
                format!("{user}:{}", text.expose()),
            ),
            None => (SecretHash::of_value(bytes), text.expose().to_owned()),
        };
        Ok(Minted {
            shown,
            username,
            material: Material::Value(SecretHash::from_bytes(*hash.expose())),
            lookup: hash,
            origin: Origin::Generated,
            display: Display::of_generated(&text),
        })
    }

    /// As if a person had chosen a password: found by the user name, verified by its slow hash.
    fn choose(&self, user: String, text: &SecretText) -> Result<Minted, Failed> {
        // A generated value is refused as somebody's choice by its shape.
        let password = SecretText::new(text.expose().chars().rev().collect());
        let salts = Salts {
            phc: random()?,
            slow_hash: self.keys.password_salt(&user),
        };
        Ok(Minted {
            shown: format!("{user}:{}", password.expose()),
            lookup: SecretHash::of_username(user.as_bytes()),
            material: Material::Password(self.hasher.hash(&password, &salts)?),
            username: Some(user),
            origin: Origin::Chosen,
            display: Display::default(),
        })
    }
}

/// The client that the tokens name. It has no secret that gateways know.
fn register() -> Minted {
    let hash = SecretHash::of_client(jwt::ISSUER, jwt::CLIENT);
    Minted {
        shown: String::new(),
        username: None,
        material: Material::Value(SecretHash::from_bytes(*hash.expose())),
        lookup: hash,
        origin: Origin::Registered,
        display: Display::default(),
    }
}

impl Kind {
    pub(super) const fn credential_type(self) -> CredentialType {
        match self {
            Self::ApiKeys => CredentialType::ApiKey,
            Self::BearerTokens => CredentialType::BearerToken,
            Self::GeneratedPasswords | Self::ChosenPasswords => CredentialType::Basic,
            Self::Client => CredentialType::OauthClient,
        }
    }

    pub(super) const fn secret_type(self) -> SecretType {
        match self {
            Self::ApiKeys => SecretType::ApiKey,
            Self::BearerTokens | Self::Client => SecretType::BearerToken,
            Self::GeneratedPasswords | Self::ChosenPasswords => SecretType::Password,
        }
    }
}
