//! Generated secrets in a stream of bytes.

use std::io::{self, Read};

use filter_core::key::{CHECK_LENGTH, MAX_BRAND_LENGTH, RANDOM_LENGTH, SecretType, Shape, shape};

use crate::secrets::SecretText;

/// Bytes read at a time. What a file takes of memory does not depend on its size.
const CHUNK: usize = 256 * 1024;
/// Characters after the brand: `_`, two letters, `_`, and the random part with its check.
const AFTER_BRAND: usize = 4 + RANDOM_LENGTH + CHECK_LENGTH;
/// The longest secret.
const LONGEST: usize = MAX_BRAND_LENGTH + AFTER_BRAND;
/// A NUL among so many bytes at the beginning makes a file binary, as for `grep`.
const LOOKED_AT: usize = 8 * 1024;

/// A secret, and where it is.
pub(super) struct Found {
    /// Counting from 1.
    pub(super) line: u64,
    /// In bytes, counting from 1.
    pub(super) column: u64,
    /// What it is for.
    pub(super) kind: SecretType,
    /// The secret itself.
    pub(super) value: SecretText,
}

impl Found {
    /// Its beginning and its end, as the registry shows it too.
    pub(super) fn masked(&self) -> String {
        let text = self.value.expose();
        let (start, end) = (text.len() - RANDOM_LENGTH - CHECK_LENGTH, text.len() - 4);
        let part = |range| text.get(range).unwrap_or_default();
        format!("{}…{}", part(0..start), part(end..text.len()))
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// Only secrets of this brand.
    pub(super) brand: Option<&'a str>,
    /// Also in files that are not text.
    pub(super) binary: bool,
}

/// How a source was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// To its end.
    Text,
    /// Not: it is no text.
    NotText,
    /// Not: in UTF-16, a secret does not look like itself.
    Utf16,
}

/// Finds every secret in what `source` gives, and hands it to `each`.
pub(super) fn search(
    mut source: impl Read,
    wanted: Wanted<'_>,
    mut each: impl FnMut(Found),
) -> io::Result<Reading> {
    let mut window = Window {
        bytes: Vec::with_capacity(CHUNK + LONGEST),
        searched: 0,
        line: 1,
        column: 1,
    };
    let mut first = true;
    loop {
        let before = window.bytes.len();
        let read = (&mut source)
            .take(CHUNK as u64)
            .read_to_end(&mut window.bytes)?;
        let is_last = window.bytes.len() - before < CHUNK;
        if first && is_utf16(&window.bytes) {
            return Ok(Reading::Utf16);
        }
        if first && !wanted.binary && is_binary(&window.bytes) {
            return Ok(Reading::NotText);
        }
        first = false;
        window.search(wanted.brand, is_last, &mut each);
        if is_last || read == 0 {
            return Ok(Reading::Text);
        }
    }
}

/// Whether a byte order mark says so, and what follows looks like it.
fn is_utf16(bytes: &[u8]) -> bool {
    (bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])) && is_binary(bytes)
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0)
}

/// A stretch of the stream: what was searched and may still be the brand of a secret, and what was not searched.
struct Window {
    bytes: Vec<u8>,
    searched: usize,
    /// Of the first byte.
    line: u64,
    column: u64,
}

impl Window {
    fn search(&mut self, brand: Option<&str>, is_last: bool, each: &mut impl FnMut(Found)) {
        // The `_` after a brand, with everything behind it in the window.
        let end = self
            .bytes
            .len()
            .saturating_sub(if is_last { 0 } else { AFTER_BRAND });
        let mut counted = 0;
        for at in self.searched..end {
            if self.bytes.get(at) != Some(&b'_') {
                continue;
            }
            if let Some((start, kind)) = secret_around(&self.bytes, at, brand) {
                self.advance(counted, start);
                counted = start;
                let text = self.bytes.get(start..at + AFTER_BRAND).unwrap_or_default();
                each(Found {
                    line: self.line,
                    column: self.column,
                    kind,
                    value: SecretText::new(String::from_utf8_lossy(text).into_owned()),
                });
            }
        }
        let kept = end.saturating_sub(MAX_BRAND_LENGTH).max(counted);
        self.advance(counted, kept);
        self.bytes.drain(..kept);
        self.searched = end - kept;
    }

    /// Moves line and column over the bytes between.
    fn advance(&mut self, from: usize, to: usize) {
        for byte in self.bytes.get(from..to).unwrap_or_default() {
            if *byte == b'\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
    }
}

/// The secret whose brand ends before the `_` at `at`. Its check tells where the brand begins, whatever stands before.
fn secret_around(bytes: &[u8], at: usize, brand: Option<&str>) -> Option<(usize, SecretType)> {
    let rest = bytes.get(at..at + AFTER_BRAND)?;
    if rest.get(3) != Some(&b'_') {
        return None;
    }
    let before = bytes.get(..at)?;
    let is_brand = |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let longest = before
        .iter()
        .rev()
        .take(MAX_BRAND_LENGTH)
        .take_while(is_brand)
        .count();
    (1..=longest).rev().find_map(|length| {
        let start = at - length;
        let fits = brand.is_none_or(|brand| bytes.get(start..at) == Some(brand.as_bytes()));
        match shape(bytes.get(start..at + AFTER_BRAND)?) {
            Shape::Generated(kind) if fits => Some((start, kind)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests;
