//! The filter's configuration: what loads, and what each mistake is called.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::time::Duration;

use filter_core::{
    config::{Config, TokenSource},
    key::{PlainSecret, SecretType},
};

fn gateway_token() -> PlainSecret {
    PlainSecret::generate("ks", SecretType::GatewayToken, &[5; 64]).expect("64 bytes suffice")
}

fn parse(json: &str) -> Result<Config, String> {
    Config::parse(json.as_bytes()).map_err(|error| error.to_string())
}

fn with_rules(rules: &str) -> String {
    format!(r#"{{"registry": {{"cluster": "c", "token": "injected"}}, "rules": {rules}}}"#)
}

fn with_registry(fields: &str) -> String {
    format!(r#"{{"registry": {{{fields}}}, "rules": [{{"public": true}}]}}"#)
}

fn refuse(json: &str, expected: &str) {
    let message = parse(json).map(|_| "accepted").map_err(|message| {
        assert!(
            message.starts_with(expected),
            "{message:?} for {json}, not {expected:?}"
        );
        "refused"
    });
    assert_eq!(message, Err("refused"), "{json}");
}

fn refuse_rule(rule: &str, expected: &str) {
    refuse(
        &with_rules(&format!(r#"[{{"public": true}}, {rule}]"#)),
        &format!("rules[1]{expected}"),
    );
}

fn refuse_registry(fields: &str, expected: &str) {
    let fields = format!(r#""cluster": "c", "token": "injected", {fields}"#);
    refuse(&with_registry(&fields), &format!("registry.{expected}"));
}

#[test]
fn the_whole_of_it_loads() {
    let json = r#"{
        "registry": {
            "cluster": "keysmith_feed", "verify_cluster": "keysmith_verify", "authority": "keysmith", "group": "default",
            "gateway": "edge-1", "token": {"environment": "KEYSMITH_GATEWAY_TOKEN"}, "poll_wait_seconds": 25,
            "max_staleness_seconds": "off", "verify_timeout_ms": 5000, "usage_seconds": 60
        },
        "rules": [
            {"name": "open house", "paths": [{"prefix": "/public"}, {"exact": "/x"}], "public": true},
            {
                "name": "orders", "hosts": ["api.example.com", "*.example.com", "[::1]"], "paths": [{"prefix": "/orders"}],
                "methods": ["GET", "OPTIONS"],
                "key_auth": {"header": "apikey", "query": null, "cookie": "apikey", "secret_header": "X-Secret", "hide_credentials": true},
                "basic_auth": {"hide_credentials": false}, "bearer": {"accept": ["bearer_token", "api_key"]},
                "allow_applications": ["jack", "app_00000000000000000000000000"], "deny_applications": ["jill"],
                "anonymous": "guest", "realm": "shop", "cors_preflight": "pass"
            },
            {"bearer": {}, "required_scopes": ["orders:read"], "cors_preflight": "authenticate"}
        ],
        "unmatched": "allow", "ambiguous_paths": "match_raw", "ready_path": "/keysmith/ready"
    }"#;
    let config = parse(json).expect("loads");
    assert_eq!(config.registry.cluster, "keysmith_feed");
    assert_eq!(config.registry.verify_cluster, "keysmith_verify");
    assert_eq!(config.registry.max_staleness, None);
    assert_eq!(
        config.policy.anonymous_applications().collect::<Vec<_>>(),
        ["guest"]
    );
}

#[test]
fn what_is_not_said_has_a_default() {
    let registry = parse(&with_rules(r#"[{"public": true}]"#))
        .expect("loads")
        .registry;
    assert_eq!(registry.verify_cluster, "c");
    assert_eq!(registry.authority, "c");
    assert_eq!((registry.group, registry.gateway), (None, None));
    assert_eq!(registry.poll_wait, Duration::from_secs(25));
    assert_eq!(registry.max_staleness, Some(Duration::from_hours(24)));
    assert_eq!(registry.verify_timeout, Duration::from_secs(5));
    assert_eq!(registry.usage_interval, Duration::from_secs(10));
}

#[test]
fn what_is_not_json_or_not_this_object_is_refused() {
    refuse("", "configuration: EOF");
    refuse("{", "configuration: EOF");
    refuse("[]", "configuration: invalid");
    refuse("{}", "configuration: missing field `registry`");
    refuse(
        &format!("{} x", with_rules(r#"[{"public": true}]"#)),
        "configuration: trailing characters",
    );
    refuse(
        &with_rules(r#"[{"public": true}], "rulez": []"#),
        "rulez: unknown field `rulez`",
    );
    refuse(
        &with_rules(r#"[{"public": true}], "rules": []"#),
        "configuration: duplicate field `rules`",
    );
    refuse(
        &with_rules(r#"[{"public": true}], "unmatched": "pass""#),
        "unmatched: unknown variant `pass`",
    );
    refuse(
        &with_rules(r#"[{"public": true}], "ready_path": "ready""#),
        "ready_path: must begin with '/'",
    );
    refuse(&with_rules("[]"), "rules: must be 1 to 1000 rules, are 0");
}

#[test]
fn the_registrys_fields_are_bounded() {
    refuse(
        &with_registry(r#""token": "injected""#),
        "registry: missing field `cluster`",
    );
    refuse(
        &with_registry(r#""cluster": "", "token": "injected""#),
        "registry.cluster: must be 1 to 256",
    );
    refuse_registry(
        r#""poll_wait_seconds": 0"#,
        "poll_wait_seconds: must be 1 to 55, is 0",
    );
    refuse_registry(
        r#""poll_wait_seconds": 56"#,
        "poll_wait_seconds: must be 1 to 55, is 56",
    );
    refuse_registry(
        r#""poll_wait_seconds": -1"#,
        "poll_wait_seconds: invalid value",
    );
    refuse_registry(
        r#""max_staleness_seconds": 0"#,
        "max_staleness_seconds: must be 1 to",
    );
    refuse_registry(
        r#""max_staleness_seconds": 25"#,
        "max_staleness_seconds: must be more than poll_wait_seconds",
    );
    refuse_registry(
        r#""max_staleness_seconds": "never""#,
        "max_staleness_seconds: invalid value: string \"never\"",
    );
    refuse_registry(
        r#""verify_timeout_ms": 1"#,
        "verify_timeout_ms: must be 100 to 60000, is 1",
    );
    for seconds in [0, 3601] {
        refuse_registry(
            &format!(r#""usage_seconds": {seconds}"#),
            &format!("usage_seconds: must be 1 to 3600, is {seconds}"),
        );
    }
    refuse_registry(r#""group": "a b""#, "group: must be 1 to 256 visible");
    refuse_registry(r#""gateway": """#, "gateway: must be 1 to 256 visible");
}

#[test]
fn a_token_has_three_forms() {
    let token = gateway_token();
    let parse = |form: &str| {
        parse(&with_registry(&format!(
            r#""cluster": "c", "token": {form}"#
        )))
        .map(|config| config.registry.token)
    };
    assert_eq!(parse(r#""injected""#), Ok(TokenSource::Injected));
    assert_eq!(
        parse(r#"{"environment": "T"}"#),
        Ok(TokenSource::Environment(String::from("T")))
    );
    match parse(&format!(r#"{{"inline": "{}"}}"#, token.expose())) {
        Ok(TokenSource::Inline(inline)) => {
            assert_eq!(inline.expose(), token.expose());
            assert_eq!(format!("{inline:?}"), "GatewayToken");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_error_repeats_a_token() {
    let token = gateway_token();
    let token = token.expose();
    for fields in [
        format!(r#""cluster": "c", "token": "{token}""#),
        format!(r#""cluster": "c", "token": {{"{token}": 1}}"#),
        format!(r#""cluster": "c", "token": {{"inline": "{token}x"}}"#),
        format!(r#""cluster": "c", "token": {{"inline": "{token}", "environment": "x"}}"#),
        format!(r#""cluster": "c", "token": ["{token}"]"#),
        format!(r#""cluster": "c", "token": "injected", "{token}": 1"#),
        format!(r#""cluster": "c", "token": "injected", "poll_wait_seconds": "{token}""#),
        format!(r#""cluster": "{token} ", "token": "injected""#),
    ] {
        let error = parse(&with_registry(&fields))
            .map(|_| ())
            .expect_err("refused");
        assert!(error.starts_with("registry"), "{error}");
        assert!(!error.contains(token.get(6..20).expect("long")), "{error}");
    }
}

#[test]
fn a_rule_is_public_or_names_a_method() {
    refuse_rule("{}", ": needs key_auth, basic_auth or bearer");
    refuse_rule(r#"{"public": false}"#, ": needs key_auth");
    refuse_rule(r#"{"required_scopes": ["a"]}"#, ": needs key_auth");
    for (field, value) in [
        ("key_auth", "{}"),
        ("basic_auth", "{}"),
        ("bearer", "{}"),
        ("required_scopes", r#"["a"]"#),
        ("allow_applications", r#"["a"]"#),
        ("deny_applications", r#"["a"]"#),
        ("anonymous", r#""a""#),
        ("realm", r#""a""#),
        ("cors_preflight", r#""pass""#),
    ] {
        refuse_rule(
            &format!(r#"{{"public": true, "{field}": {value}}}"#),
            &format!(".{field}: means nothing"),
        );
    }
}

#[test]
fn what_a_rule_matches_is_checked() {
    refuse_rule(
        r#"{"hosts": [], "public": true}"#,
        ".hosts: must not be empty",
    );
    refuse_rule(
        r#"{"paths": [], "public": true}"#,
        ".paths: must not be empty",
    );
    refuse_rule(
        r#"{"methods": [], "public": true}"#,
        ".methods: must not be empty",
    );
    for host in [
        "", "*", "*.", "a:80", "a.", "a..b", "a/b", "*.*.b", "::1", "[::1", "[a]",
    ] {
        refuse_rule(
            &format!(r#"{{"hosts": ["ok", "{host}"], "public": true}}"#),
            ".hosts[1]: ",
        );
    }
    for path in [
        "", "a", "/a?b", "/a#b", "//a", "/a/../b", "/%61", "/a%2fb", "/a\\\\b", "/é",
    ] {
        refuse_rule(
            &format!(r#"{{"paths": [{{"prefix": "{path}"}}], "public": true}}"#),
            ".paths[0].prefix: ",
        );
        refuse_rule(
            &format!(r#"{{"paths": [{{"exact": "{path}"}}], "public": true}}"#),
            ".paths[0].exact: ",
        );
    }
    refuse_rule(
        r#"{"paths": [{"prefix": "/%61"}], "public": true}"#,
        ".paths[0].prefix: is not canonical: write /a",
    );
    refuse_rule(
        r#"{"paths": [{"regex": "/"}], "public": true}"#,
        ".paths[0]",
    );
    refuse_rule(
        r#"{"methods": ["get"], "public": true}"#,
        ".methods[0]: must be in upper case",
    );
    refuse_rule(
        r#"{"methods": ["G T"], "public": true}"#,
        ".methods[0]: must be a token",
    );
    refuse_rule(r#"{"name": "", "public": true}"#, ".name: ");
}

#[test]
fn where_a_key_may_be_is_checked() {
    for header in [
        "",
        ":path",
        "a b",
        "X-Consumer-Username",
        "x_authenticated_scope",
        "Host",
        "cookie",
        "content-length",
    ] {
        refuse_rule(
            &format!(r#"{{"key_auth": {{"header": "{header}"}}}}"#),
            ".key_auth.header: ",
        );
    }
    refuse_rule(
        r#"{"key_auth": {"header": 1}}"#,
        ".key_auth.header: invalid type",
    );
    refuse_rule(r#"{"key_auth": {"query": "a&b"}}"#, ".key_auth.query: ");
    refuse_rule(r#"{"key_auth": {"cookie": "a=b"}}"#, ".key_auth.cookie: ");
    for header in ["", "a b", "x-consumer-username", "cookie"] {
        refuse_rule(
            &format!(r#"{{"key_auth": {{"secret_header": "{header}"}}}}"#),
            ".key_auth.secret_header: ",
        );
    }
    for header in [
        r#""secret_header": "ApiKey""#,
        r#""header": "X-A", "secret_header": "x-a""#,
    ] {
        refuse_rule(
            &format!(r#"{{"key_auth": {{{header}}}}}"#),
            ".key_auth.secret_header: must be another header than the key's",
        );
    }
    refuse_rule(
        r#"{"key_auth": {"header": null, "query": null, "secret_header": "x"}}"#,
        ".key_auth: needs a header, query or cookie",
    );
    refuse_rule(
        r#"{"key_auth": {"header": null, "query": null}}"#,
        ".key_auth: needs a header, query or cookie",
    );
    refuse_rule(
        r#"{"key_auth": {"hide_credential": true}}"#,
        ".key_auth.hide_credential: unknown field",
    );
}

#[test]
fn tokens_are_introspected_by_named_issuers_for_a_named_audience_alone() {
    for (bearer, expected) in [
        (
            r#"{"accept": ["introspection"], "audiences": ["a"]}"#,
            ".bearer.issuers: must be there",
        ),
        (
            r#"{"accept": ["introspection", "jwt"], "audiences": ["a"]}"#,
            ".bearer.issuers: must be there",
        ),
        (
            r#"{"accept": ["introspection"], "issuers": ["a"]}"#,
            ".bearer.audiences: must be there",
        ),
    ] {
        refuse_rule(&format!(r#"{{"bearer": {bearer}}}"#), expected);
    }
}

#[test]
fn a_resource_is_an_address_that_others_can_be_told() {
    for (resource, expected) in [
        ("", "must be 1 to 1024"),
        ("api.example.com", "must be an address such as"),
        ("https://", "must be a host name"),
        ("https://*.example.com", "must be an address such as"),
        ("https://a.example:0", "must be an address such as"),
        ("https://a.example:x", "must be an address such as"),
        ("http://a.example", "must be an https address"),
        ("ftp://a.example", "must be an https address"),
        ("http://127.0.0.1.example", "must be an https address"),
        ("https://user@a.example", "must be an address without"),
        ("https://a.example?x", "must be an address without"),
        ("https://a.example#x", "must be an address without"),
        ("https://a.example/a//b", "is not canonical"),
        ("https://[::1", "is not an IPv6 address"),
    ] {
        let rule = format!(r#"{{"bearer": {{"resource": "{resource}"}}}}"#);
        refuse_rule(&rule, &format!(".bearer.resource: {expected}"));
    }
}

#[test]
fn rules_of_one_resource_have_one_list_of_issuers() {
    let rule = |resource: &str, issuers: &str| {
        format!(
            r#"{{"bearer": {{"accept": ["jwt"], "resource": "{resource}", "issuers": [{issuers}]}}}}"#
        )
    };
    let first = rule("https://a.example/x", r#""i""#);
    let refused = |second: &str| {
        let json = format!(
            r#"{{"registry": {{"cluster": "registry", "token": "injected"}}, "rules": [{first}, {second}]}}"#
        );
        parse(&json).err()
    };
    assert_eq!(refused(&first), None);
    assert_eq!(refused(&rule("https://a.example/y", r#""j""#)), None);
    for (second, expected) in [
        (
            rule("https://a.example/x", r#""j""#),
            "is that of an earlier rule",
        ),
        (
            rule("https://a.example:8443/x", r#""i""#),
            "has its metadata where those of https://a.example/x are",
        ),
    ] {
        let message = refused(&second).expect("it is refused");
        let expected = format!("rules[1].bearer.resource: {expected}");
        assert!(message.starts_with(&expected), "{message}");
    }
}

#[test]
fn jwts_are_accepted_for_a_named_audience_alone() {
    for (bearer, expected) in [
        (r#"{"accept": ["jwt"]}"#, ".bearer.audiences: must be there"),
        (
            r#"{"accept": ["jwt"], "audiences": []}"#,
            ".bearer.audiences: must not be empty",
        ),
        (
            r#"{"accept": ["jwt"], "audiences": ["a b"]}"#,
            ".bearer.audiences[0]: must be",
        ),
        (
            r#"{"accept": ["jwt"], "audiences": ["a"], "issuers": []}"#,
            ".bearer.issuers: must not be empty",
        ),
        (
            r#"{"accept": ["jwt"], "audiences": ["a"], "issuers": [""]}"#,
            ".bearer.issuers[0]: must be",
        ),
        (
            r#"{"accept": ["jwt"], "audiences": ["a"], "leeway_seconds": 301}"#,
            ".bearer.leeway_seconds: must be 300",
        ),
        (
            r#"{"accept": ["jwt"], "audiences": ["a"], "leeway_seconds": -1}"#,
            ".bearer.leeway_seconds: invalid value",
        ),
        (
            r#"{"audiences": ["a"]}"#,
            ".bearer.audiences: means nothing",
        ),
        (r#"{"issuers": ["a"]}"#, ".bearer.issuers: means nothing"),
        (
            r#"{"leeway_seconds": 1}"#,
            ".bearer.leeway_seconds: means nothing",
        ),
    ] {
        refuse_rule(&format!(r#"{{"bearer": {bearer}}}"#), expected);
    }
    let good = r#"[{"bearer": {"accept": ["jwt"], "audiences": ["a"], "issuers": ["b"], "leeway_seconds": 0}}]"#;
    assert!(parse(&with_rules(good)).is_ok());
}

#[test]
fn what_else_a_rule_says_is_checked() {
    refuse_rule(
        r#"{"bearer": {"accept": []}}"#,
        ".bearer.accept: must not be empty",
    );
    refuse_rule(
        r#"{"bearer": {"accept": ["saml"]}}"#,
        ".bearer.accept[0]: unknown variant `saml`",
    );
    refuse_rule(
        r#"{"bearer": {}, "required_scopes": ["a b"]}"#,
        ".required_scopes[0]: ",
    );
    refuse_rule(
        r#"{"bearer": {}, "required_scopes": ["a\""]}"#,
        ".required_scopes[0]: ",
    );
    refuse_rule(
        r#"{"bearer": {}, "allow_applications": ["a", "b c"]}"#,
        ".allow_applications[1]: ",
    );
    refuse_rule(
        r#"{"bearer": {}, "deny_applications": []}"#,
        ".deny_applications: must not be empty",
    );
    refuse_rule(
        r#"{"bearer": {}, "anonymous": ""}"#,
        ".anonymous: must be the name",
    );
    refuse_rule(
        r#"{"bearer": {}, "anonymous": "a", "required_scopes": ["a"]}"#,
        ".anonymous: never passes",
    );
    refuse_rule(r#"{"bearer": {}, "realm": "a\"b"}"#, ".realm: ");
    refuse_rule(
        r#"{"bearer": {}, "methods": ["GET"], "cors_preflight": "pass"}"#,
        ".cors_preflight: passes nothing",
    );
    refuse_rule(
        r#"{"bearer": {}, "bearer": {}}"#,
        ": duplicate field `bearer`",
    );
}
