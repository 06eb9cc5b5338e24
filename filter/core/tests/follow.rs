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
use model::{World, secret};

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

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::model::{Action, World, actions};
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
}
