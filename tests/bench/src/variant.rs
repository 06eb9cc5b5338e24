//! The ways of authenticating that are compared: for each an Envoy of its own.

pub mod config;
pub mod filter;
pub mod fleet;
pub mod gateway;
mod identity;
pub mod jwt;
pub mod secret;

use crate::seed;

/// What stands in front of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// Nothing.
    None,
    /// A module that continues.
    Empty,
    /// A module with the unavoidable steps.
    Probe,
    /// Envoy's `api_key_auth`.
    NativeKey,
    /// Keysmith's `key_auth`.
    Key,
    /// Envoy's `basic_auth`.
    NativeBasic,
    /// Keysmith's `basic_auth`, passwords that the registry made.
    Basic,
    /// Keysmith's `basic_auth`, passwords that somebody chose, already verified once.
    ChosenBasic,
    /// Envoy's `jwt_authn`, every token in its cache.
    NativeJwt,
    /// Keysmith's `bearer`, the same tokens.
    Jwt,
    /// Keysmith's `bearer`, opaque tokens.
    Bearer,
    /// Envoy's `ext_authz` over HTTP.
    ExtAuthz,
}

impl Check {
    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no filter",
            Self::Empty => "empty module",
            Self::Probe => "probe",
            Self::NativeKey => "native api_key_auth",
            Self::Key => "Keysmith key_auth",
            Self::NativeBasic => "native basic_auth",
            Self::Basic => "Keysmith basic_auth, generated passwords",
            Self::ChosenBasic => "Keysmith basic_auth, chosen passwords, warm",
            Self::NativeJwt => "native jwt_authn, tokens cached",
            Self::Jwt => "Keysmith bearer, JWTs",
            Self::Bearer => "Keysmith bearer, opaque tokens",
            Self::ExtAuthz => "ext_authz over HTTP",
        }
    }

    /// Whether it tells the upstream who calls.
    pub const fn identifies(self) -> bool {
        !matches!(self, Self::None | Self::Empty)
    }

    /// Whether the registry feeds it.
    pub const fn is_keysmith(self) -> bool {
        matches!(
            self,
            Self::Key | Self::Basic | Self::ChosenBasic | Self::Jwt | Self::Bearer
        )
    }

    /// The kind of secret that callers send. Without a check they send what `key_auth` wants, so that Envoy reads as many
    /// bytes.
    pub const fn secret(self) -> secret::Kind {
        match self {
            Self::NativeBasic | Self::Basic => secret::Kind::Password,
            Self::ChosenBasic => secret::Kind::ChosenPassword,
            Self::NativeJwt | Self::Jwt => secret::Kind::Jwt,
            Self::Bearer => secret::Kind::Token,
            _ => secret::Kind::ApiKey,
        }
    }
}

/// A way of authenticating, with everything that an Envoy is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// What stands in front of the router.
    pub check: Check,
    /// How many credentials there are.
    pub credentials: usize,
    /// Envoy's worker threads.
    pub workers: u32,
}

impl Variant {
    /// With one worker.
    pub const fn new(check: Check, credentials: usize) -> Self {
        Self {
            check,
            credentials,
            workers: 1,
        }
    }

    /// Its name in the report: with the number of credentials, where it has any.
    pub fn name(&self) -> String {
        let name = self.check.name();
        if self.check.secret() == secret::Kind::Jwt {
            format!("{name}, {} tokens", grouped(self.credentials))
        } else if self.check.identifies() {
            format!("{name}, {} credentials", grouped(self.credentials))
        } else {
            name.to_owned()
        }
    }

    /// Its name in a path.
    pub fn file_name(&self) -> String {
        format!("{:?}-{}-{}", self.check, self.credentials, self.workers).to_lowercase()
    }
}

/// The owner of credential number `number`, in every variant that is not told by the registry: one owner of at most
/// 10,000 credentials, with the names that the seeds give.
pub fn username(number: usize) -> String {
    format!("application-{}", number / seed::PER_APPLICATION + 1)
}

/// A number as it is read: `100,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_groups_of_three() {
        assert_eq!(grouped(100), "100");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
