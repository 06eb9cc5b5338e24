//! Where users may be sent back to (RFC 7591 section 5, RFC 8252 sections 7 and 8).

use axum::http::Uri;

use crate::error::InvalidField;

const FIELD: &str = "client.redirect_uris";

/// Checks one: `https`; `http` to this machine alone, for programs that run there; or a scheme of the program's own with
/// a dot in it, as RFC 8252 section 7.1 wants it. None with a fragment, a user name, or a wildcard.
///
/// # Errors
/// Says what one must be like, and not which it was.
pub(super) fn check(uri: &str) -> Result<(), InvalidField> {
    let wrong = |message: &str| Err(InvalidField::new(FIELD, message));
    if uri.contains(['#', '*', ' ', '\\']) || !uri.is_ascii() {
        return wrong(
            "must be absolute URIs in ASCII without a fragment, a wildcard, a backslash and spaces",
        );
    }
    let Some((scheme, rest)) = uri.split_once(':') else {
        return wrong("must be absolute URIs");
    };
    match scheme {
        "https" | "http" => web(scheme, uri).map_or_else(wrong, Ok),
        _ if is_own_scheme(scheme) && !rest.is_empty() => Ok(()),
        _ => wrong(
            "must begin with https://, with http:// for a program on this machine, or with a scheme such as com.example.app:",
        ),
    }
}

/// What is wrong with it, if anything is.
fn web(scheme: &str, uri: &str) -> Result<(), &'static str> {
    const MALFORMED: &str = "must be absolute URIs";
    let uri: Uri = uri.parse().map_err(|_| MALFORMED)?;
    let authority = uri.authority().ok_or(MALFORMED)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err("must not carry a user name or password");
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_local = host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    if scheme == "http" && !is_local {
        return Err("must begin with https:// unless they stay on the user's machine");
    }
    Ok(())
}

/// A scheme that is a domain name backwards; nobody else's by accident, as `javascript` and `data` would be.
fn is_own_scheme(scheme: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-+".contains(&byte);
    scheme.contains('.')
        && scheme.bytes().all(plain)
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_on_the_web_and_on_the_users_machine_are_sent_back_to() {
        for uri in [
            "https://app.example/back",
            "https://app.example:8443/back?a=b",
            "http://127.0.0.1/back",
            "http://127.0.0.1:51004/back",
            "http://[::1]:51004/back",
            "http://localhost:3000/",
            "com.example.app:/back",
        ] {
            check(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        }
    }

    #[test]
    fn nothing_else_is() {
        for uri in [
            "",
            "/back",
            "app.example/back",
            "http://app.example/back",
            "http://127.0.0.1.example/back",
            "https://app.example/back#here",
            "https://*.app.example/back",
            "https://user:password@app.example/",
            "https://app.example/a b",
            "https:///back",
            "https:\\\\app.example",
            "javascript:alert(1)",
            "data:text/html,a",
            "myapp:/back",
            ".app:/back",
            "com..app:/back",
            "com.example.app:",
            "https://äpp.example/",
        ] {
            assert!(check(uri).is_err(), "{uri}");
        }
    }
}
