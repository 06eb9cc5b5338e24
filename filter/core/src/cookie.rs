//! One cookie among those of a request (RFC 6265 section 4.2), left in place or taken out.

use alloc::vec::Vec;

use crate::request::Occurrences;

/// Notes where the cookie called `name` occurs in one `cookie` header, on top of what earlier headers had.
pub fn find<'a>(header: &'a [u8], name: &str, found: &mut Occurrences<'a>) {
    for (written, value) in cookies(header).map(name_and_value) {
        if written == name.as_bytes() {
            found.note(value);
        }
    }
}

/// Appends to `out` the cookies of one header without those called `name`, `; ` between them.
pub fn append_without(header: &[u8], name: &str, out: &mut Vec<u8>) {
    for cookie in cookies(header) {
        if name_and_value(cookie).0 == name.as_bytes() {
            continue;
        }
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(cookie);
    }
}

fn cookies(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    header
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
}

/// The name is empty for a cookie without `=`, which is a value alone (RFC 6265bis).
fn name_and_value(cookie: &[u8]) -> (&[u8], &[u8]) {
    match cookie.iter().position(|byte| *byte == b'=') {
        Some(equals) => (
            cookie.get(..equals).unwrap_or_default().trim_ascii(),
            cookie
                .get(equals.saturating_add(1)..)
                .unwrap_or_default()
                .trim_ascii(),
        ),
        None => (&[], cookie),
    }
}
