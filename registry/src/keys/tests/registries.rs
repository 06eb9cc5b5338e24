//! Claims about registries that share a database, and about the files in which keys lie.

use super::*;
use crate::secrets::MasterKey;

/// A registry whose master key lies in its folder, as `serve` has it.
struct Registry {
    env: Environment,
    rotator: Arc<MasterRotator>,
    folder: std::path::PathBuf,
    announcer: shutdown::Announcer,
}

impl Registry {
    fn of(world: &World, name: &str) -> Self {
        let folder = world.home.path().to_owned();
        std::fs::write(folder.join("master.key"), master_key().to_text().expose()).unwrap();
        let (announcer, shutdown) = shutdown::channel();
        let source = KeySource::Directory(folder.clone());
        let presence = Presence::new(&world.env, name.to_owned()).unwrap();
        let rotator = MasterRotator::new(world.env.clone(), source, presence, shutdown);
        Self {
            env: world.env.clone(),
            rotator: Arc::new(rotator),
            folder,
            announcer,
        }
    }

    fn key(&self, file: &str) -> Option<MasterKey> {
        let text = std::fs::read_to_string(self.folder.join(file)).ok()?;
        Some(MasterKey::parse(&text).unwrap())
    }

    async fn ends(&self) {
        while status(&self.env).await.unwrap().rotation.is_some() {
            tokio::task::yield_now().await;
        }
    }
}

async fn names(env: &Environment) -> Vec<String> {
    let mut read = env.store.read().await.unwrap();
    let since = env.now().before(Duration::from_hours(1));
    let registries = read.registries(since).await.unwrap();
    registries.into_iter().map(|one| one.name).collect()
}

#[tokio::test]
async fn a_registry_says_that_it_is_there_until_it_leaves() {
    let world = World::new().await;
    let registry = Registry::of(&world, "here");
    registry.rotator.resume().await.unwrap();
    registry.rotator.look().await.unwrap();
    assert_eq!(names(&world.env).await, ["here"]);
    registry.announcer.announce();
    registry.rotator.tend().await;
    registry.rotator.leave().await;
    assert!(names(&world.env).await.is_empty());
}

#[tokio::test]
async fn a_registry_that_was_killed_counts_no_more_once_it_is_started_again() {
    let world = World::new().await;
    for name in ["here", "there", "here"] {
        let registry = Registry::of(&world, name);
        registry.rotator.resume().await.unwrap();
    }
    assert_eq!(names(&world.env).await, ["here", "there"]);
}

#[tokio::test]
async fn two_who_begin_at_once_make_one_next_key() {
    let filled = Filled::new().await;
    let world = &filled.world;
    let registry = Registry::of(world, "here");
    let (one, other) = tokio::join!(
        registry.rotator.rotate(world.caller()),
        registry.rotator.rotate(world.caller()),
    );
    assert_eq!(one.unwrap().master_key, other.unwrap().master_key);
    registry.ends().await;
    assert_eq!(status(&world.env).await.unwrap().master_keys.len(), 2);
}

#[tokio::test]
async fn the_next_move_begins_although_the_file_of_the_last_one_was_not_put_into_its_place() {
    let filled = Filled::new().await;
    let world = &filled.world;
    let registry = Registry::of(world, "here");
    let file = registry.folder.join("master.key.next");
    std::fs::write(file, next_key().to_text().expose()).unwrap();
    filled.begin().await;
    walk_to_the_end(&world.env).await;
    registry.rotator.rotate(world.caller()).await.unwrap();
    assert!(registry.key("master.key").unwrap() == next_key());
    registry.ends().await;
    assert_eq!(status(&world.env).await.unwrap().master_keys.len(), 3);
}

#[tokio::test]
async fn a_registry_that_was_silent_during_a_move_says_that_it_has_not_the_key() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let other = Environment {
        keys: Arc::new(Keys::derive(&master_key())),
        ..env.clone()
    };
    filled.begin().await;
    let presence = Presence::new(&other, "there".to_owned()).unwrap();
    let refused = presence.announce(&other).await.unwrap_err().to_string();
    assert!(refused.contains("was not given"), "{refused}");
}

#[tokio::test]
async fn a_move_begins_once_every_registry_has_the_key_and_each_puts_its_own_file_into_place() {
    let one = World::postgres().await;
    let two = one.beside(2).await;
    let (a, b) = (Registry::of(&one, "a"), Registry::of(&two, "b"));
    for registry in [&a, &b] {
        registry.rotator.resume().await.unwrap();
    }
    let issued = one.credential("a", NewSecret::GeneratedApiKey).await;
    let refused = a.rotator.rotate(one.caller()).await.unwrap_err();
    assert!(
        refused.to_string().contains("registries at b do not"),
        "{refused}"
    );
    assert_eq!(status(&two.env).await.unwrap().rotation, None);
    let unchanged = status(&two.env).await.unwrap().master_keys;
    assert_eq!(unchanged.len(), 1);

    // A copy that is not complete is read again, and whoever has it goes on counting as running.
    let (from, to) = (
        a.folder.join("master.key.next"),
        b.folder.join("master.key.next"),
    );
    std::fs::write(&to, "AAAA").unwrap();
    b.rotator.look().await.unwrap_err();
    assert_eq!(names(&one.env).await, ["a", "b"]);
    std::fs::copy(&from, &to).unwrap();
    b.rotator.look().await.unwrap();
    a.rotator.rotate(one.caller()).await.unwrap();
    a.ends().await;
    for registry in [&a, &b] {
        registry.rotator.look().await.unwrap();
        let id = status(&registry.env).await.unwrap().master_key;
        assert_eq!(registry.key("master.key").unwrap().sealer().id(), id);
        assert!(registry.key("master.key.next").is_none());
    }
    two.rotate_now(issued.detail.credential.id).await;
    one.credential("b", NewSecret::GeneratedApiKey).await;
    let report = audit::verify::verify(&*two.store, &two.env.keys, &[], two.env.now(), |_| ());
    let report = report.await.unwrap();
    assert!(report.findings.is_empty(), "{report:?}");
}

#[tokio::test]
async fn what_one_registry_began_and_left_another_goes_on_with() {
    let one = World::postgres().await;
    let two = one.beside(2).await;
    let b = Registry::of(&two, "b");
    for number in 0..4 {
        one.credential(&format!("c{number}"), NewSecret::GeneratedApiKey)
            .await;
    }
    let next = one.env.keys.learn(&next_key());
    two.env.keys.learn(&next_key());
    begin(&one.env, one.caller(), next).await.unwrap();
    Walk::default().step(&one.env).await.unwrap();
    one.close().await;
    b.rotator.look().await.unwrap();
    b.ends().await;
    let mut read = b.env.store.read().await.unwrap();
    for column in COLUMNS {
        let left = read
            .sealed_elsewhere(column, next, "", 1_000)
            .await
            .unwrap();
        assert!(left.is_empty(), "{column}");
    }
}
