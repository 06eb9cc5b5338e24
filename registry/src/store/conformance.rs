//! What every store promises. Each claim is checked against each store.

use std::sync::Arc;

use super::*;
use crate::{application::Reach, label::Labels, testing::World};

mod chain;
pub(crate) mod providers;
mod records;

use chain::*;
use providers::{
    a_client_that_ended_may_be_another_credentials, a_provider_goes_with_what_ended_there,
    what_is_kept_of_a_provider_is_read_back,
    what_is_to_be_done_is_found_when_it_is_due_and_no_more_when_it_is_done,
    what_somebody_was_at_is_due_once_they_are_gone,
};
use records::every_record_is_as_things_stand_whatever_happened;

/// Runs the claims against each database, in a registry of its own each.
macro_rules! claims {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let world = crate::testing::World::sqlite().await;
                    super::$name(&world, world.env.store.clone()).await;
                }
            )+
        }
        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    let world = crate::testing::World::postgres().await;
                    super::$name(&world, world.env.store.clone()).await;
                }
            )+
        }
    };
}

claims!(
    what_is_not_committed_never_happened,
    a_reader_sees_one_moment,
    writers_take_turns,
    a_commit_without_changes_keeps_the_revision,
    a_commit_gives_all_its_changes_the_next_revision,
    a_commit_wakes_those_who_watch_a_group_that_it_changes_and_nobody_else,
    the_changes_of_one_transaction_are_told_once_and_applications_first,
    pruning_keeps_the_last_revision_as_a_position,
    a_number_is_never_given_twice,
    a_digest_never_passes_to_another_credential,
    every_record_is_as_things_stand_whatever_happened,
    an_audit_log_that_nobody_touched_is_intact,
    whatever_is_altered_in_an_audit_record_is_found,
    an_audit_record_that_is_missing_or_moved_is_named,
    an_audit_log_that_was_cut_off_is_found_by_what_the_registry_noted,
    an_audit_log_that_was_cut_off_with_its_note_is_found_by_a_head,
    an_audit_log_that_was_written_anew_is_found_by_a_head,
    a_forged_note_of_the_audit_logs_end_is_found,
    the_registry_notices_that_its_audit_log_was_touched_and_goes_on,
    an_audit_log_of_an_earlier_version_is_chained_once,
    many_writers_make_one_chain,
    what_is_kept_of_a_provider_is_read_back,
    a_client_that_ended_may_be_another_credentials,
    what_is_to_be_done_is_found_when_it_is_due_and_no_more_when_it_is_done,
    what_somebody_was_at_is_due_once_they_are_gone,
    a_provider_goes_with_what_ended_there,
);

pub(crate) fn application(world: &World, number: u32) -> Application {
    let now = world.env.now();
    Application {
        id: ApplicationId::generate(now, world.env.entropy.as_ref()).unwrap(),
        organization: world.organization,
        owner: None,
        number,
        name: format!("a{number}"),
        custom_id: None,
        description: String::new(),
        labels: Labels::default(),
        scopes: Scopes::default(),
        reach: Reach::Automatic,
        enabled: true,
        default_key: crate::application::DefaultKey::None,
        default_credential: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

fn stamp(world: &World, id: u8) -> Stamp {
    Stamp {
        change_id: [id; 16],
        at: world.env.now(),
    }
}

async fn insert(world: &World, store: &Arc<dyn Store>, number: u32) -> u64 {
    let group = world.default_group().await;
    let mut write = store.write().await.unwrap();
    let one = application(world, number);
    write.insert_application(&one).await.unwrap();
    write.admit(group, &one).await.unwrap();
    write.commit(stamp(world, 1)).await.unwrap()
}

async fn what_is_not_committed_never_happened(world: &World, store: Arc<dyn Store>) {
    let one = application(world, 1);
    let mut write = store.write().await.unwrap();
    write.insert_application(&one).await.unwrap();
    assert!(write.application(one.id).await.unwrap().is_some());
    drop(write);
    let mut write = store.write().await.unwrap();
    assert!(write.application(one.id).await.unwrap().is_none());
    assert!(write.name_owner(&one.name).await.unwrap().is_none());
}

async fn a_reader_sees_one_moment(world: &World, store: Arc<dyn Store>) {
    let mut read = store.read().await.unwrap();
    let before = read.head().await.unwrap();
    insert(world, &store, 1).await;
    assert_eq!(read.head().await.unwrap(), before);
    assert!(read.application_named("a1").await.unwrap().is_none());
    drop(read);
    let mut read = store.read().await.unwrap();
    assert_eq!(read.head().await.unwrap().revision, before.revision + 1);
}

async fn writers_take_turns(world: &World, store: Arc<dyn Store>) {
    let mut first = store.write().await.unwrap();
    let second = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut write = store.write().await.unwrap();
            write.application_named("a1").await.unwrap()
        })
    };
    let one = application(world, 1);
    first.insert_application(&one).await.unwrap();
    first.commit(stamp(world, 1)).await.unwrap();
    assert_eq!(
        second.await.unwrap(),
        Some(one.id),
        "it began when the first had committed"
    );
}

