//! What secrets must be like that people choose, and how those are made that they do not.

use filter_core::key::{PlainSecret, SecretType, Shape, shape};

use crate::{
    entropy::Entropy,
    error::{Error, InvalidField},
    secrets::SecretText,
};

/// Stands for the hidden part where a key is shown masked. No key may contain it, so a mask is never taken for a key.
pub const MASK: char = '*';
/// Stands for the hidden part where a secret is shown masked. No password may contain it.
pub const MASKED: &str = "****";
/// Bytes at most in a value of the caller's own.
pub const MAX_OWN_LENGTH: usize = 512;
/// Characters at most in a user name.
pub const MAX_USERNAME_LENGTH: usize = 256;

/// The rules for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPolicy {
    /// What generated secrets begin with.
    pub brand: String,
    /// Characters at least in a caller's own key.
    pub minimum_own_key_length: usize,
    /// Characters at least in a chosen password.
    pub minimum_password_length: usize,
    /// Whether secrets may be kept so that they can be shown again.
    pub retrievable_allowed: bool,
}

impl Default for SecretPolicy {
    fn default() -> Self {
        Self {
            brand: "ks".to_owned(),
            minimum_own_key_length: 20,
            minimum_password_length: 12,
            retrievable_allowed: false,
        }
    }
}

impl SecretPolicy {
    /// Makes a new secret.
    pub fn generate(&self, kind: SecretType, entropy: &dyn Entropy) -> Result<SecretText, Error> {
        // 64 bytes fall short once in 2^100: then 64 others do not.
        for _ in 0..4 {
            let bytes = zeroize::Zeroizing::new(entropy.bytes::<64>()?);
            if let Some(secret) = PlainSecret::generate(&self.brand, kind, bytes.as_slice()) {
                return Ok(SecretText::new(secret.expose().to_owned()));
            }
        }
        Err(InvalidField::new("brand", "must be 1 to 16 of a-z and 0-9").into())
    }

    /// Checks a caller's own API key: visible ASCII without [`MASK`], and not like a generated secret.
    pub fn check_own_key(&self, value: &SecretText) -> Result<(), InvalidField> {
        let field = "value";
        let text = value.expose();
        let minimum = self.minimum_own_key_length;
        if !(minimum..=MAX_OWN_LENGTH).contains(&text.len()) {
            return Err(InvalidField::new(
                field,
                format!(
                    "must be {minimum} to {MAX_OWN_LENGTH} characters (the setting minimum_own_key_length says how many at least)"
                ),
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(MASK) {
            return Err(InvalidField::new(
                field,
                format!("must be visible ASCII characters without '{MASK}'"),
            ));
        }
        check_shape(field, text)
    }

    /// Checks a chosen password: no control characters, and not like a generated secret.
    pub fn check_password(&self, password: &SecretText) -> Result<(), InvalidField> {
        let field = "password";
        let text = password.expose();
        let minimum = self.minimum_password_length;
        if text.chars().count() < minimum || text.len() > MAX_OWN_LENGTH {
            return Err(InvalidField::new(
                field,
                format!(
                    "must be at least {minimum} characters (the setting minimum_password_length) and at most {MAX_OWN_LENGTH} bytes"
                ),
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidField::new(
                field,
                "must not contain control characters",
            ));
        }
        if text.contains(MASKED) {
            let message = format!("must not contain {MASKED}, which stands for what is not shown");
            return Err(InvalidField::new(field, message));
        }
        check_shape(field, text)
    }
}

/// Checks a user name: what stands before the colon of HTTP Basic.
pub fn check_username(username: String) -> Result<String, InvalidField> {
    let fits = (1..=MAX_USERNAME_LENGTH).contains(&username.len());
    if fits
        && username
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b':')
    {
        Ok(username)
    } else {
        Err(InvalidField::new(
            "username",
            format!("must be 1 to {MAX_USERNAME_LENGTH} visible ASCII characters without ':'"),
        ))
    }
}

fn check_shape(field: &'static str, text: &str) -> Result<(), InvalidField> {
    match shape(text.as_bytes()) {
        Shape::Foreign => Ok(()),
        Shape::Generated(_) | Shape::Malformed => Err(InvalidField::new(
            field,
            "must not look like a generated secret (`<brand>_<type>_...`)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn check_key(text: &str, ok: bool) {
        let checked = SecretPolicy::default().check_own_key(&secret(text));
        assert_eq!(checked.is_ok(), ok, "{text}");
    }

    fn check_password(text: &str, ok: bool) {
        let checked = SecretPolicy::default().check_password(&secret(text));
        assert_eq!(checked.is_ok(), ok, "{text}");
    }

    #[test]
    fn an_own_key_is_long_visible_and_unlike_a_generated_one() {
        check_key("an-own-key-of-20-char", true);
        check_key("too-short", false);
        check_key("masked-keys-are-not-keys-***", false);
        check_key("with white space in its middle", false);
        check_key("with-ümlaut-in-its-middle-x", false);
        check_key("ks_ak_0123456789012345678901234567", false);
        check_key("other_bt_012345678901234567890123", false);
        check_key(&"x".repeat(MAX_OWN_LENGTH), true);
        check_key(&"x".repeat(MAX_OWN_LENGTH + 1), false);
        let generated =
            SecretPolicy::default().generate(SecretType::ApiKey, &SeededEntropy::new(1));
        check_key(generated.unwrap().expose(), false);
    }

    #[test]
    fn a_password_is_long_printable_and_unlike_a_generated_one() {
        check_password("pässwörter sind schön", true);
        check_password("elf zeichen", false);
        check_password("with a line\nbreak in it", false);
        check_password("ks_pw_invented-by-somebody", false);
        check_password(&"ü".repeat(257), false);
    }

    #[test]
    fn a_user_name_has_no_colon_and_no_space() {
        assert!(check_username("ann@example.com".to_owned()).is_ok());
        for name in ["", "a:b", "a b", "ä", "a\n"] {
            assert!(check_username(name.to_owned()).is_err(), "{name}");
        }
    }

    #[test]
    fn generated_secrets_have_the_generated_shape_and_differ() {
        let entropy = SeededEntropy::new(7);
        let policy = SecretPolicy::default();
        let one = policy.generate(SecretType::Password, &entropy).unwrap();
        let two = policy.generate(SecretType::Password, &entropy).unwrap();
        assert_eq!(
            shape(one.expose().as_bytes()),
            Shape::Generated(SecretType::Password)
        );
        assert!(one != two);
    }
}
