#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    feed::{Issuer, Operation},
    jwt::Token,
};
use serde_json::{Value, json};

use crate::{
    tokens::{signed, token, with},
    world::{
        NOW, World, headers,
        registry::{ISSUER, PLAIN_ISSUER, issuer},
        serialize,
    },
};

const JWTS: &str = r#"{"bearer": {"accept": ["jwt"], "audiences": ["https://api.example"]}}]"#;

/// A token of the issuer that says less.
fn plain_token(changes: &Value) -> String {
    let claims = json!({
        "iss": PLAIN_ISSUER, "aud": ["https://api.example"], "azp": "client", "exp": NOW / 1000 + 600,
    });
    signed(1, &json!({"typ": "JWT"}), claims, changes)
}

fn check(rules: &str, token: &str, expected: &str) {
    assert_eq!(World::new(rules).says(&with(token)), expected, "{rules}");
}

#[test]
fn a_clients_token_is_its_application() {
    check(JWTS, &token("client", &json!({})), "pass bearer billing");
    check(JWTS, &plain_token(&json!({})), "pass bearer billing");
}

#[test]
fn a_token_counts_for_the_scopes_that_it_and_its_client_have() {
    let upstream = |request: &str| {
        World::new(JWTS).decide(&serialize(&headers(request)), |decision| match decision {
            filter_core::decide::Decision::Allow(allow) => allow
                .identity_headers()
                .find(|(name, _)| *name == "x-authenticated-scope")
                .map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            _ => panic!("it passes"),
        })
    };
    let scopes = |scope: &str| upstream(&with(&token("client", &json!({"scope": scope}))));
    assert_eq!(scopes("orders:read other"), Some("orders:read".to_owned()));
    assert_eq!(
        scopes("orders:write orders:read"),
        Some("orders:read orders:write".to_owned())
    );
    assert_eq!(scopes("other"), None);
    let needs = |scope: &str| {
        format!(
            r#"{{"required_scopes": ["{scope}"], "bearer": {{"accept": ["jwt"], "audiences": ["https://api.example"]}}}}]"#
        )
    };
    let token = token("client", &json!({}));
    check(&needs("orders:read"), &token, "pass bearer billing");
    check(&needs("orders:write"), &token, "403 keysmith_scope_missing");
    check(&needs("other"), &token, "403 keysmith_scope_missing");
}

#[test]
fn a_token_of_nobodys_client_is_refused() {
    for (client, reason) in [
        ("stranger", "keysmith_client_unknown"),
        ("key", "keysmith_client_unknown"),
        ("disabled", "keysmith_credential_disabled"),
        ("asleep", "keysmith_application_disabled"),
        ("renewed", "keysmith_token_superseded"),
    ] {
        let token = token(client, &json!({}));
        check(JWTS, &token, &format!("401 {reason}"));
    }
    // The same client id at another issuer is another client.
    let other = plain_token(&json!({"azp": "renewed"}));
    check(JWTS, &other, "401 keysmith_client_unknown");
}

#[test]
fn tokens_count_from_the_moment_that_the_credential_says() {
    let issued = |at: Value| token("renewed", &json!({"iat": at}));
    let from = NOW / 1000 - 5;
    check(
        JWTS,
        &issued(json!(from - 1)),
        "401 keysmith_token_superseded",
    );
    check(JWTS, &issued(json!(null)), "401 keysmith_token_superseded");
    check(JWTS, &issued(json!(from)), "pass bearer billing");
}

