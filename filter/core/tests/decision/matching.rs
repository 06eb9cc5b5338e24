#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::world::{World, check};

const PROTECTED: &str = "401 keysmith_key_missing";
const PUBLIC: &str = "pass none";
const UNMATCHED: &str = "403 keysmith_unmatched";
const AMBIGUOUS: &str = "400 keysmith_path_ambiguous";

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = r#"{"paths": [{"prefix": "/a"}], "public": true}, {"key_auth": {}}"#;
    check(rules, "GET api/a", PUBLIC);
    check(rules, "GET api/b", PROTECTED);
    let rules = r#"{"key_auth": {}}, {"paths": [{"prefix": "/a"}], "public": true}"#;
    check(rules, "GET api/a", PROTECTED);
}

#[test]
fn a_prefix_ends_where_a_segment_does() {
    let rules = r#"{"paths": [{"prefix": "/public"}, {"prefix": "/dir/"}, {"exact": "/x"}], "public": true}"#;
    check(rules, "GET api/public", PUBLIC);
    check(rules, "GET api/public/", PUBLIC);
    check(rules, "GET api/public/a?b", PUBLIC);
    check(rules, "GET api/publicx", UNMATCHED);
    check(rules, "GET api/dir/a", PUBLIC);
    check(rules, "GET api/dir", UNMATCHED);
    check(rules, "GET api/x?y", PUBLIC);
    check(rules, "GET api/x/", UNMATCHED);
    check(rules, "GET api/X", UNMATCHED);
    check(
        r#"{"paths": [{"prefix": "/"}], "public": true}"#,
        "GET api/anything",
        PUBLIC,
    );
}

#[test]
fn rules_see_the_path_that_upstreams_may_see() {
    let rules = r#"{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}}"#;
    check(rules, "GET api/public/../admin", PROTECTED);
    check(rules, "GET api/public/%2e%2E/admin", PROTECTED);
    check(rules, "GET api//%70ublic//x/./y", PUBLIC);
    check(rules, "GET api/public/..%2fadmin", AMBIGUOUS);
    check(rules, "GET api/public/..%5cadmin", AMBIGUOUS);
    check(rules, "GET api/public/..\\admin", AMBIGUOUS);
    check(rules, "GET api/public/..;/admin", AMBIGUOUS);
    check(rules, "GET api/../public", AMBIGUOUS);
    check(rules, "GET api/public/%zz", AMBIGUOUS);
    check(rules, "GET api/public/%00", AMBIGUOUS);
}

#[test]
fn parameters_of_a_segment_must_not_change_the_rule() {
    let rules = r#"{"paths": [{"prefix": "/admin"}], "key_auth": {}}, {"public": true}"#;
    check(rules, "GET api/admin;x", AMBIGUOUS);
    check(rules, "GET api/admin%3bx/y", AMBIGUOUS);
    check(rules, "GET api/admin/y;x=1", PROTECTED);
    check(rules, "GET api/other;x=1", PUBLIC);
}

#[test]
fn an_ambiguous_path_matters_only_where_a_rule_looks_at_it() {
    check(r#"{"public": true}"#, "GET api/..%2f", PUBLIC);
    let rules = r#"{"hosts": ["a"], "public": true}, {"paths": [{"prefix": "/"}], "key_auth": {}}"#;
    check(rules, "GET a/..%2f", PUBLIC);
    check(rules, "GET b/..%2f", AMBIGUOUS);
}

#[test]
fn ambiguous_paths_can_be_matched_as_they_are() {
    let mut world = World::new(
        r#"{"paths": [{"prefix": "/a"}], "public": true}], "ambiguous_paths": "match_raw""#,
    );
    assert_eq!(world.says("GET api/a/..%2fb"), PUBLIC);
    assert_eq!(world.says("GET api/a/../b"), UNMATCHED);
    assert_eq!(world.says("GET api/%2fa"), UNMATCHED);
    assert_eq!(world.says("CONNECT api-"), UNMATCHED);
}

#[test]
fn hosts_are_compared_without_case_port_and_final_dot() {
    let rules = r#"{"hosts": ["API.example.com", "*.example.org", "[::1]"], "public": true}"#;
    check(rules, "GET api.example.com/", PUBLIC);
    check(rules, "GET Api.Example.Com.:8443/", PUBLIC);
    check(rules, "GET example.com/", UNMATCHED);
    check(rules, "GET xapi.example.com/", UNMATCHED);
    check(rules, "GET a.example.org:80/", PUBLIC);
    check(rules, "GET a.B.EXAMPLE.org/", PUBLIC);
    check(rules, "GET example.org/", UNMATCHED);
    check(rules, "GET .example.org/", UNMATCHED);
    check(rules, "GET [::1]/", PUBLIC);
    check(rules, "GET [0:0::1]:80/", PUBLIC);
    check(rules, "GET [::2]/", UNMATCHED);
    check(
        r#"{"hosts": ["a"], "public": true}"#,
        "GET -/ | host: A:1",
        PUBLIC,
    );
}

#[test]
fn a_host_that_cannot_be_read_is_refused_where_a_rule_looks_at_it() {
    let rules = r#"{"hosts": ["api"], "key_auth": {}}, {"public": true}"#;
    for host in [
        "-",
        "user@api",
        "api:80:80",
        "api:x",
        "a b",
        "[::1",
        "[api]",
        "[::1]x",
        "a%2eb",
        ":80",
    ] {
        check(
            rules,
            &format!("GET {host}/"),
            "400 keysmith_host_unreadable",
        );
        check(r#"{"public": true}"#, &format!("GET {host}/"), PUBLIC);
    }
    check(
        rules,
        "GET -/ | host: api | host: b",
        "400 keysmith_host_unreadable",
    );
}

#[test]
fn methods_are_compared_as_they_are() {
    let rules = r#"{"methods": ["GET", "PURGE"], "public": true}"#;
    check(rules, "GET api/", PUBLIC);
    check(rules, "PURGE api/", PUBLIC);
    check(rules, "HEAD api/", UNMATCHED);
    check(rules, "get api/", UNMATCHED);
    check(rules, "- api/", "400 keysmith_method_missing");
}

#[test]
fn a_request_without_a_path_is_refused_where_a_rule_looks_at_it() {
    let rules = r#"{"paths": [{"prefix": "/a"}], "key_auth": {}}, {"public": true}"#;
    check(rules, "CONNECT api:443-", "400 keysmith_path_missing");
    check(rules, "GET api-", "400 keysmith_path_missing");
    check(rules, "OPTIONS api*", PUBLIC);
    check(rules, "GET api?a", AMBIGUOUS);
    check(r#"{"public": true}"#, "CONNECT api:443-", PUBLIC);
    check(
        r#"{"key_auth": {"hide_credentials": true}}"#,
        "CONNECT api:443- | apikey: $key",
        "pass key_auth billing -apikey",
    );
}
