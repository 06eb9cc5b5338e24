//! A parameter in the query of a request target, left in place or taken out byte for byte.
//!
//! Names and values are percent-decoded. `+` is itself, as Envoy reads it: no key holds a space, and a key that holds a plus
//! needs no escaping. Only `&` separates.

use alloc::{borrow::Cow, vec::Vec};

use crate::{
    path::{Target, hex},
    request::Occurrences,
};

/// Finds the parameter called `name`, in whatever way its name is escaped.
#[must_use]
pub fn find<'a>(query: &'a [u8], name: &str) -> Occurrences<'a> {
    let mut found = Occurrences::default();
    for parameter in query.split(|byte| *byte == b'&') {
        let (written, value) = name_and_value(parameter);
        if is_named(written, name) {
            found.note(value);
        }
    }
    found
}

/// A value with its escapes decoded; an invalid escape stands for itself.
#[must_use]
pub fn decode(value: &[u8]) -> Cow<'_, [u8]> {
    if value.contains(&b'%') {
        Cow::Owned(Decoded(value).collect())
    } else {
        Cow::Borrowed(value)
    }
}

/// The target without any parameter called `name`, all others as they were. The `?` goes with the last parameter.
#[must_use]
pub fn without(target: &Target<'_>, name: &str) -> Vec<u8> {
    let mut out = target.path.to_vec();
    let kept = target
        .query
        .into_iter()
        .flat_map(|query| query.split(|byte| *byte == b'&'))
        .filter(|parameter| !is_named(name_and_value(parameter).0, name));
    let mut separator = b'?';
    for parameter in kept {
        out.push(separator);
        out.extend_from_slice(parameter);
        separator = b'&';
    }
    out.extend_from_slice(target.fragment);
    out
}

fn name_and_value(parameter: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = parameter.splitn(2, |byte| *byte == b'=');
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

fn is_named(written: &[u8], name: &str) -> bool {
    written.len() >= name.len() && Decoded(written).eq(name.bytes())
}

/// The bytes that an escaped text stands for.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match self.0 {
            [b'%', high, low, rest @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, rest),
                _ => (b'%', self.0.get(1..).unwrap_or_default()),
            },
            [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        self.0 = rest;
        Some(byte)
    }
}