#[test]
fn whatever_is_wrong_with_a_token_the_access_log_says_it() {
    let changed = |changes: Value| token("client", &changes);
    let good = changed(json!({}));
    let forged = format!(
        "{}AAAA",
        good.strip_suffix(&good[good.len() - 4..]).expect("long")
    );
    for (token, reason) in [
        (changed(json!({"iss": "https://other.example"})), "issuer"),
        (changed(json!({"iss": null})), "issuer"),
        (changed(json!({"aud": "https://other.example"})), "audience"),
        (changed(json!({"exp": NOW / 1000 - 31})), "expired"),
        (changed(json!({"exp": null})), "expiry_missing"),
        (changed(json!({"nbf": NOW / 1000 + 31})), "not_yet_valid"),
        (changed(json!({"client_id": null})), "client"),
        (changed(json!({"azp": "another"})), "client"),
        (changed(json!({"cnf": {"jkt": "x"}})), "bound"),
        (changed(json!({"exp": "soon"})), "malformed"),
        (changed(json!({"padding": "x".repeat(9000)})), "too_long"),
        ("a.b.c".to_owned(), "malformed"),
        (forged, "signature"),
    ] {
        check(JWTS, &token, &format!("401 keysmith_token_{reason}"));
    }
    let claims = || json!({"iss": ISSUER, "aud": "https://api.example", "client_id": "client", "exp": NOW / 1000 + 600});
    let typed = |kind: &str| signed(1, &json!({"typ": kind}), claims(), &json!({}));
    check(JWTS, &typed("JWT"), "401 keysmith_token_type");
    let logout = {
        let claims = json!({"iss": PLAIN_ISSUER, "aud": "https://api.example", "azp": "client", "exp": NOW / 1000 + 600});
        signed(1, &json!({"typ": "logout+jwt"}), claims, &json!({}))
    };
    check(JWTS, &logout, "401 keysmith_token_type");
}

#[test]
fn a_rule_can_name_its_issuers() {
    let rule = r#"{"bearer": {"accept": ["jwt"], "audiences": ["https://api.example"],
        "issuers": ["https://plain.example"]}}]"#;
    check(rule, &plain_token(&json!({})), "pass bearer billing");
    check(
        rule,
        &token("client", &json!({})),
        "401 keysmith_token_issuer",
    );
}

#[test]
fn a_jwt_is_one_only_where_the_rule_accepts_them() {
    let token = token("client", &json!({}));
    check(
        r#"{"bearer": {}}]"#,
        &token,
        "401 keysmith_credential_unknown",
    );
    check(
        r#"{"bearer": {"accept": ["jwt"], "audiences": ["x"]}}]"#,
        "$token",
        "401 keysmith_credential_unknown",
    );
    check(
        r#"{"bearer": {"accept": ["jwt", "bearer_token"], "audiences": ["x"]}}]"#,
        "$token",
        "pass bearer billing",
    );
}

#[test]
fn a_signature_is_checked_once_and_everything_else_each_time() {
    let mut world = World::new(JWTS);
    let request = with(&token("client", &json!({})));
    for _ in 0..3 {
        assert_eq!(world.says(&request), "pass bearer billing");
    }
    assert_eq!(world.checked, 1);
    world.now_ms = NOW + 700_000;
    assert_eq!(world.says(&request), "401 keysmith_token_expired");
    assert_eq!(world.checked, 1);
}

#[test]
fn a_signature_is_checked_again_when_the_issuers_keys_change() {
    let mut world = World::new(JWTS);
    let request = with(&token("client", &json!({})));
    assert_eq!(world.says(&request), "pass bearer billing");
    world.change(Operation::PutIssuer(issuer(ISSUER, 2)));
    assert_eq!(world.says(&request), format!("ask {ISSUER} for key-1"));
    let mut both = issuer(ISSUER, 2);
    both.keys.extend(issuer(ISSUER, 1).keys);
    world.change(Operation::PutIssuer(both));
    assert_eq!(world.says(&request), "pass bearer billing");
}

#[test]
fn an_issuer_that_is_gone_takes_its_tokens_with_it() {
    let mut world = World::new(JWTS);
    let request = with(&token("client", &json!({})));
    assert_eq!(world.says(&request), "pass bearer billing");
    world.change(Operation::RemoveIssuer(ISSUER.to_owned()));
    assert_eq!(world.says(&request), "401 keysmith_token_issuer");
}

#[test]
fn a_revoked_token_is_refused_and_others_of_its_client_are_not() {
    let mut world = World::new(JWTS);
    let (revoked, other) = (
        token("client", &json!({"jti": "2"})),
        token("client", &json!({"jti": "3"})),
    );
    assert_eq!(world.says(&with(&revoked)), "pass bearer billing");
    let digest = Token::parse(revoked.as_bytes())
        .expect("a token")
        .signed
        .digest();
    world.change(Operation::PutIssuer(Issuer {
        revoked: vec![digest],
        ..issuer(ISSUER, 1)
    }));
    assert_eq!(world.says(&with(&revoked)), "401 keysmith_token_revoked");
    assert_eq!(world.says(&with(&other)), "pass bearer billing");
}
