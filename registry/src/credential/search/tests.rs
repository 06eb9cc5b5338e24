//! Claims about pages of credentials that change meanwhile.

use std::{collections::BTreeSet, time::Duration};

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    credential::{self, CredentialPatch, Deployed, NewSecret},
    ids::CredentialId,
    testing::World,
};

/// What somebody does between two pages.
#[derive(Clone, Debug)]
enum Step {
    Rename(usize),
    Delete(usize),
    Create(u16),
    Wait,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..16_usize).prop_map(Step::Rename),
        (0..16_usize).prop_map(Step::Delete),
        any::<u16>().prop_map(Step::Create),
        Just(Step::Wait),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    let by = prop_oneof![
        Just(OrderBy::CreatedAt),
        Just(OrderBy::Name),
        Just(OrderBy::UpdatedAt),
        Just(OrderBy::ExpiresAt),
        Just(OrderBy::LastUsedAt),
    ];
    (by, any::<bool>()).prop_map(|(by, descending)| Order { by, descending })
}

/// Credentials in two applications, some of them alike in what they are sorted by.
async fn filled(world: &World) -> Vec<CredentialId> {
    let mut ids = Vec::new();
    for application in ["one", "two"] {
        let id = world.application(application).await;
        for number in 0..8_u64 {
            let name = format!("{}-{application}", number % 3 * 10 + number);
            let mut new = World::new_credential(id, &name, NewSecret::GeneratedApiKey);
            let end = Duration::from_secs(1000 + number / 3);
            new.expires_at = (number % 2 == 0).then(|| world.env.now().after(end));
            ids.push(world.issue(new).await.unwrap().detail.credential.id);
            if number % 4 == 3 {
                world.clock.advance(Duration::from_millis(1));
            }
        }
    }
    ids
}

/// Which credential it touched, if any.
async fn take(world: &World, ids: &[CredentialId], step: &Step) -> Option<CredentialId> {
    let touched = match step {
        Step::Rename(index) | Step::Delete(index) => ids.get(*index).copied(),
        Step::Create(_) | Step::Wait => None,
    };
    match step {
        Step::Rename(_) => {
            let patch = CredentialPatch {
                name: Some(format!("renamed-{}", world.env.now().as_millis())),
                ..CredentialPatch::default()
            };
            let id = touched?;
            // It may be deleted already.
            let _ = credential::update(&world.env, world.caller(), id, None, patch).await;
        }
        Step::Delete(_) => {
            let _ = credential::delete(&world.env, world.caller(), touched?, None, Deployed::Keep)
                .await;
        }
        Step::Create(number) => {
            let id = world.application(&format!("later-{number}")).await;
            let new = World::new_credential(id, "later", NewSecret::GeneratedApiKey);
            world.issue(new).await.unwrap();
        }
        Step::Wait => {}
    }
    world.clock.advance(Duration::from_millis(7));
    touched
}

/// Everything that the pages of a search show, with a step between two of them.
async fn walk(
    world: &World,
    ids: &[CredentialId],
    order: Order,
    limit: usize,
    steps: &[Step],
) -> (Vec<CredentialId>, BTreeSet<CredentialId>) {
    let (mut shown, mut touched) = (Vec::new(), BTreeSet::new());
    let (mut cursor, mut steps) = (None, steps.iter());
    loop {
        let asked = CredentialSearch {
            order,
            limit,
            cursor: cursor.take(),
            ..CredentialSearch::default()
        };
        let found = search(&world.env, world.caller(), asked).await.unwrap();
        shown.extend(found.items.iter().map(|item| item.credential.id));
        let Some(next) = found.next_cursor else {
            return (shown, touched);
        };
        cursor = Some(next);
        if let Some(step) = steps.next() {
            touched.extend(take(world, ids, step).await);
        }
    }
}

#[test]
fn what_does_not_change_between_pages_is_on_exactly_one_of_them() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let unique = proptest::collection::vec(step(), 0..12);
    let inputs = (order(), 1..7_usize, unique);
    runner
        .run(&inputs, |(order, limit, mut steps)| {
            // An application's name is given once.
            let mut known = BTreeSet::new();
            steps.retain(|step| !matches!(step, Step::Create(number) if !known.insert(*number)));
            runtime.block_on(async {
                let world = World::new().await;
                let ids = filled(&world).await;
                let (shown, touched) = walk(&world, &ids, order, limit, &steps).await;
                for id in ids.iter().filter(|id| !touched.contains(id)) {
                    let times = shown.iter().filter(|one| *one == id).count();
                    prop_assert_eq!(times, 1, "{:?} in {:?}", id, order);
                }
                Ok(())
            })
        })
        .unwrap();
}
