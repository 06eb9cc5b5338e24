//! The shapes of texts in the configuration.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use super::error::ConfigError;
use crate::{identity::IdentityHeader, path};

type Checked = Result<(), ConfigError>;

/// The longest issuer or audience.
const MAX_ADDRESS: usize = 1024;
const MAX_NAME: usize = 256;
const MAX_REALM: usize = 128;
const MAX_PLACE: usize = 128;
const MAX_PATH: usize = 4096;
const MAX_HOST: usize = 255;

/// Headers that cannot carry a key: the connection or the message would break when they are hidden.
const RESERVED_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A name of something in Envoy or the registry.
pub(super) fn name(text: &str) -> Checked {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    check(visible && (1..=MAX_NAME).contains(&text.len()), || {
        format!("must be 1 to {MAX_NAME} visible ASCII characters")
    })
}

/// What people call a rule.
pub(super) fn rule_name(text: &str) -> Checked {
    let printable = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    check(printable && (1..=MAX_NAME).contains(&text.len()), || {
        format!("must be 1 to {MAX_NAME} printable ASCII characters")
    })
}

pub(super) fn application_name(text: &str) -> Checked {
    let allowed = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    check(allowed && (1..=MAX_NAME).contains(&text.len()), || {
        format!("must be the name of an application: 1 to {MAX_NAME} of A-Z a-z 0-9 _ -")
    })
}

pub(super) fn realm(text: &str) -> Checked {
    let allowed = text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    check(allowed && (1..=MAX_REALM).contains(&text.len()), || {
        format!("must be 1 to {MAX_REALM} printable ASCII characters without \" and \\")
    })
}

/// As tokens say it in `iss`. Most are addresses (RFC 8414 section 2), but some issuers have a plain name.
pub(super) fn issuer(text: &str) -> Checked {
    visible(text)
}

/// As tokens say it in `aud`.
pub(super) fn audience(text: &str) -> Checked {
    visible(text)
}

/// What a rule protects, as it goes into a challenge between quotes.
pub(super) fn resource(text: &str) -> Checked {
    visible(text)?;
    check(!text.contains(['"', '\\', '?', '#', '@']), || {
        String::from("must be an address without \", \\, ?, # and @")
    })
}

fn visible(text: &str) -> Checked {
    let allowed = text.bytes().all(|byte| byte.is_ascii_graphic());
    check(allowed && (1..=MAX_ADDRESS).contains(&text.len()), || {
        format!("must be 1 to {MAX_ADDRESS} visible ASCII characters")
    })
}

/// RFC 6749 section 3.3.
pub(super) fn scope(text: &str) -> Checked {
    let allowed = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    check(allowed && (1..=MAX_NAME).contains(&text.len()), || {
        format!("must be 1 to {MAX_NAME} visible ASCII characters without \" and \\")
    })
}

/// A header that a key is read from, in lower case.
pub(super) fn header(text: &str) -> Result<String, ConfigError> {
    token(text)?;
    let lower = text.to_ascii_lowercase();
    if IdentityHeader::spelled(lower.as_bytes()).is_some() {
        return Err(ConfigError::new(
            "is an identity header, which clients cannot send",
        ));
    }
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        return Err(ConfigError::new("is a header that HTTP itself needs"));
    }
    Ok(lower)
}

/// RFC 9110 section 5.6.2, which cookie names share.
pub(super) fn token(text: &str) -> Checked {
    let allowed = text.bytes().all(|byte| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
    });
    check(allowed && (1..=MAX_PLACE).contains(&text.len()), || {
        format!("must be a token of 1 to {MAX_PLACE} characters (RFC 9110 section 5.6.2)")
    })
}

/// A name that every upstream reads alike.
pub(super) fn query_parameter(text: &str) -> Checked {
    let allowed = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
    check(allowed && (1..=MAX_PLACE).contains(&text.len()), || {
        format!("must be 1 to {MAX_PLACE} of A-Z a-z 0-9 - . _ ~")
    })
}

/// Methods are case-sensitive, and those of HTTP are in upper case.
pub(super) fn method(text: &str) -> Checked {
    token(text)?;
    check(!text.bytes().any(|byte| byte.is_ascii_lowercase()), || {
        String::from("must be in upper case, as methods are")
    })
}

pub(super) fn path(text: &str) -> Result<Vec<u8>, ConfigError> {
    let bytes = text.as_bytes();
    check(text.len() <= MAX_PATH, || {
        format!("must be {MAX_PATH} characters at most")
    })?;
    check(!bytes.contains(&b'?') && !bytes.contains(&b'#'), || {
        String::from("must be a path alone, without query and fragment")
    })?;
    check(bytes.starts_with(b"/"), || {
        String::from("must begin with '/'")
    })?;
    match path::canonical(bytes) {
        Ok(Cow::Borrowed(_)) => Ok(bytes.to_vec()),
        Ok(Cow::Owned(canonical)) => Err(ConfigError::new(format!(
            "is not canonical: write {}",
            String::from_utf8_lossy(&canonical)
        ))),
        Err(error) => Err(ConfigError::new(format!("{error}"))),
    }
}

/// A host name in lower case, without port and final dot.
pub(super) fn host_name(text: &str) -> Result<String, ConfigError> {
    let allowed = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    let labels = text.split('.').all(|label| !label.is_empty());
    check(allowed && labels && text.len() <= MAX_HOST, || {
        String::from(
            "must be a host name without port and final dot, *.name, or an IPv6 address in brackets",
        )
    })?;
    Ok(text.to_ascii_lowercase())
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(ConfigError::new(otherwise()))
    }
}