async fn a_commit_without_changes_keeps_the_revision(world: &World, store: Arc<dyn Store>) {
    let before = store.read().await.unwrap().head().await.unwrap();
    let mut write = store.write().await.unwrap();
    write
        .insert_application(&application(world, 1))
        .await
        .unwrap();
    write.commit(stamp(world, 1)).await.unwrap();
    assert_eq!(store.read().await.unwrap().head().await.unwrap(), before);
}

async fn a_commit_gives_all_its_changes_the_next_revision(world: &World, store: Arc<dyn Store>) {
    let group = world.default_group().await;
    for number in 1..=3 {
        assert_eq!(insert(world, &store, number).await, u64::from(number));
    }
    let mut read = store.read().await.unwrap();
    let changes = read.group_changes(group, 1, 10).await.unwrap();
    assert_eq!(
        changes
            .iter()
            .map(|change| change.revision)
            .collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(read.change_id(3).await.unwrap(), Some([1; 16]));
    assert_eq!(read.change_id(4).await.unwrap(), None);
    assert_eq!(read.change_id(u64::MAX).await.unwrap(), None);
}

async fn a_commit_wakes_those_who_watch_a_group_that_it_changes_and_nobody_else(
    world: &World,
    store: Arc<dyn Store>,
) {
    let (now, entropy) = (world.env.now(), world.env.entropy.as_ref());
    let other = store.watch(GroupId::generate(now, entropy).unwrap());
    let mut watch = store.watch(world.default_group().await);
    let revision = insert(world, &store, 1).await;
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), revision);
    assert_eq!(store.revision(), revision);
    assert!(!other.has_changed().unwrap());
}

async fn the_changes_of_one_transaction_are_told_once_and_applications_first(
    world: &World,
    store: Arc<dyn Store>,
) {
    let group = world.default_group().await;
    let one = application(world, 1);
    let mut write = store.write().await.unwrap();
    write.insert_application(&one).await.unwrap();
    write.withdraw(group, &[7; 16]).await.unwrap();
    write.admit(group, &one).await.unwrap();
    write.update_application(&one).await.unwrap();
    write.withdraw(group, &[7; 16]).await.unwrap();
    write.commit(stamp(world, 1)).await.unwrap();
    let changes = store
        .read()
        .await
        .unwrap()
        .group_changes(group, 0, 10)
        .await
        .unwrap();
    let subjects: Vec<&Subject> = changes.iter().map(|change| &change.subject).collect();
    assert!(
        matches!(
            subjects[..],
            [Subject::Application(1, Some(_)), Subject::Secret(_, None)]
        ),
        "{subjects:?}"
    );
}

async fn pruning_keeps_the_last_revision_as_a_position(world: &World, store: Arc<dyn Store>) {
    let group = world.default_group().await;
    insert(world, &store, 1).await;
    insert(world, &store, 2).await;
    world.clock.advance(crate::testing::HOUR);
    let now = world.env.now();
    let prune = Prune {
        changes_before: now,
        requests_before: now,
        batches_before: now,
        lost_before: now,
    };
    let mut write = store.write().await.unwrap();
    write.prune(prune).await.unwrap();
    write.commit(stamp(world, 2)).await.unwrap();
    let mut read = store.read().await.unwrap();
    assert_eq!(read.head().await.unwrap().revision, 2);
    assert_eq!(read.change_id(1).await.unwrap(), None);
    assert!(read.change_id(2).await.unwrap().is_some());
    assert!(read.group_changes(group, 0, 10).await.unwrap().is_empty());
}

async fn a_number_is_never_given_twice(world: &World, store: Arc<dyn Store>) {
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_application_number().await.unwrap(), 1);
    assert_eq!(write.next_application_number().await.unwrap(), 2);
    write.commit(stamp(world, 1)).await.unwrap();
    let mut write = store.write().await.unwrap();
    assert_eq!(write.next_application_number().await.unwrap(), 3);
}

async fn a_digest_never_passes_to_another_credential(world: &World, store: Arc<dyn Store>) {
    use crate::credential::NewSecret;
    let one = world
        .credential("one", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let two = world
        .credential("two", NewSecret::GeneratedApiKey)
        .await
        .detail
        .credential
        .id;
    let mut write = store.write().await.unwrap();
    let theirs = write.deployed(two).await.unwrap()[0];
    let stolen = Deployed {
        secret: write.deployed(one).await.unwrap()[0].secret,
        ..theirs
    };
    assert!(write.deploy(&stolen, one).await.is_err());
}
