//! What a presented value can be, before it is looked up.

use crate::{
    config::Bearer,
    denial::Reason,
    feed::CredentialKind,
    key::{SecretType, Shape},
};

/// The kinds of credential that a key can be, by its shape.
pub(super) fn key_kind(shape: Shape) -> Result<&'static [CredentialKind], Reason> {
    match shape {
        Shape::Malformed => Err(Reason::CredentialMalformed),
        Shape::Generated(SecretType::ApiKey) | Shape::Foreign => Ok(&[CredentialKind::ApiKey]),
        Shape::Generated(_) => Err(Reason::CredentialUnknown),
    }
}

/// The kinds of credential that a bearer token can be, by its shape and the rule.
pub(super) fn token_kinds(
    bearer: &Bearer,
    shape: Shape,
) -> Result<&'static [CredentialKind], Reason> {
    const TOKEN: CredentialKind = CredentialKind::BearerToken;
    const KEY: CredentialKind = CredentialKind::ApiKey;
    let tokens = bearer.accepts_bearer_tokens
        && matches!(
            shape,
            Shape::Generated(SecretType::BearerToken) | Shape::Foreign
        );
    let keys = bearer.accepts_api_keys
        && matches!(shape, Shape::Generated(SecretType::ApiKey) | Shape::Foreign);
    match (shape, tokens, keys) {
        (Shape::Malformed, ..) => Err(Reason::CredentialMalformed),
        (_, true, true) => Ok(&[TOKEN, KEY]),
        (_, true, false) => Ok(&[TOKEN]),
        (_, false, true) => Ok(&[KEY]),
        (_, false, false) => Err(Reason::CredentialUnknown),
    }
}

/// RFC 6750 section 2.1.
pub(super) fn is_b64token(token: &[u8]) -> bool {
    let end = token
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(token.len());
    let (text, padding) = token.split_at_checked(end).unwrap_or((token, &[]));
    let is_text = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    !text.is_empty() && text.iter().all(is_text) && padding.iter().all(|byte| *byte == b'=')
}
