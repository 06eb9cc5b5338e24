//! What a credential's fields must be like.

use super::{Credential, CredentialType};
use crate::{
    application::Application,
    clock::Timestamp,
    error::{Conflict, Error, InvalidField},
    ids::CredentialId,
    label,
    scope::Scopes,
    store::WriteTransaction,
};

const MAX_NAME_LENGTH: usize = 256;
const MAX_IDENTIFIER_LENGTH: usize = 64;

pub(super) fn name(text: String) -> Result<String, InvalidField> {
    label::visible_ascii("name", text, MAX_NAME_LENGTH)
}

pub(super) fn identifier(text: String) -> Result<String, InvalidField> {
    let fits = (1..=MAX_IDENTIFIER_LENGTH).contains(&text.len());
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !fits || !plain {
        return Err(InvalidField::new(
            "identifier",
            format!("must be 1 to {MAX_IDENTIFIER_LENGTH} of letters, digits and ._-"),
        ));
    }
    // An upstream that knows credentials by their id must not be shown another one's.
    if text.parse::<CredentialId>().is_ok() {
        return Err(InvalidField::new(
            "identifier",
            "must not be a credential's id",
        ));
    }
    Ok(text)
}

/// The scopes must be some of the application's.
pub(super) fn scopes(
    tokens: Vec<String>,
    application: &Application,
) -> Result<Scopes, InvalidField> {
    let scopes = Scopes::parse("scopes", tokens)?;
    if let Some(scope) = scopes.beyond(&application.scopes).next() {
        let message = format!("the application does not have the scope {scope:?}");
        return Err(InvalidField::new("scopes", message));
    }
    Ok(scopes)
}

/// The end must be in the future, and after the beginning. Whoever holds a bearer token is its owner, so none may work for
/// ever.
pub(super) fn period(
    kind: CredentialType,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), InvalidField> {
    let Some(end) = expires_at else {
        return match kind {
            CredentialType::BearerToken => Err(InvalidField::new(
                "expires_at",
                "is required for bearer tokens",
            )),
            CredentialType::ApiKey | CredentialType::Basic | CredentialType::OauthClient => Ok(()),
        };
    };
    if end <= now {
        return Err(InvalidField::new("expires_at", "must be in the future"));
    }
    if not_before.is_some_and(|start| end <= start) {
        return Err(InvalidField::new(
            "expires_at",
            "must be later than not_before",
        ));
    }
    Ok(())
}

/// No other credential of the application may have the name or the identifier.
pub(super) async fn check_names_are_free(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
) -> Result<(), Error> {
    let taken = |holder: Option<CredentialId>| holder.is_some_and(|holder| holder != credential.id);
    let application = credential.application;
    if taken(
        write
            .credential_named(application, &credential.name)
            .await?,
    ) {
        return Err(Conflict::CredentialName.into());
    }
    if taken(
        write
            .credential_identified(application, &credential.identifier)
            .await?,
    ) {
        return Err(Conflict::Identifier.into());
    }
    Ok(())
}

impl Credential {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it is honoured at `now`, as far as it decides itself.
    #[must_use]
    pub fn is_honoured(&self, now: Timestamp) -> bool {
        self.enabled && !self.is_expired(now) && self.not_before.is_none_or(|start| start <= now)
    }
}
