//! What is shown instead of a secret.

use crate::{
    secret::Secret,
    secret_policy::{MASK, MASKED},
};

/// Characters of the secret's id that a mask ends with: 40 random bits, so that no secret has another one's mask.
const TAG_LENGTH: usize = 8;

/// What stands for the secret: what may be shown of it, and an end that is its own. Says nothing more of its value.
pub(super) fn of(secret: Option<&Secret>) -> String {
    let Some(secret) = secret else {
        return MASKED.to_owned();
    };
    let id = secret.id.to_string();
    let tag = id.len().checked_sub(TAG_LENGTH).and_then(|at| id.get(at..));
    let display = &secret.display;
    format!(
        "{}{MASKED}{}{MASKED}{}",
        display.prefix,
        display.last_four,
        tag.unwrap_or_default()
    )
}

/// Whether what was sent as a key is no key but a mask.
pub(super) fn is_masked_key(text: &str) -> bool {
    text.contains(MASK)
}

/// Whether what was sent as a password is no password but a mask.
pub(super) fn is_masked_password(text: &str) -> bool {
    text.contains(MASKED)
}
