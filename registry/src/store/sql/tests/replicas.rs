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
        seen = read_on(&store, group, seen, &mut wrong).await;
        if seen < last {
            woken.changed().await.unwrap();
        }
    }
    wrong
}

/// Reads the log to its end, and says what is wrong with what comes after this revision. Answers where it ends.
async fn read_on(store: &SqlStore, group: GroupId, after: u64, wrong: &mut Vec<String>) -> u64 {
    let mut read = store.read().await.unwrap();
    let head = read.head().await.unwrap().revision;
    let changes = read.group_changes(group, after, 10_000).await.unwrap();
    let revisions: BTreeSet<u64> = changes.iter().map(|change| change.revision).collect();
    let mut seen = after;
    for revision in revisions {
        if revision != seen + 1 || revision > head {
            wrong.push(format!("after {seen} came {revision} at the head {head}"));
        }
        seen = revision;
    }
    if seen != head {
        wrong.push(format!("the head was {head} and the last change {seen}"));
    }
    seen
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
        wrong.extend(commit(&world, group, write, &one).await);
    }
    wrong
}

/// Commits that the application was told to the group, and says if the position that was kept of that is not the commit's.
async fn commit(
    world: &World,
    group: GroupId,
    write: Box<dyn WriteTransaction>,
    one: &Application,
) -> Option<String> {
    let revision = world.env.commit(write).await.unwrap();
    let mut read = world.store.read().await.unwrap();
    let told = read.admitted_at(one.id).await.unwrap();
    let is_its_own = told.get(&group) == Some(&revision);
    (!is_its_own).then(|| format!("{told:?} at revision {revision}"))
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
async fn who_writes_out_of_turn_keeps_positions_that_are_anothers() {
    let first = World::postgres().await;
    let second = first.beside(2).await;
    let group = first.default_group().await;
    let mut begun = Vec::new();
    for (number, world) in [(1, &first), (2, &second)] {
        let mut write = world.store.write().await.unwrap();
        let one = made(world, number, &format!("a-{number}"));
        write.insert_application(&one).await.unwrap();
        world.env.commit(write).await.unwrap();
        begun.push((world, one));
    }
    let mut writes = Vec::new();
    for (world, one) in begun {
        let mut write = world.store.write_out_of_turn().await.unwrap();
        write.admit(group, &one).await.unwrap();
        writes.push((world, write, one));
    }
    let mut wrong = Vec::new();
    for (world, write, one) in writes {
        wrong.extend(commit(world, group, write, &one).await);
    }
    assert_eq!(wrong.len(), 1, "the check finds it: {wrong:?}");
}

#[tokio::test]
async fn who_gets_the_turn_sees_what_was_committed_before_whatever_the_server_is_set_to() {
    let server =
        private_postgres::Server::start_with(&["default_transaction_isolation=repeatable read"]);
    let url = server.url("postgres");
    let [first, second] = [World::on_server(&url).await, World::on_server(&url).await];
    let mut write = first.store.write().await.unwrap();
    let number = write.next_application_number().await.unwrap();
    let store = Arc::clone(&second.store);
    let waiting = tokio::spawn(async move {
        let mut write = store.write().await.unwrap();
        write.next_application_number().await.unwrap()
    });
    let waits = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    let mut reader = first.store.postgres().acquire().await.unwrap();
    soon(async {
        while reader.fetch_optional(waits).await.unwrap().is_none() {
            // The server tells nobody who waits for a lock. Nothing depends on how long this is.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    first.env.commit(write).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap(), number + 1);
}

#[tokio::test]
async fn who_follows_notices_a_revision_that_is_committed_before_the_one_before_it() {
    let world = World::postgres().await;
    let group = world.default_group().await;
    world.application("a").await;
    let mut wrong = Vec::new();
    assert_eq!(read_on(&world.store, group, 0, &mut wrong).await, 1);
    assert_eq!(wrong, [""; 0]);
    // As if two took their revisions from a sequence, and the second committed first.
    let take = |revision: i64| {
        sqlx::query(
            "with told as (
                 insert into changes (group_id, revision, position, application_number)
                 select group_id, $1, 0, application_number from changes where revision = 1
             )
             insert into revisions (revision, change_id, committed_at)
             select $1, change_id, committed_at from revisions where revision = 1",
        )
        .bind(revision)
    };
    let end = |revision: i64| {
        sqlx::query("update installation set revision = greatest(revision, $1)").bind(revision)
    };
    let pool = world.store.postgres();
    let mut slow = pool.begin().await.unwrap();
    take(2).execute(&mut *slow).await.unwrap();
    let mut quick = pool.begin().await.unwrap();
    take(3).execute(&mut *quick).await.unwrap();
    end(3).execute(&mut *quick).await.unwrap();
    quick.commit().await.unwrap();
    let seen = read_on(&world.store, group, 1, &mut wrong).await;
    end(2).execute(&mut *slow).await.unwrap();
    slow.commit().await.unwrap();
    assert_eq!(seen, 3);
    assert_eq!(wrong, ["after 1 came 3 at the head 3"], "2 is skipped");
    assert_eq!(read_on(&world.store, group, seen, &mut wrong).await, 3);
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
