//! What Envoy offers beyond the ABI: here, signatures by ECDSA on P-256.

use p256::{
    ecdsa::{Signature, VerifyingKey, signature::Verifier as _},
    pkcs8::DecodePublicKey as _,
};
use wasmi::{Error, Linker};

use super::ENV;
use crate::{
    memory::{
        Guest, give, note, read,
        status::{INVALID_MEMORY_ACCESS, NOT_FOUND},
    },
    vm::State,
};

pub(super) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(ENV, "proxy_call_foreign_function", call)?;
    Ok(())
}

fn call(
    mut guest: Guest<'_>,
    name: u32,
    name_length: u32,
    arguments: u32,
    arguments_length: u32,
    data: u32,
    size: u32,
) -> u32 {
    note(&mut guest, "proxy_call_foreign_function");
    let name = read(&mut guest, name, name_length);
    let arguments = read(&mut guest, arguments, arguments_length);
    let (Some(name), Some(arguments)) = (name, arguments) else {
        return INVALID_MEMORY_ACCESS;
    };
    if name != b"verify_signature" {
        return NOT_FOUND;
    }
    // `result` is true; or left out, with the error that Envoy says.
    let result: &[u8] = if is_good(&arguments) {
        &[0x08, 0x01]
    } else {
        b"\x12\x07refused"
    };
    give(&mut guest, result, data, size)
}

fn is_good(mut arguments: &[u8]) -> bool {
    let [hash, key, signature, text] = [1, 2, 3, 4].map(|number| field(&mut arguments, number));
    assert_eq!(hash, b"sha256", "the only hash of P-256");
    assert!(arguments.is_empty(), "{arguments:?} behind the arguments");
    let key = VerifyingKey::from_public_key_der(key).expect("a key");
    Signature::from_der(signature).is_ok_and(|signature| key.verify(text, &signature).is_ok())
}

/// The next field, which must have this number and be bytes.
fn field<'a>(message: &mut &'a [u8], number: u8) -> &'a [u8] {
    assert_eq!(message.first(), Some(&(number << 3 | 2)), "field {number}");
    let varint = &message[1..];
    let bytes = 1 + varint
        .iter()
        .position(|byte| byte & 0x80 == 0)
        .expect("an end");
    let groups = varint[..bytes].iter().rev();
    let length = groups.fold(0, |length, group| length << 7 | usize::from(group & 0x7f));
    let (content, rest) = varint[bytes..].split_at(length);
    *message = rest;
    content
}
