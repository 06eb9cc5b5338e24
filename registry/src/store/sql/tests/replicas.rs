//! Claims about several registries on one database.

use std::{collections::BTreeSet, time::Duration};

use sqlx::Executor as _;

use super::*;
use crate::{
    application::{self, Application},
    ids::{ApplicationId, GroupId},
};

/// Applications that each writer makes.
const EACH: u64 = 25;
/// Writers of each registry.
const WRITERS: u64 = 3;

/// Far beyond what is needed: a test that hangs says nothing.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(Duration::from_mins(1), work).await;
    waited.expect("it does not come")
}

/// Reads the log to its end whenever it is woken, and says what is wrong with the order in which revisions appear.
async fn follow(store: Arc<SqlStore>, group: GroupId, last: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let mut woken = store.watch(group);
    while seen < last {
        woken.borrow_and_update();
        let mut read = store.read().await.unwrap();
        let head = read.head().await.unwrap().revision;
        let changes = read.group_changes(group, seen, 10_000).await.unwrap();
        let revisions: BTreeSet<u64> = changes.iter().map(|change| change.revision).collect();
        drop(read);
        for revision in revisions {
            if revision != seen + 1 || revision > head {
                wrong.push(format!("after {seen} came {revision} at the head {head}"));
            }
            seen = revision;
        }
        if seen != head {
            wrong.push(format!("the head was {head} and the last change {seen}"));
        }
        if seen < last {
            woken.changed().await.unwrap();
        }
    }
    wrong
}

/// Makes applications, each told to a group by a commit of its own. Says where a position that was kept is not the commit's.
async fn write(world: Arc<World>, group: GroupId, writer: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    for nth in 0..EACH {
        let mut write = world.store.write().await.unwrap();
        let number = write.next_application_number().await.unwrap();
        let one = made(&world, number, &format!("a-{writer}-{nth}"));
        write.insert_application(&one).await.unwrap();
        write.admit(group, &one).await.unwrap();
        let revision = world.env.commit(write).await.unwrap();
        let mut read = world.store.read().await.unwrap();
        let told = read.admitted_at(one.id).await.unwrap();
        if told.get(&group) != Some(&revision) {
            wrong.push(format!("{told:?} at revision {revision}"));
        }
    }
    wrong
}

fn made(world: &World, number: u32, name: &str) -> Application {
    let now = world.env.now();
    Application {
        id: ApplicationId::generate(now, world.env.entropy.as_ref()).unwrap(),
        number,
        name: name.to_owned(),
        ..crate::store::conformance::application(world, number)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_writes_where_no_revision_is_skipped_or_seen_out_of_order() {
    let first = World::postgres().await;
    let second = first.beside(2).await;
    let group = first.default_group().await;
    let last = 2 * WRITERS * EACH;
    let followers =
        [&first, &second].map(|world| tokio::spawn(follow(Arc::clone(&world.store), group, last)));
    let (first, second) = (Arc::new(first), Arc::new(second));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        for (place, world) in [(0, &first), (1, &second)] {
            let number = writer * 2 + place;
            writers.push(tokio::spawn(write(Arc::clone(world), group, number)));
        }
    }
    for writer in writers {
        assert_eq!(soon(writer).await.unwrap(), [""; 0]);
    }
    for follower in followers {
        assert_eq!(soon(follower).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn what_one_registry_changes_wakes_those_who_wait_at_another() {
    let first = World::postgres().await;
    let second = first.beside(2).await;
    let group = first.default_group().await;
    let now = first.env.now();
    let mut waiting = second.store.watch(group);
    let other = GroupId::generate(now, first.env.entropy.as_ref()).unwrap();
    let elsewhere = second.store.watch(other);
    let issued = first.credential("a", NewSecret::GeneratedApiKey).await;
    soon(waiting.changed()).await.unwrap();
    let head = first.store.revision();
    soon(waiting.wait_for(|revision| *revision == head))
        .await
        .unwrap();
    assert_eq!(second.store.revision(), head);
    assert!(!elsewhere.has_changed().unwrap());
    let gateway = second.gateway().await;
    assert!(gateway.by_value(&issued.secret.unwrap()).is_some());
}

#[tokio::test]
async fn what_was_changed_while_nothing_was_heard_wakes_as_well() {
    let first = World::postgres().await;
    let second = first.beside(2).await;
    let group = first.default_group().await;
    let mut waiting = second.store.watch(group);
    // As a server does that is stopped: every connection of both registries ends.
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    second.store.postgres().execute(cut).await.unwrap();
    let world = &first;
    let made = soon(async {
        loop {
            let new = World::new_application("a");
            if let Ok(made) = application::create(&world.env, world.caller(), new, None).await {
                break made.value.application;
            }
        }
    });
    assert_eq!(Box::pin(made).await.name, "a");
    let head = first.store.revision();
    soon(waiting.wait_for(|revision| *revision == head))
        .await
        .unwrap();
}
