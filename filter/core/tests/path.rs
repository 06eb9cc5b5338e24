//! The canonical path, parameters in the query, and cookies, as tables.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    cookie,
    path::{Ambiguous, Target, canonical, has_prefix, without_parameters},
    query,
    request::Occurrences,
};

fn check(path: &str, expected: &str) {
    let text = canonical(path.as_bytes()).map(|path| String::from_utf8_lossy(&path).into_owned());
    assert_eq!(text.as_deref(), Ok(expected), "{path}");
}

fn refuse(path: &str, expected: Ambiguous) {
    assert_eq!(canonical(path.as_bytes()), Err(expected), "{path}");
}

#[test]
fn a_canonical_path_is_not_copied() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/a/b.c/~d",
        "/.well-known/x",
        "/...",
        "/a;b=1/c",
        "/%C3%A9/%25",
        "*",
        "/a:b@!$&'()*+,=",
    ] {
        assert!(
            matches!(canonical(path.as_bytes()), Ok(std::borrow::Cow::Borrowed(same)) if same == path.as_bytes()),
            "{path}"
        );
    }
}

#[test]
fn escapes_have_one_spelling() {
    check("/%61%2Db%7e", "/a-b~");
    check("/%c3%a9", "/%C3%A9");
    check("/a%3Ab%40%3b", "/a:b@;");
    check("/é", "/%C3%A9");
    check("/a b\"<>^`{|}[]", "/a%20b%22%3C%3E%5E%60%7B%7C%7D%5B%5D");
    check("/%2561", "/%2561");
    check("/%3f%23", "/%3F%23");
    check("/a%0Ab", "/a%0Ab");
}

#[test]
fn dot_segments_are_resolved_and_slashes_merged() {
    check("/a/./b", "/a/b");
    check("/a/../b", "/b");
    check("/a/b/..", "/a/");
    check("/a/..", "/");
    check("/a/.", "/a/");
    check("/.", "/");
    check("/a/b/c/../../d", "/a/d");
    check("/%2e/a/%2E%2e/b", "/b");
    check("//a///b//", "/a/b/");
    check("/a//./b", "/a/b");
    check("/a/b/..//c", "/a/c");
}

#[test]
fn what_upstreams_may_read_in_two_ways_has_no_canonical_form() {
    refuse("", Ambiguous::NotAbsolute);
    refuse("a", Ambiguous::NotAbsolute);
    refuse("http://a/b", Ambiguous::NotAbsolute);
    refuse("*/a", Ambiguous::NotAbsolute);
    refuse("/a%2Fb", Ambiguous::EncodedSeparator);
    refuse("/a%5cb", Ambiguous::EncodedSeparator);
    refuse("/a%00", Ambiguous::EncodedSeparator);
    refuse("/a\\b", Ambiguous::Backslash);
    refuse("/a\tb", Ambiguous::Control);
    refuse("/a\0", Ambiguous::Control);
    refuse("/a\x7f", Ambiguous::Control);
    refuse("/%", Ambiguous::InvalidEscape);
    refuse("/%4", Ambiguous::InvalidEscape);
    refuse("/%4g", Ambiguous::InvalidEscape);
    refuse("/%+4", Ambiguous::InvalidEscape);
    refuse("/..", Ambiguous::AboveRoot);
    refuse("/a/../..", Ambiguous::AboveRoot);
    refuse("/../a", Ambiguous::AboveRoot);
    refuse("/a//../b", Ambiguous::DotsAfterEmptySegment);
    refuse("/a//b/../../c", Ambiguous::DotsAfterEmptySegment);
    refuse("//..", Ambiguous::DotsAfterEmptySegment);
    refuse("/a/..;x/b", Ambiguous::DotsWithParameters);
    refuse("/a/.;/b", Ambiguous::DotsWithParameters);
    refuse("/a/%2e.%3bx/b", Ambiguous::DotsWithParameters);
}

#[test]
fn parameters_are_taken_off_each_segment() {
    let check = |path: &str, expected: Option<&str>| {
        assert_eq!(
            without_parameters(path.as_bytes()).as_deref(),
            expected.map(str::as_bytes),
            "{path}"
        );
    };
    check("/a/b", None);
    check("/a;v=1/b", Some("/a/b"));
    check("/a;/b;x;y", Some("/a/b"));
    check("/;x/b", Some("/b"));
}

