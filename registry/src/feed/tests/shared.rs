//! Claims about what gateways share.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{sync::watch, task::JoinHandle};

use super::*;
use crate::store::{ReadTransaction, Store, StoreError, WriteTransaction};

/// Counts how often somebody looks.
#[derive(Debug)]
pub(super) struct Counting {
    store: Arc<dyn Store>,
    reads: AtomicUsize,
    /// By how much it counts too little: what is committed is seen before it is counted.
    behind: AtomicU64,
}

#[async_trait::async_trait]
impl Store for Counting {
    async fn read(&self) -> Result<Box<dyn ReadTransaction>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.read().await
    }

    async fn write(&self) -> Result<Box<dyn WriteTransaction>, StoreError> {
        self.store.write().await
    }

    fn revision(&self) -> u64 {
        self.store.revision() - self.behind.load(Ordering::SeqCst)
    }

    fn watch(&self, group: GroupId) -> watch::Receiver<u64> {
        self.store.watch(group)
    }

    fn generation(&self) -> watch::Receiver<u64> {
        self.store.generation()
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn gateway_news(&self) -> watch::Receiver<u64> {
        self.store.gateway_news()
    }

    async fn settle_doubts(&self) -> Result<(), StoreError> {
        self.store.settle_doubts().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

impl Counting {
    /// Has the world's feed, which has read nothing yet, counted.
    pub(super) fn in_place(world: &mut World) -> Arc<Self> {
        let counting = Arc::new(Self {
            store: Arc::clone(&world.env.store),
            reads: AtomicUsize::new(0),
            behind: AtomicU64::new(0),
        });
        world.env.store = counting.clone();
        world.feed = Arc::new(Feed::new(world.env.clone()));
        counting
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

const GATEWAYS: usize = 1000;

async fn with_credentials(world: &World, count: usize) {
    let id = world.application("many").await;
    for nth in 0..count {
        let new = World::new_credential(id, &format!("c{nth}"), KEY);
        world.issue(new).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_is_read_once_however_many_gateways_wait_for_it() {
    let mut world = World::new().await;
    let issued = world.credential("a", KEY).await;
    let cursor = world.gateway().await.cursor;
    let counting = Counting::in_place(&mut world);
    let group = world.default_group().await;
    let before = counting.reads();
    let waiting: Vec<JoinHandle<Answer>> = (0..GATEWAYS)
        .map(|_| {
            let (feed, cursor) = (Arc::clone(&world.feed), cursor.clone());
            tokio::spawn(async move {
                let wait = Duration::from_mins(10);
                let follow = feed.follow(group, cursor.as_deref(), wait, future::pending());
                follow.await.unwrap()
            })
        })
        .collect();
    while counting.reads() == before {
        tokio::task::yield_now().await;
    }
    set_enabled(&world, issued.detail.credential.id, false).await;
    let mut told = BTreeSet::new();
    for one in waiting {
        let answer = one.await.unwrap();
        let Body::Changes(changes) = answer.decode().unwrap().body else {
            panic!("a snapshot is not needed")
        };
        assert_eq!(changes.changes.len(), 1);
        told.insert(answer.parts()[0].as_ptr());
    }
    assert!(
        counting.reads() - before <= 2,
        "once to find nothing, and once to find the change"
    );
    assert_eq!(told.len(), 1, "all were sent the same bytes");
}

#[tokio::test]
async fn a_snapshot_is_read_once_however_many_gateways_start_together() {
    let mut world = World::new().await;
    with_credentials(&world, 1500).await;
    let counting = Counting::in_place(&mut world);
    let alone = world.gateway().await;
    let pages = alone.pages.len();
    world.feed = Arc::new(Feed::new(world.env.clone()));
    let group = world.default_group().await;
    let before = counting.reads();
    let starting: Vec<JoinHandle<Option<String>>> = (0..GATEWAYS)
        .map(|_| {
            let feed = Arc::clone(&world.feed);
            tokio::spawn(async move {
                let mut cursor: Option<String> = None;
                for _ in 0..pages {
                    let answer = feed.page(group, cursor.as_deref()).await.unwrap();
                    cursor = Some(answer.decode().unwrap().next);
                }
                cursor
            })
        })
        .collect();
    for one in starting {
        assert_eq!(one.await.unwrap(), alone.cursor);
    }
    assert_eq!(counting.reads() - before, pages);
}

#[tokio::test]
async fn what_was_read_for_one_serves_others_while_things_change() {
    let world = World::new().await;
    let group = world.default_group().await;
    with_credentials(&world, 1500).await;
    let mut first = Follower::new(group);
    let mut second = Follower::new(group);
    first.step(&world.feed).await;
    second.step(&world.feed).await;
    world.credential("meanwhile", KEY).await;
    first.step(&world.feed).await;
    world.credential("later", KEY).await;
    second.step(&world.feed).await;
    let of = |follower: &Follower| match &follower.pages.last().unwrap().body {
        Body::Snapshot(page) => page.clone(),
        Body::Changes(_) | Body::Key(_) => panic!("the snapshot goes on"),
    };
    assert_eq!(of(&first), of(&second), "read before the second change");
    for follower in [&mut first, &mut second] {
        follower.catch_up(&world.feed).await;
        assert_eq!(follower.known(), world.gateway().await.known());
    }
}

#[tokio::test]
async fn what_was_revoked_before_a_snapshot_began_is_on_none_of_its_pages() {
    let world = World::new().await;
    let group = world.default_group().await;
    let mut living = Vec::new();
    for number in 0..40 {
        living.push(world.credential(&format!("a{number}"), KEY).await);
    }
    let mut revoked = Vec::new();
    let mut followers: Vec<(Follower, usize)> = Vec::new();
    while let Some(one) = living.pop() {
        // Everybody is somewhere in a snapshot, and whoever comes later finds what was read for those before.
        followers.push((Follower::new(group), revoked.len()));
        for (follower, _) in &mut followers {
            follower.step(&world.feed).await;
        }
        world.delete_credential(one.detail.credential.id).await;
        revoked.push(one.detail.credential.id.object_id());
        for (follower, before) in &mut followers {
            follower.step(&world.feed).await;
            let known = follower.credentials.values();
            let back = known.filter(|known| revoked[..*before].contains(&known.id));
            assert_eq!(back.count(), 0, "it was revoked before the snapshot began");
        }
    }
    for (follower, _) in &mut followers {
        follower.catch_up(&world.feed).await;
        assert!(follower.credentials.is_empty());
    }
}

#[tokio::test]
async fn a_change_that_was_answered_is_on_the_next_page_whoever_asks() {
    let world = World::new().await;
    let issued = world.credential("a", KEY).await;
    let gateway = world.gateway().await;
    for round in 0..10 {
        // Asked before the change, so that the empty answer is kept.
        let empty = next(&world, &gateway).await;
        set_enabled(&world, issued.detail.credential.id, round % 2 == 1).await;
        let told = next(&world, &gateway).await;
        assert_ne!(empty, told);
        let fresh = world.gateway().await;
        let known = fresh.credentials.values().next().unwrap();
        assert_eq!(known.enabled, round % 2 == 1);
    }
}

#[tokio::test]
async fn a_page_of_another_log_group_or_key_is_not_shared() {
    let world = World::new().await;
    let other = gateway::create_group(
        &world.env,
        world.caller(),
        "other".to_owned(),
        Mode::OnDemand,
    )
    .await
    .unwrap();
    let mut read = world.env.store.read().await.unwrap();
    let here = world.default_group().await;
    let mut places = BTreeSet::new();
    for group in [here, other.value.id] {
        let mut view = View::read(read.as_mut(), 0, group).await.unwrap();
        for (epoch, version) in [(1, 1), (1, 2), (2, 1)] {
            view.head.epoch = [epoch; 16];
            view.key.version = version;
            for start in [Start::Applications(1), Start::Credentials(1)] {
                places.insert(format!("{:?}", Place::of(&view, start)));
            }
        }
    }
    assert_eq!(places.len(), 12);
}

#[tokio::test]
async fn what_one_gateway_was_told_no_other_is_kept_from() {
    let mut world = World::new().await;
    let counting = Counting::in_place(&mut world);
    let issued = world.credential("a", KEY).await;
    let gateway = world.gateway().await;
    let empty = next(&world, &gateway).await;
    set_enabled(&world, issued.detail.credential.id, false).await;
    counting.behind.store(1, Ordering::SeqCst);
    // Another gateway asks with what nobody asked for yet, and is told of the change.
    let mut cursor = Cursor::parse(gateway.cursor.as_deref().unwrap()).unwrap();
    cursor.position = Position::Credentials(7);
    let text = cursor.to_text();
    let seen = world.feed.page(gateway.group, Some(&text)).await.unwrap();
    assert!(seen.decode().unwrap().more, "the change follows");
    assert_ne!(next(&world, &gateway).await, empty);
}

#[tokio::test]
async fn the_key_is_in_no_answer_that_is_kept() {
    let world = World::new().await;
    let group = world.default_group().await;
    let mut read = world.env.store.read().await.unwrap();
    let view = View::read(read.as_mut(), 0, group).await.unwrap();
    drop(read);
    let mut kept = BTreeSet::new();
    for number in 0..20 {
        let unknown = Cursor {
            change_id: [number; 16],
            ..view.cursor(Position::Changes)
        };
        let text = unknown.to_text();
        let answer = world.feed.page(group, Some(&text)).await.unwrap();
        assert!(is_beginning(&answer.decode().unwrap()));
        let again = world.feed.page(group, Some(&text)).await.unwrap();
        assert_ne!(answer.parts()[0].as_ptr(), again.parts()[0].as_ptr());
        kept.insert(world.feed.openings.bytes());
    }
    assert_eq!(kept.len(), 1, "one beginning, however it was asked for");
}

#[tokio::test]
async fn who_waits_to_look_holds_no_connection() {
    let world = World::new().await;
    let group = world.default_group().await;
    let all = u32::from(READERS) - 1;
    let others = world.feed.turns.acquire_many(all).await.unwrap();
    let feed = Arc::clone(&world.feed);
    let waiting = tokio::spawn(async move { feed.page(group, None).await.unwrap() });
    tokio::task::yield_now().await;
    let mut reads = Vec::new();
    for _ in 0..READERS {
        reads.push(world.env.store.read().await.unwrap());
    }
    assert!(!waiting.is_finished());
    drop((reads, others));
    assert!(is_beginning(&waiting.await.unwrap().decode().unwrap()));
}
