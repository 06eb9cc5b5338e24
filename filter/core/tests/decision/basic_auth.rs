#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    decide::{Decision, Question},
    verdicts::{Answer, RENEW_AFTER_MS},
};

use crate::world::{CHOSEN, NOW, World, basic, check, headers, serialize};

const BASIC: &str = r#"{"basic_auth": {}}"#;

fn check_basic(user_pass: &str, expected: &str) {
    check_value(&basic(user_pass), expected);
}

fn check_value(authorization: &str, expected: &str) {
    check(
        BASIC,
        &format!("GET api/ | authorization: {authorization}"),
        expected,
    );
}

#[test]
fn a_generated_password_is_decided_here() {
    check_basic("ann:$password", "pass basic_auth billing");
    check_basic("ann:$passwordx", "401 keysmith_credential_malformed");
    check_basic("Ann:$password", "401 keysmith_credential_unknown");
    check_basic("bob:$password", "401 keysmith_credential_unknown");
    check_basic("ann:$key", "401 keysmith_credential_unknown");
    check_basic("ann:$own", "401 keysmith_credential_unknown");
}

#[test]
fn a_chosen_password_is_asked_about() {
    check_basic("bob:anything", "ask bob");
    check_basic("bob:any:thing", "ask bob");
    check_basic("bob: anything ", "ask bob");
    check_basic("nobody:anything", "401 keysmith_credential_unknown");
    check_basic(" bob:anything", "401 keysmith_credential_unknown");
    check_basic("eve:anything", "401 keysmith_credential_disabled");
}

#[test]
fn a_password_that_nobody_can_have_is_not_asked_about() {
    check_basic("bob:", "401 keysmith_credential_unknown");
    check_basic(":anything", "401 keysmith_credential_unknown");
    check_basic("bob:any\nthing", "401 keysmith_credential_unknown");
    check_basic(
        &format!("bob:{}", "x".repeat(5000)),
        "401 keysmith_credential_unknown",
    );
    check_value("Basic Ym9iOv/+", "401 keysmith_password_wrong");
}

#[test]
fn what_is_not_http_basic_is_malformed() {
    check(BASIC, "GET api/", "401 keysmith_authorization_missing");
    check_value("Bearer YW5uOng=", "401 keysmith_authorization_malformed");
    check_value("Basic", "401 keysmith_authorization_malformed");
    check_value("Basic YmFy", "401 keysmith_authorization_malformed");
    check_value("Basic ####", "401 keysmith_authorization_malformed");
    check_value("Basic YTpi YTpi", "401 keysmith_authorization_malformed");
    // Without its padding, and with bits set that the padding leaves over.
    check_value("Basic YTpiYw", "401 keysmith_authorization_malformed");
    check_value("Basic YTpiYx==", "401 keysmith_authorization_malformed");
}

#[test]
fn the_scheme_is_read_in_any_case() {
    let value = basic("ann:$password").replacen("Basic", "bASIC", 1);
    check_value(&value, "pass basic_auth billing");
    check_value(&value.replacen(' ', "   ", 1), "pass basic_auth billing");
}

#[test]
fn repeated_authorization_is_refused() {
    let value = basic("ann:$password");
    let joined = format!("{value},{value}");
    let twice = format!("{value} | authorization: {value}");
    check_value(&joined, "400 keysmith_credential_repeated");
    check_value(&twice, "400 keysmith_credential_repeated");
}

#[test]
fn the_question_carries_what_the_registry_needs() {
    let mut world = World::new(&format!("{BASIC}]"));
    let request = format!(
        "GET api/ | authorization: {}",
        basic(&format!("bob:{CHOSEN}"))
    );
    world.decide(&serialize(&headers(&request)), |decision| match decision {
        Decision::Ask(Question::Password(question)) => {
            assert_eq!(question.username.as_str(), "bob");
            assert_eq!(question.password.as_str(), CHOSEN);
            assert!(!format!("{question:?}").contains("horse"));
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn the_registrys_answer_decides() {
    for (verified, expected) in [
        (true, "pass basic_auth billing"),
        (false, "401 keysmith_password_wrong"),
    ] {
        let mut world = World::new(&format!("{BASIC}]"));
        let request = format!(
            "GET api/ | authorization: {}",
            basic(&format!("bob:{CHOSEN}"))
        );
        let (hash, credential, version) =
            world.decide(&serialize(&headers(&request)), |decision| match decision {
                Decision::Ask(Question::Password(question)) => {
                    (question.hash.clone(), question.credential, question.version)
                }
                other => panic!("{other:?}"),
            });
        let answer = Answer {
            credential,
            asked_version: version,
            version,
            secret_version: version,
            verified,
            remaining_ms: u64::MAX,
        };
        world.snapshot.verdicts.answer(&hash, &answer, NOW);
        assert_eq!(world.says(&request), expected);
    }
}

#[test]
fn an_aging_verdict_is_renewed_while_the_request_goes_on() {
    let mut world = World::new(&format!("{BASIC}]"));
    let request = format!(
        "GET api/ | authorization: {}",
        basic(&format!("bob:{CHOSEN}"))
    );
    let pairs = serialize(&headers(&request));
    let question = world.decide(&pairs, |decision| match decision {
        Decision::Ask(Question::Password(question)) => question,
        other => panic!("{other:?}"),
    });
    let answer = Answer {
        credential: question.credential,
        asked_version: question.version,
        version: question.version,
        secret_version: question.version,
        verified: true,
        remaining_ms: u64::MAX,
    };
    world.snapshot.verdicts.answer(&question.hash, &answer, 0);
    world.snapshot.verdicts.forget_answer();
    for (age_ms, is_renewed) in [(RENEW_AFTER_MS - 1, false), (RENEW_AFTER_MS, true)] {
        world.snapshot.set_time(age_ms, false, false);
        world.decide(&pairs, |decision| match decision {
            Decision::Allow(allow) => assert_eq!(allow.renewal.is_some(), is_renewed, "{age_ms}"),
            other => panic!("{other:?}"),
        });
    }
}