#[test]
fn a_prefix_covers_whole_segments() {
    let check = |path: &str, prefix: &str, expected: bool| {
        assert_eq!(
            has_prefix(path.as_bytes(), prefix.as_bytes()),
            expected,
            "{prefix} of {path}"
        );
    };
    check("/a", "/a", true);
    check("/a/b", "/a", true);
    check("/ab", "/a", false);
    check("/", "/a", false);
    check("/a/b", "/a/", true);
    check("/a", "/a/", false);
    check("/anything", "/", true);
    check("*", "/", false);
}

#[test]
fn a_target_has_three_parts() {
    let check = |raw: &str, path: &str, query: Option<&str>, fragment: &str| {
        let expected = Target {
            path: path.as_bytes(),
            query: query.map(str::as_bytes),
            fragment: fragment.as_bytes(),
        };
        assert_eq!(Target::split(raw.as_bytes()), expected, "{raw}");
    };
    check("/a", "/a", None, "");
    check("/a?", "/a", Some(""), "");
    check("/a?b?c=d", "/a", Some("b?c=d"), "");
    check("/a#b?c", "/a", None, "#b?c");
    check("/a?b#c#d", "/a", Some("b"), "#c#d");
    check("", "", None, "");
}

#[test]
fn a_parameter_is_found_by_its_decoded_name() {
    let check = |query: &str, first: Option<&str>, repeated: bool| {
        let found = query::find(query.as_bytes(), "key");
        assert_eq!(
            found,
            Occurrences {
                first: first.map(str::as_bytes),
                repeated
            },
            "{query}"
        );
    };
    check("", None, false);
    check("a=1", None, false);
    check("key=1", Some("1"), false);
    check("a&key", Some(""), false);
    check("k%65y=1=2", Some("1=2"), false);
    check("key=1&b&key=2", Some("1"), true);
    check("key=1&%6Bey&key", Some("1"), true);
    check("keys=1&KEY=2&ke=3", None, false);
    check("k%6=1&key%=2", None, false);
}

#[test]
fn removing_a_parameter_leaves_the_rest_byte_for_byte() {
    let check = |raw: &str, expected: &str| {
        let left = query::without(&Target::split(raw.as_bytes()), "key");
        assert_eq!(String::from_utf8_lossy(&left), expected, "{raw}");
    };
    check("/a", "/a");
    check("/a?", "/a?");
    check("/a?key=1", "/a");
    check("/a?key=1#f", "/a#f");
    check("/a?key=1&key=2&b", "/a?b");
    check("/a?b=%zz&&key&c=+#f", "/a?b=%zz&&c=+#f");
    check("//a/../b?x&k%65y=1", "//a/../b?x");
}

#[test]
fn a_cookie_is_found_among_others() {
    let check = |headers: &[&str], first: Option<&str>, repeated: bool| {
        let mut found = Occurrences::default();
        for header in headers {
            cookie::find(header.as_bytes(), "key", &mut found);
        }
        assert_eq!(
            found,
            Occurrences {
                first: first.map(str::as_bytes),
                repeated
            },
            "{headers:?}"
        );
    };
    check(&["a=1"], None, false);
    check(&["key=1"], Some("1"), false);
    check(&["a=1;key = 1=2 ; b"], Some("1=2"), false);
    check(&["key"], None, false);
    check(&["Key=1; keys=2"], None, false);
    check(&["key=1", "a=1; key="], Some("1"), true);
    check(&["key=1; key=2"], Some("1"), true);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use filter_core::path::{canonical, without_parameters};
    use proptest::{collection::vec, prelude::*, sample::select};

    fn raw_path() -> impl Strategy<Value = Vec<u8>> {
        const PIECES: [&str; 16] = [
            "/", "/", ".", "..", ";", "%2e", "%2F", "%61", "%c3", "a", "b", "%", "\\", "é", " ",
            "?",
        ];
        prop_oneof![
            vec(select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
            vec(any::<u8>(), 0..24),
        ]
    }

    proptest! {
        #[test]
        fn a_canonical_path_is_its_own_canonical_path(path in raw_path()) {
            if let Ok(once) = canonical(&path) {
                let twice = canonical(&once).map(|path| matches!(path, std::borrow::Cow::Borrowed(_)));
                prop_assert_eq!(twice, Ok(true), "{}", String::from_utf8_lossy(&once));
            }
        }

        #[test]
        fn a_canonical_path_holds_no_surprise(path in raw_path()) {
            if let Ok(path) = canonical(&path) {
                let text = std::str::from_utf8(&path).expect("ASCII");
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
                prop_assert!(!text.contains("//"));
                prop_assert!(text.split('/').all(|segment| segment != "." && segment != ".."));
                let plain = without_parameters(&path).unwrap_or_default();
                prop_assert!(plain.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b".."));
            }
        }
    }
}
