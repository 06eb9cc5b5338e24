//! Following the feed: whatever happens to pages and leaders, every worker ends with the registry's state, and what was
//! deleted does not come back.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[path = "follow/model.rs"]
mod model;

use filter_core::{
    feed::Body,
    snapshot::{Found, Readiness},
    sync::plan,
};
use model::{Rekeying, World, issuer, secret};

#[test]
fn a_first_snapshot_serves_once_it_is_complete() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    assert_eq!(world.worker().readiness(), Readiness::NeverComplete);
    world.settle();
    world.check_everything();
    assert!(world.admits(&secret(1)));
}

#[test]
fn a_deleted_credential_is_gone_after_the_next_page() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    world.settle();
    world.registry.remove_credential(1);
    assert!(world.admits(&secret(1)), "before the page");
    world.settle();
    assert!(!world.admits(&secret(1)));
}

#[test]
fn an_issuers_new_keys_replace_its_old_ones_in_one_change() {
    let mut world = World::new(1);
    world.registry.put_issuer(1, 1);
    world.registry.put_issuer(2, 1);
    world.settle();
    world.check_everything();
    let before = world.worker().issuer(&issuer(1));
    let Found::Present(before) = before else {
        panic!("{before:?}");
    };
    let before = before.version;
    world.registry.put_issuer(1, 2);
    world.registry.remove_issuer(2);
    world.settle();
    world.check_everything();
    let after = world.worker().issuer(&issuer(1));
    assert!(matches!(after, Found::Present(after) if after.version > before));
    assert_eq!(world.worker().issuer(&issuer(2)), Found::Absent);
}

#[test]
fn a_change_costs_one_part_whatever_the_size_of_the_set() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    for number in 0..2000 {
        world.registry.put_credential(number, 1);
    }
    world.settle();
    world.registry.remove_credential(77);
    let page = world.registry.page(&world.head().cursor);
    let plan = plan(&world.head(), page).expect("in order");
    assert_eq!(plan.updates.len(), 1);
}

#[test]
fn renaming_an_application_is_one_change() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    for number in 0..500 {
        world.registry.put_credential(number, 1);
    }
    world.settle();
    world.registry.rename_application(1, "renamed");
    let page = world.registry.page(&world.head().cursor);
    let Body::Changes(changes) = &page.body else {
        panic!("changes");
    };
    assert_eq!(changes.changes.len(), 1);
    world.settle();
    world.check_everything();
}

#[test]
fn what_served_goes_on_serving_while_a_reset_loads() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    world.settle();
    world.registry.put_credential(2, 1);
    world.registry.forget_log();
    while world.head().cursor.starts_with('c') || world.head().loading.is_some() {
        assert!(world.admits(&secret(1)));
        world.step(0);
        if world.head().loading.is_none() && world.admits(&secret(2)) {
            break;
        }
    }
    world.settle();
    world.check_everything();
}

#[test]
fn a_worker_that_copies_a_part_of_a_load_it_does_not_know_yet_refuses_nobody() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    world.settle();
    world.worker();
    world.registry.put_credential(2, 1);
    world.registry.forget_log();
    world.step(0);
    assert!(world.head().loading.is_some());
    while world.head().loading.is_some() {
        world.poll(0);
        world.finish(0);
        assert_ne!(world.admits_without_looking(&secret(1)), Found::Absent);
        world.forget_copies();
    }
}

#[test]
fn another_database_replaces_everything() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    world.settle();
    world.registry.replace_database();
    world.registry.put_application(1);
    world.registry.put_credential(2, 1);
    world.settle();
    assert!(!world.admits(&secret(1)));
    assert!(world.admits(&secret(2)));
}

#[test]
fn a_leader_that_stalls_over_a_page_cannot_bring_back_a_deleted_credential() {
    let mut world = World::new(2);
    world.registry.put_application(1);
    world.settle();
    world.registry.put_credential(1, 1);
    world.take_over(0);
    world.poll(0);
    world.registry.remove_credential(1);
    world.take_over(1);
    world.settle_by(1);
    world.finish(0);
    world.settle_by(1);
    assert!(!world.admits(&secret(1)));
    world.check_everything();
}

#[test]
fn a_leader_that_stalls_over_a_snapshot_page_cannot_bring_back_a_deleted_credential() {
    let mut world = World::new(2);
    world.registry.put_application(1);
    world.registry.put_credential(1, 1);
    world.take_over(0);
    world.poll(0);
    world.finish(0);
    world.poll(0);
    world.registry.remove_credential(1);
    world.take_over(1);
    world.settle_by(1);
    world.finish(0);
    world.settle_by(1);
    assert!(!world.admits(&secret(1)));
    world.check_everything();
}

#[test]
fn a_new_key_is_one_change_and_nobody_is_refused_before_or_after_it() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    for number in 0..12 {
        world.registry.put_credential(number, 1);
    }
    world.settle();
    world.note_admitted();
    let before = world.head().serving.expect("serves");
    let mut steps = 0;
    loop {
        world.rekey();
        if world.registry.rekeying.is_none() {
            break;
        }
        world.check_nobody_is_refused();
        world.settle();
        world.check_nobody_is_refused();
        world.note_admitted();
        steps += 1;
    }
    assert_eq!(steps, 1 + 12 + 1 + 1 + 12);
    world.check_everything();
    let after = world.head().serving.expect("serves");
    assert_ne!(before.key, after.key);
    assert_eq!(
        before.generation, after.generation,
        "nothing was loaded anew"
    );
}

#[test]
fn a_snapshot_under_the_next_key_refuses_nobody_while_it_replaces_the_one_before() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    for number in 0..12 {
        world.registry.put_credential(number, 1);
    }
    world.settle();
    while !matches!(world.registry.rekeying, Some(Rekeying::Switched(_))) {
        world.registry.rekey();
    }
    world.registry.forget_log();
    for _ in 0..20 {
        for number in 0..12 {
            assert!(world.admits(&secret(number)));
        }
        world.step(0);
    }
    world.settle();
    world.check_everything();
}

#[test]
fn a_gateway_that_missed_the_switch_begins_anew() {
    let mut world = World::new(1);
    world.registry.put_application(1);
    for number in 0..12 {
        world.registry.put_credential(number, 1);
    }
    world.settle();
    world.note_admitted();
    world.registry.rekey();
    while world.registry.rekeying.is_some() {
        world.registry.rekey();
    }
    world.step(0);
    assert!(world.head().loading.is_some());
    while world.head().loading.is_some() {
        world.step(0);
        world.worker();
        world.check_nobody_is_refused();
    }
    world.settle();
    world.check_everything();
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::model::{Action, World, actions, rotations};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

        #[test]
        fn any_interleaving_ends_in_the_registrys_state(actions in actions()) {
            let mut world = World::new(3);
            for action in actions {
                match action {
                    Action::Worker => world.check_no_resurrection(),
                    other => world.act(other),
                }
            }
            world.settle();
            world.check_everything();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn whenever_the_key_changes_nobody_is_refused_and_nobody_comes_back(actions in rotations()) {
            let mut world = World::new(3);
            world.registry.put_application(1);
            world.settle();
            for action in actions {
                match action {
                    Action::Worker => {
                        world.check_no_resurrection();
                        world.note_admitted();
                    }
                    other => world.act(other),
                }
            }
            world.settle();
            world.check_everything();
        }
    }
}
