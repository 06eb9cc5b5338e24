//! Apache's variant of md5crypt: a thousand rounds of MD5.

use md5::{Digest as _, Md5};

const MAGIC: &[u8] = b"$apr1$";
const ROUNDS: u32 = 1000;
const MAX_SALT: usize = 8;
const HASH_LENGTH: usize = 22;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// In which order the digest's bytes are written, three at a time, and the last by itself.
const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
const LAST: usize = 11;

/// Whether both have the length and the characters that they must have.
pub(super) fn is_well_formed(salt: &str, hash: &str) -> bool {
    let plain = |text: &str| text.bytes().all(|byte| ALPHABET.contains(&byte));
    (1..=MAX_SALT).contains(&salt.len()) && hash.len() == HASH_LENGTH && plain(salt) && plain(hash)
}

/// The hash as it stands after the salt.
pub(super) fn hash(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut first = Md5::new()
        .chain_update(password)
        .chain_update(MAGIC)
        .chain_update(salt);
    for part in password.chunks(inner.len()) {
        first.update(inner.get(..part.len()).unwrap_or_default());
    }
    // One byte for each bit of the length: a zero, or the password's first byte. So the original has it.
    let mut length = password.len();
    while length > 0 {
        let byte = if length & 1 == 1 {
            &[0]
        } else {
            password.get(..1).unwrap_or_default()
        };
        first.update(byte);
        length >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        let (one, other) = if round % 2 == 1 {
            (password, digest.as_slice())
        } else {
            (digest.as_slice(), password)
        };
        next.update(one);
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(other);
        digest = next.finalize();
    }
    encode(&digest)
}

fn encode(digest: &[u8]) -> String {
    let byte = |index: usize| u32::from(digest.get(index).copied().unwrap_or_default());
    let mut text = String::with_capacity(HASH_LENGTH);
    for [high, middle, low] in ORDER {
        push(
            &mut text,
            byte(high) << 16 | byte(middle) << 8 | byte(low),
            4,
        );
    }
    push(&mut text, byte(LAST), 2);
    text
}

/// Six bits at a time, the lowest first.
fn push(text: &mut String, mut bits: u32, characters: usize) {
    for _ in 0..characters {
        let index = (bits & 63) as usize;
        text.push(ALPHABET.get(index).copied().map_or('.', char::from));
        bits >>= 6;
    }
}
