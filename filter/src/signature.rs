//! Signatures that Envoy verifies: its foreign function `verify_signature`, whose arguments and result are protobuf.

use filter_core::jwt::{
    VerificationKey,
    algorithm::Hash,
    signature::{Verifier, subject_public_key_info},
};

use crate::abi;

/// Envoy's `BoringSSL`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Native;

/// Fields of `VerifySignatureArguments`, all of which are bytes.
const HASH_FUNCTION: u8 = 1;
const PUBLIC_KEY: u8 = 2;
const SIGNATURE: u8 = 3;
const TEXT: u8 = 4;

/// A `VerifySignatureResult` whose `result` is true.
const GOOD: [u8; 2] = [0x08, 0x01];

impl Verifier for Native {
    fn verify(&self, key: &VerificationKey, signature: &[u8], message: &[u8]) -> bool {
        let Some(info) = subject_public_key_info(key) else {
            return false;
        };
        let hash = match key.algorithm.hash() {
            Hash::Sha256 => "sha256",
            Hash::Sha384 => "sha384",
            Hash::Sha512 => "sha512",
        };
        let mut arguments = Vec::with_capacity(message.len() + signature.len() + info.len() + 32);
        field(&mut arguments, HASH_FUNCTION, hash.as_bytes());
        field(&mut arguments, PUBLIC_KEY, &info);
        field(&mut arguments, SIGNATURE, signature);
        field(&mut arguments, TEXT, message);
        abi::call_foreign_function(b"verify_signature", &arguments)
            .is_ok_and(|result| result == GOOD)
    }
}

/// A field of bytes: its number and wire type, the length as a varint, and the bytes.
fn field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    const BYTES: u8 = 2;
    message.push(number << 3 | BYTES);
    let mut length = bytes.len();
    while length >= 0x80 {
        message.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    message.push(length.to_le_bytes()[0]);
    message.extend_from_slice(bytes);
}
