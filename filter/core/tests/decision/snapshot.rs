#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::decide::{Decision, decide};
use filter_core::request::{Request, pairs::Pairs};

use crate::world::{NOW, World, headers, serialize};

const RULES: &str = r#"{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}, "anonymous": "guest", "cors_preflight": "pass"}], "ready_path": "/ready""#;

#[test]
fn before_the_first_snapshot_only_public_rules_pass() {
    let mut world = World::without_snapshot(RULES);
    assert_eq!(world.says("GET api/public"), "pass none");
    assert_eq!(
        world.says("GET api/ | apikey: $key"),
        "503 keysmith_snapshot_never_complete"
    );
    assert_eq!(
        world.says("GET api/"),
        "503 keysmith_snapshot_never_complete"
    );
    assert_eq!(
        world.says("GET api/ready"),
        "503 keysmith_snapshot_never_complete"
    );
    assert_eq!(
        world.says("GET api/ | apikey: a | apikey: b"),
        "400 keysmith_credential_repeated"
    );
    assert_eq!(
        world.says("OPTIONS api/ | origin: a | access-control-request-method: GET"),
        "pass none"
    );
}

#[test]
fn a_stale_snapshot_admits_nobody() {
    let mut world = World::new(RULES);
    world.snapshot.set_time(NOW, true, true);
    assert_eq!(world.says("GET api/public"), "pass none");
    assert_eq!(
        world.says("GET api/ | apikey: $key"),
        "503 keysmith_snapshot_stale"
    );
    assert_eq!(world.says("GET api/"), "503 keysmith_snapshot_stale");
    assert_eq!(world.says("GET api/ready"), "503 keysmith_snapshot_stale");
}

#[test]
fn the_ready_path_answers_before_any_rule() {
    let mut world = World::new(RULES);
    assert_eq!(world.says("GET api/ready"), "ready");
    assert_eq!(world.says("GET api/%72eady?x"), "ready");
    assert_eq!(world.says("GET api/ready/"), "pass anonymous guest");
    assert_eq!(world.says("GET api/ready;x"), "pass anonymous guest");
}

#[test]
fn credentials_are_good_from_not_before_until_they_expire() {
    let mut world = World::new(r#"{"key_auth": {}}]"#);
    for (now, early, expired) in [
        (
            NOW - 1,
            "401 keysmith_credential_not_yet_valid",
            "pass key_auth billing",
        ),
        (
            NOW,
            "401 keysmith_credential_not_yet_valid",
            "401 keysmith_credential_expired",
        ),
        (
            NOW + 1,
            "pass key_auth billing",
            "401 keysmith_credential_expired",
        ),
    ] {
        world.now_ms = now;
        assert_eq!(world.says("GET api/ | apikey: $early"), early);
        assert_eq!(world.says("GET api/ | apikey: $expired"), expired);
    }
}

#[test]
fn a_key_that_cannot_exist_loads_nothing() {
    let world = World::new(r#"{"key_auth": {}}]"#);
    for (key, loads) in [
        ("$key", true),
        ("$stranger", true),
        ("$keyx", false),
        ("$token", false),
    ] {
        let bytes = serialize(&headers(&format!("GET api/ | apikey: {key}")));
        let request = Request::read(Pairs::parse(&bytes).expect("well-formed"));
        let decision = decide(&world.config.policy, &world.snapshot, &request, NOW);
        assert_eq!(matches!(decision, Decision::Load(_)), loads, "{key}");
    }
}
