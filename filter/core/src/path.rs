//! One reading of a request's path, shared by every rule.
//!
//! Envoy forwards the path as the client wrote it, and upstreams read it in their own ways. Rules therefore match a
//! *canonical* path, and a path that upstreams could read in two ways has none.

use alloc::{borrow::Cow, vec::Vec};

/// A request target in its three parts, each as the client wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Up to the first `?` or `#`.
    pub path: &'a [u8],
    /// Between `?` and `#`, without them; `None` when there is no `?`.
    pub query: Option<&'a [u8]>,
    /// From `#` on, with it; usually empty.
    pub fragment: &'a [u8],
}

impl<'a> Target<'a> {
    /// Splits the value of `:path`.
    #[must_use]
    pub fn split(raw: &'a [u8]) -> Self {
        let (rest, fragment) =
            cut(raw, b'#').map_or((raw, &[][..]), |(before, from)| (before, from));
        match cut(rest, b'?') {
            Some((path, query)) => Self {
                path,
                query: query.get(1..),
                fragment,
            },
            None => Self {
                path: rest,
                query: None,
                fragment,
            },
        }
    }
}

/// Why a path has no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// It does not begin with a slash.
    #[error("does not begin with '/'")]
    NotAbsolute,
    /// `%2f`, `%5c` or `%00`: some upstreams decode them before they split the path, some after.
    #[error("has an encoded slash, backslash or NUL")]
    EncodedSeparator,
    /// `\`, which some upstreams read as a slash.
    #[error("has a backslash")]
    Backslash,
    /// A control character, which some parsers drop.
    #[error("has a control character")]
    Control,
    /// `%` without two hexadecimal digits after it.
    #[error("has an invalid escape")]
    InvalidEscape,
    /// `..` above the root.
    #[error("goes above the root")]
    AboveRoot,
    /// `..` after an empty segment (`/a//../b`): it removes `a` or nothing, by whether slashes are merged first.
    #[error("has '..' after an empty segment")]
    DotsAfterEmptySegment,
    /// `..;x`, which servlet containers read as `..`.
    #[error("has parameters on a dot segment")]
    DotsWithParameters,
}

/// The canonical form of `path` (without query and fragment).
///
/// Characters that a path may carry unescaped are unescaped and all others escaped in upper case (RFC 3986 section 6.2.2),
/// dot segments resolved, slashes merged. A path that is canonical already is not copied. The asterisk of `OPTIONS *` is its
/// own canonical form.
///
/// # Errors
/// When upstreams could read the path in more than one way.
pub fn canonical(path: &[u8]) -> Result<Cow<'_, [u8]>, Ambiguous> {
    if path == b"*" || is_canonical(path) {
        return Ok(Cow::Borrowed(path));
    }
    let segments = path
        .strip_prefix(b"/")
        .ok_or(Ambiguous::NotAbsolute)?
        .split(|byte| *byte == b'/');
    let mut out = Vec::with_capacity(path.len());
    let mut ends_in_dots = false;
    for segment in segments {
        let start = out.len();
        out.push(b'/');
        unescape(segment, &mut out)?;
        let written = out.get(start.saturating_add(1)..).unwrap_or_default();
        let dots = Dots::of(written)?;
        ends_in_dots = dots != Dots::None;
        match dots {
            Dots::None => {}
            Dots::One => out.truncate(start),
            Dots::Two => {
                out.truncate(start);
                remove_last_segment(&mut out)?;
            }
        }
    }
    if ends_in_dots {
        out.push(b'/');
    }
    out.dedup_by(|next, previous| *next == b'/' && *previous == b'/');
    Ok(Cow::Owned(out))
}

/// The canonical path without the parameters of its segments (`/a;v=1/b` is `/a/b`): how servlet containers read it.
/// `None` when it has none.
#[must_use]
pub fn without_parameters(canonical: &[u8]) -> Option<Vec<u8>> {
    if !canonical.contains(&b';') {
        return None;
    }
    let mut out = Vec::with_capacity(canonical.len());
    let mut in_parameters = false;
    for byte in canonical {
        match byte {
            b'/' => in_parameters = false,
            b';' => in_parameters = true,
            _ => {}
        }
        if !in_parameters {
            out.push(*byte);
        }
    }
    out.dedup_by(|next, previous| *next == b'/' && *previous == b'/');
    Some(out)
}

