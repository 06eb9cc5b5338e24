//! Secrets by number: generated ones, as the registry would make them.

use std::sync::OnceLock;

use filter_core::{
    digest::SecretHash,
    key::{PlainSecret, SecretType},
};

/// Keys that most tests use: their hashes are made once.
const USUAL: u32 = 100_000;

/// A generated secret of its kind.
pub fn generated(kind: SecretType, number: u32) -> String {
    let mut entropy = [0; 64];
    for (place, byte) in entropy.iter_mut().enumerate() {
        let spread = u64::from(number)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(u32::try_from(place).expect("small"));
        // Below 248, so that each byte makes a character.
        *byte = u8::try_from(spread % 248).expect("below 248");
    }
    let secret = PlainSecret::generate("ks", kind, &entropy).expect("enough entropy");
    secret.expose().to_owned()
}

/// The key of a numbered credential.
pub fn api_key(number: u32) -> String {
    generated(SecretType::ApiKey, number)
}

/// The hash of a numbered credential's key.
pub(crate) fn hash_of_key(number: u32) -> SecretHash {
    static HASHES: OnceLock<Vec<SecretHash>> = OnceLock::new();
    let hash = |number| SecretHash::of_value(api_key(number).as_bytes());
    let known = HASHES.get_or_init(|| (0..USUAL).map(hash).collect());
    let at = usize::try_from(number).expect("fits");
    known.get(at).cloned().unwrap_or_else(|| hash(number))
}
