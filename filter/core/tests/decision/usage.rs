#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    decide::{Decision, Question},
    verdicts::Answer,
};

use crate::world::{NOW, World, basic, headers, serialize};

const ANY: &str = r#"{"key_auth": {"secret_header": "x-secret"}, "basic_auth": {}, "bearer": {}"#;

fn check(rest_of_rule: &str, request: &str, expected: &str) {
    let mut world = World::new(&format!("{ANY}{rest_of_rule}}}]"));
    assert_eq!(world.uses(request), expected, "{request}");
}

#[test]
fn an_accepted_credential_is_used() {
    check("", "GET api/ | apikey: $key", "1 v1 Allowed");
    check(
        "",
        "GET api/ | authorization: Bearer $token",
        "9 v1 Allowed",
    );
    let generated = basic("ann:$password");
    check(
        "",
        &format!("GET api/ | authorization: {generated}"),
        "10 v1 Allowed",
    );
}

#[test]
fn a_pair_is_used_with_the_versions_of_both_its_secrets() {
    for (secret, version) in [("$shared", 65_537), ("$successor", 131_073)] {
        let expected = format!("14 v{version} Allowed");
        check(
            "",
            &format!("GET api/ | apikey: $paired | x-secret: {secret}"),
            &expected,
        );
        let pair = basic(&format!("$paired:{secret}"));
        check("", &format!("GET api/ | authorization: {pair}"), &expected);
    }
}

#[test]
fn a_good_credential_that_may_not_is_used() {
    check(
        r#", "deny_applications": ["billing"]"#,
        "GET api/ | apikey: $key",
        "1 v1 Forbidden",
    );
    check(
        r#", "allow_applications": ["guest"]"#,
        "GET api/ | apikey: $key",
        "1 v1 Forbidden",
    );
    check(
        r#", "required_scopes": ["orders:read"]"#,
        "GET api/ | apikey: $own",
        "2 v1 Forbidden",
    );
    check(
        r#", "required_scopes": ["orders:read"]"#,
        "GET api/ | apikey: $key",
        "1 v1 Allowed",
    );
}

#[test]
fn a_known_credential_that_is_not_good_now_is_used() {
    check("", "GET api/ | apikey: $disabled", "4 v1 Refused");
    check("", "GET api/ | apikey: $early", "5 v1 Refused");
    check("", "GET api/ | apikey: $expired", "6 v1 Refused");
    check("", "GET api/ | apikey: $asleep", "7 v1 Refused");
    check(
        "",
        "GET api/ | apikey: $disabled | x-secret: $shared",
        "16 v1 Refused",
    );
}

#[test]
fn what_nobody_has_is_nobodys_use() {
    let nobodys = "nobody's";
    check("", "GET api/", nobodys);
    check("", "GET api/ | apikey: $stranger", nobodys);
    check("", "GET api/ | apikey: $keyx", nobodys);
    check("", "GET api/ | apikey: $key | apikey: $key", nobodys);
    check(
        "",
        "GET api/ | apikey: $paired | x-secret: $unshared",
        nobodys,
    );
    check("", "GET api/ | x-secret: $shared", nobodys);
    check("", "GET api/ | authorization: Bearer $key", nobodys);
    let wrong = basic("ann:$passwordx");
    check("", &format!("GET api/ | authorization: {wrong}"), nobodys);
}

#[test]
fn a_chosen_password_that_was_not_verified_is_nobodys_use() {
    // Eve's credential is disabled, but whether this is her password nobody knows.
    let eve = basic("eve:anything");
    check("", &format!("GET api/ | authorization: {eve}"), "nobody's");
    check(
        r#", "anonymous": "guest""#,
        &format!("GET api/ | authorization: {eve}"),
        "nobody's",
    );
}

#[test]
fn a_refused_credential_is_used_also_where_the_anonymous_application_stands_in() {
    let rest = r#", "anonymous": "guest""#;
    check(rest, "GET api/ | apikey: $expired", "6 v1 Refused");
    check(rest, "GET api/ | apikey: $stranger", "nobody's");
    check(rest, "GET api/", "nobody's");
    check(
        r#", "anonymous": "sleeper""#,
        "GET api/ | apikey: $expired",
        "6 v1 Refused",
    );
}

#[test]
fn a_credential_that_lets_the_request_pass_goes_before_one_that_is_refused() {
    check(
        "",
        "GET api/ | apikey: $expired | authorization: Bearer $token",
        "9 v1 Allowed",
    );
    let pair = basic("$disabled:$shared");
    check(
        "",
        &format!("GET api/ | apikey: $expired | authorization: {pair}"),
        "6 v1 Refused",
    );
}

#[test]
fn a_chosen_password_is_used_as_the_secret_that_it_is() {
    let mut world = World::new(r#"{"basic_auth": {}}]"#);
    let request = format!("GET api/ | authorization: {}", basic("bob:old"));
    let ask = |world: &mut World| {
        world.decide(&serialize(&headers(&request)), |decision| match decision {
            Decision::Ask(Question::Password(question)) => question,
            other => panic!("{other:?}"),
        })
    };
    let question = ask(&mut world);
    let answer = Answer {
        credential: question.credential,
        asked_version: question.version,
        version: question.version,
        secret_version: 7,
        verified: true,
        remaining_ms: 60_000,
    };
    let verdicts = &mut world.snapshot.verdicts;
    verdicts.answer(&question.hash, &answer, NOW);
    assert_eq!(world.uses(&request), "11 v7 Allowed");
    world.snapshot.verdicts.forget_answer();
    assert_eq!(world.uses(&request), "11 v7 Allowed");
    let wrong = Answer {
        verified: false,
        ..answer
    };
    world.snapshot.verdicts.answer(&question.hash, &wrong, NOW);
    assert_eq!(world.uses(&request), "nobody's");
}
