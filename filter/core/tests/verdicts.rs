//! What a VM remembers of verified chosen passwords.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    decide::PasswordQuestion,
    digest::{DigestKey, SecretHash},
    gateway::Verified,
    ids::ObjectId,
    verdicts::{Answer, CAPACITY, Known, LIFETIME_MS, RENEW_AFTER_MS, Verdicts},
};

const USER: ObjectId = ObjectId([1; 16]);

fn verdicts() -> Verdicts {
    Verdicts::new(&DigestKey::from_bytes([3; 32]))
}

fn yes(version: u32) -> Answer {
    Answer {
        credential: USER,
        asked_version: version,
        version,
        secret_version: version,
        verified: true,
        remaining_ms: u64::MAX,
    }
}

fn password(text: &str) -> SecretHash {
    SecretHash::of_basic(b"ann", text.as_bytes())
}

#[test]
fn a_verified_password_is_remembered_for_an_hour_and_for_its_version_only() {
    let mut verdicts = verdicts();
    verdicts.answer(&password("right"), &yes(2), 1000);
    verdicts.forget_answer();
    let known = |version, at_ms| verdicts.verdict(&password("right"), USER, version, at_ms, false);
    assert_eq!(known(2, 1000), Some(Known::Right(2)));
    assert_eq!(known(2, 999 + RENEW_AFTER_MS), Some(Known::Right(2)));
    assert_eq!(
        known(2, 1000 + RENEW_AFTER_MS),
        Some(Known::RightButAging(2))
    );
    assert_eq!(known(2, 999 + LIFETIME_MS), Some(Known::RightButAging(2)));
    assert_eq!(known(2, 1000 + LIFETIME_MS), None);
    assert_eq!(known(3, 1000), None, "rotated");
    assert_eq!(
        verdicts.verdict(&password("wrong"), USER, 2, 1000, false),
        None
    );
}

#[test]
fn a_verified_password_outlives_its_hour_while_nobody_can_be_asked() {
    let mut verdicts = verdicts();
    verdicts.answer(&password("right"), &yes(2), 0);
    verdicts.forget_answer();
    assert_eq!(
        verdicts.verdict(&password("right"), USER, 2, 9 * LIFETIME_MS, true),
        Some(Known::RightButAging(2))
    );
}

#[test]
fn a_retiring_password_ends_with_its_grace_period_whoever_can_be_asked() {
    let mut verdicts = verdicts();
    verdicts.answer(
        &password("old"),
        &Answer {
            remaining_ms: 5000,
            ..yes(2)
        },
        1000,
    );
    verdicts.forget_answer();
    assert_eq!(
        verdicts.verdict(&password("old"), USER, 2, 5999, true),
        Some(Known::Right(2))
    );
    assert_eq!(
        verdicts.verdict(&password("old"), USER, 2, 6000, true),
        None
    );
}

#[test]
fn a_wrong_password_decides_once_and_pushes_nobody_out() {
    let mut verdicts = verdicts();
    verdicts.answer(&password("right"), &yes(2), 0);
    for guess in 0..=CAPACITY {
        let guess = password(&guess.to_string());
        verdicts.answer(
            &guess,
            &Answer {
                verified: false,
                ..yes(2)
            },
            0,
        );
        assert_eq!(
            verdicts.verdict(&guess, USER, 2, 0, false),
            Some(Known::Wrong)
        );
        verdicts.forget_answer();
        assert_eq!(verdicts.verdict(&guess, USER, 2, 0, false), None);
    }
    assert_eq!(
        verdicts.verdict(&password("right"), USER, 2, 0, false),
        Some(Known::Right(2))
    );
}

#[test]
fn the_oldest_verdicts_make_room() {
    let mut verdicts = verdicts();
    for number in 0..=CAPACITY {
        verdicts.answer(&password(&number.to_string()), &yes(2), 0);
    }
    verdicts.forget_answer();
    assert_eq!(verdicts.verdict(&password("0"), USER, 2, 0, false), None);
    assert_eq!(
        verdicts.verdict(&password("1"), USER, 2, 0, false),
        Some(Known::Right(2))
    );
}

#[test]
fn a_verdict_that_is_given_again_is_the_youngest() {
    let mut verdicts = verdicts();
    verdicts.answer(&password("ann's"), &yes(2), 0);
    let wrong = Answer {
        verified: false,
        ..yes(2)
    };
    verdicts.answer(&password("ann's"), &wrong, 0);
    verdicts.answer(&password("ann's"), &yes(2), 0);
    for number in 1..CAPACITY {
        verdicts.answer(&password(&number.to_string()), &yes(2), 0);
    }
    verdicts.answer(&password("ann's"), &yes(2), 0);
    verdicts.answer(&password("one more"), &yes(2), 0);
    verdicts.forget_answer();
    assert_eq!(
        verdicts.verdict(&password("ann's"), USER, 2, 0, false),
        Some(Known::Right(2))
    );
}

#[test]
fn the_registrys_yes_counts_only_for_the_credential_that_was_asked_about() {
    let question = PasswordQuestion {
        username: String::from("ann").into(),
        password: String::from("right").into(),
        hash: password("right"),
        credential: USER,
        version: 2,
    };
    let says = |credential: &str| {
        let body = format!(r#"{{"verified":true,"credential":"{credential}","version":2}}"#);
        let verified = Verified::decode(body.as_bytes()).expect("an answer");
        verified.answer(&question, 0)
    };
    assert_eq!(says(&USER.with_prefix("cred_")), Some(yes(2)));
    assert_eq!(says(&ObjectId([2; 16]).with_prefix("cred_")), None);
    let of_another_secret =
        br#"{"verified":true,"credential":"CRED","version":2,"secret_version":1}"#;
    let body =
        String::from_utf8_lossy(of_another_secret).replace("CRED", &USER.with_prefix("cred_"));
    let verified = Verified::decode(body.as_bytes()).expect("an answer");
    let expected = Answer {
        secret_version: 1,
        ..yes(2)
    };
    assert_eq!(verified.answer(&question, 0), Some(expected));
    let nobody = Verified::decode(br#"{"verified":true}"#).expect("an answer");
    assert_eq!(nobody.answer(&question, 0), None);
}
