//! For how long credentials and tokens may work at most, as the settings say.
//!
//! A lifetime is a secret's: it begins when the secret is made, and anew with the next one.

use std::time::Duration;

use crate::{clock::Timestamp, credential::CredentialType, error::InvalidField};

/// The longest lifetime of each type; `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Of API keys.
    pub api_key: Option<Duration>,
    /// Of HTTP Basic.
    pub basic: Option<Duration>,
    /// Of bearer tokens.
    pub bearer_token: Option<Duration>,
    /// Of OAuth clients.
    pub oauth_client: Option<Duration>,
    /// Of tokens for the registry itself that its API makes.
    pub token: Option<Duration>,
}

/// A longest lifetime, and the setting that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    setting: &'static str,
    most: Duration,
}

impl Lifetimes {
    /// That of credentials of this type.
    pub(crate) fn of(&self, kind: CredentialType) -> Option<Lifetime> {
        let (setting, most) = match kind {
            CredentialType::ApiKey => ("max_lifetime_api_key_seconds", self.api_key),
            CredentialType::Basic => ("max_lifetime_basic_seconds", self.basic),
            CredentialType::BearerToken => ("max_lifetime_bearer_token_seconds", self.bearer_token),
            CredentialType::OauthClient => ("max_lifetime_oauth_client_seconds", self.oauth_client),
        };
        Some(Lifetime {
            setting,
            most: most?,
        })
    }

    /// That of tokens for the registry itself.
    pub(crate) fn of_token(&self) -> Option<Lifetime> {
        Some(Lifetime {
            setting: "max_lifetime_token_seconds",
            most: self.token?,
        })
    }
}

impl Lifetime {
    /// Until when that may work which was made at `since`.
    pub(crate) fn end(self, since: Timestamp) -> Timestamp {
        since.after(self.most)
    }

    /// The end that is wished for, which must not be later than `last`; where none is, that.
    pub(crate) fn fit(
        self,
        wished: Option<Timestamp>,
        last: Timestamp,
    ) -> Result<Timestamp, InvalidField> {
        let end = wished.unwrap_or(last);
        if end <= last {
            return Ok(end);
        }
        Err(self.refusal("after its secret is made: leave it out, or null, for the latest"))
    }

    /// Why no end is possible any more for a secret that is too old.
    pub(crate) fn is_over(self) -> InvalidField {
        self.refusal("after its secret is made, and this one is older: rotate it, with expires_at")
    }

    fn refusal(self, of_what: &str) -> InvalidField {
        let Self { setting, most } = self;
        let message = format!(
            "must be at most {} seconds (the setting {setting}) {of_what}",
            most.as_secs()
        );
        InvalidField::new("expires_at", message)
    }
}