/// Whether a rule's prefix covers the canonical path: the prefix ends where a segment does.
#[must_use]
pub fn has_prefix(path: &[u8], prefix: &[u8]) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with(b"/") || prefix.ends_with(b"/"),
        None => false,
    }
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_canonical(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/") else {
        return false;
    };
    let mut segments = rest.split(|byte| *byte == b'/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last
            || segment.first() == Some(&b'.') && Dots::of(segment) != Ok(Dots::None)
        {
            return false;
        }
        if !segment.iter().all(|byte| is_path_character(*byte)) && !is_canonically_escaped(segment)
        {
            return false;
        }
    }
    true
}

fn is_canonically_escaped(mut segment: &[u8]) -> bool {
    loop {
        segment = match segment {
            [] => return true,
            [b'%', high, low, rest @ ..] => match escaped(*high, *low) {
                Ok(byte)
                    if !is_path_character(byte)
                        && !high.is_ascii_lowercase()
                        && !low.is_ascii_lowercase() =>
                {
                    rest
                }
                _ => return false,
            },
            [byte, rest @ ..] if is_path_character(*byte) => rest,
            _ => return false,
        };
    }
}

/// RFC 3986's `pchar`, without escapes.
fn is_path_character(byte: u8) -> bool {
    is_name_character(byte) || matches!(byte, b':' | b'@')
}

/// RFC 3986's `reg-name`, without escapes: unreserved characters and `sub-delims`.
pub(crate) fn is_name_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

fn unescape(mut segment: &[u8], out: &mut Vec<u8>) -> Result<(), Ambiguous> {
    loop {
        let (byte, rest) = match segment {
            [] => return Ok(()),
            [b'%', high, low, rest @ ..] => (escaped(*high, *low)?, rest),
            [b'%', ..] => return Err(Ambiguous::InvalidEscape),
            [b'\\', ..] => return Err(Ambiguous::Backslash),
            [byte, ..] if byte.is_ascii_control() => return Err(Ambiguous::Control),
            [byte, rest @ ..] => (*byte, rest),
        };
        if is_path_character(byte) {
            out.push(byte);
        } else {
            out.extend([b'%', upper_hex(byte >> 4), upper_hex(byte & 15)]);
        }
        segment = rest;
    }
}

fn escaped(high: u8, low: u8) -> Result<u8, Ambiguous> {
    let (Some(high), Some(low)) = (hex(high), hex(low)) else {
        return Err(Ambiguous::InvalidEscape);
    };
    match high << 4 | low {
        b'/' | b'\\' | 0 => Err(Ambiguous::EncodedSeparator),
        byte => Ok(byte),
    }
}

fn upper_hex(digit: u8) -> u8 {
    b"0123456789ABCDEF"
        .get(usize::from(digit))
        .copied()
        .unwrap_or(b'0')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Dots {
    None,
    One,
    Two,
}

impl Dots {
    fn of(segment: &[u8]) -> Result<Self, Ambiguous> {
        match segment {
            b"." => Ok(Self::One),
            b".." => Ok(Self::Two),
            [b'.', b';', ..] | [b'.', b'.', b';', ..] => Err(Ambiguous::DotsWithParameters),
            _ => Ok(Self::None),
        }
    }
}

/// `out` is a sequence of `/segment`; empty segments are still in it.
fn remove_last_segment(out: &mut Vec<u8>) -> Result<(), Ambiguous> {
    match out.iter().rposition(|byte| *byte == b'/') {
        None => Err(Ambiguous::AboveRoot),
        Some(slash) if slash.saturating_add(1) == out.len() => {
            Err(Ambiguous::DotsAfterEmptySegment)
        }
        Some(slash) => {
            out.truncate(slash);
            Ok(())
        }
    }
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|byte| *byte == at)?;
    text.split_at_checked(position)
}
