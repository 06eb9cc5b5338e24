use std::{sync::Arc, time::Duration};

use super::{
    rotation::begin,
    walk::{BATCH, Step, Walk},
    *,
};
use crate::{
    audit::{self, AuditQuery},
    credential::{self, NewSecret, SecretType},
    entropy::SeededEntropy,
    error::Conflict,
    gateway::{self, Mode},
    ids::CredentialId,
    sealing::{COLUMNS, Place},
    secrets::{Keys, MasterKey},
    shutdown,
    store::{OpenError, conformance::providers},
    testing::{World, client::Client, home::Home, master_key, secret},
    token::{self, NewRole, NewToken},
};

mod data;
mod registries;
mod walk;

fn next_key() -> MasterKey {
    MasterKey::generate(&SeededEntropy::new(7)).unwrap()
}

/// Holds both keys, with something in every column that is sealed.
struct Filled {
    world: World,
    shown: CredentialId,
    token: String,
}

impl Filled {
    async fn new() -> Self {
        let mut world = World::new().await;
        world.env.policy.retrievable_allowed = true;
        for name in ["a", "b", "c", "d"] {
            world.credential(name, NewSecret::GeneratedApiKey).await;
        }
        let application = world.application("shown").await;
        let mut new = World::new_credential(application, "key", NewSecret::GeneratedApiKey);
        new.secret_type = SecretType::Retrievable;
        let shown = world.issue(new).await.unwrap().detail.credential.id;
        let own = NewSecret::OwnApiKey(secret("an-own-key-of-some-length"));
        world.credential("own", own).await;
        gateway::create_group(
            &world.env,
            world.caller(),
            "edge".to_owned(),
            Mode::Automatic,
        )
        .await
        .unwrap();
        providers::fill(&world).await;
        // With it comes a key that signs.
        Client::new(&world, "requester").await.token(&world).await;
        let token = admin_token(&world.env, &world).await;
        Self {
            world,
            shown,
            token,
        }
    }

    async fn begin(&self) -> KeyId {
        let next = self.world.env.keys.learn(&next_key());
        begin(&self.world.env, self.world.caller(), next)
            .await
            .unwrap();
        next
    }

    /// The same database, opened anew with these keys.
    async fn reopen(&self, keys: &[MasterKey]) -> Result<Environment, OpenError> {
        reopen(&self.world.home, &self.world.env, keys).await
    }

    /// What was there before is there, and what is refused is refused still.
    async fn check(&self, env: &Environment) {
        let caller = self.world.caller();
        let revealed = credential::reveal(env, caller, self.shown).await.unwrap();
        assert!(!revealed.is_empty());
        let identity = token::authenticate(env, &self.token, None).await.unwrap();
        assert!(identity.is_some(), "the token is known");
        let again = NewSecret::OwnApiKey(secret("an-own-key-of-some-length"));
        let application = named(env, "own").await;
        let new = World::new_credential(application, "again", again);
        let refused = credential::create(env, caller, new, None).await;
        assert!(
            matches!(refused, Err(Error::Conflict(Conflict::Value))),
            "the value is known"
        );
        let issued = World::new_credential(
            application,
            &format!("new-{}", env.store.revision()),
            NewSecret::GeneratedApiKey,
        );
        credential::create(env, caller, issued, None).await.unwrap();
    }
}

async fn named(env: &Environment, name: &str) -> crate::ids::ApplicationId {
    let mut read = env.store.read().await.unwrap();
    read.application_named(name).await.unwrap().unwrap()
}

async fn admin_token(env: &Environment, world: &World) -> String {
    let new = NewToken {
        role: NewRole::PortalAdmin,
        description: String::new(),
        expires_at: None,
    };
    let (_, text) = token::create(env, world.caller(), new, None).await.unwrap();
    text.expose().to_owned()
}

async fn reopen(
    home: &Home,
    env: &Environment,
    keys: &[MasterKey],
) -> Result<Environment, OpenError> {
    let (first, others) = keys.split_first().unwrap();
    let held = Keys::derive(first);
    for other in others {
        held.learn(other);
    }
    let store = home.open(&held, env.now(), &SeededEntropy::new(9)).await?;
    Ok(Environment {
        store: Arc::new(store),
        keys: Arc::new(held),
        ..env.clone()
    })
}

fn rotator(env: &Environment, source: KeySource, shutdown: shutdown::Shutdown) -> MasterRotator {
    let presence = Presence::new(env, "here".to_owned()).unwrap();
    MasterRotator::new(env.clone(), source, presence, shutdown)
}

async fn walk_to_the_end(env: &Environment) {
    let mut walk = Walk::default();
    while walk.step(env).await.unwrap() == Step::Going {}
    assert_eq!(status(env).await.unwrap().rotation, None);
}

/// How many values are not sealed under the key.
async fn left_elsewhere(env: &Environment, key: KeyId) -> usize {
    let mut read = env.store.read().await.unwrap();
    let mut left = 0;
    for column in COLUMNS {
        assert_ne!(read.count_sealed(column).await.unwrap(), 0, "{column}");
        let found = read.sealed_elsewhere(column, key, "", 1_000).await.unwrap();
        left += found.len();
    }
    left
}

#[tokio::test]
async fn everything_is_under_the_next_key_and_the_old_one_opens_nothing() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let before = status(env).await.unwrap().master_key;
    assert_eq!(left_elsewhere(env, before).await, 0);
    let next = filled.begin().await;
    assert_ne!(left_elsewhere(env, next).await, 0);
    walk_to_the_end(env).await;
    assert_eq!(left_elsewhere(env, next).await, 0);
    filled.check(env).await;

    let old = filled.reopen(&[master_key()]).await;
    assert!(matches!(old, Err(OpenError::WrongMasterKey)));
    filled
        .check(&filled.reopen(&[next_key()]).await.unwrap())
        .await;
    let both = filled.reopen(&[master_key(), next_key()]).await;
    filled.check(&both.unwrap()).await;

    // Not with the id that it names either.
    let old = master_key().sealer();
    let mut read = env.store.read().await.unwrap();
    for column in COLUMNS {
        for value in read
            .sealed_elsewhere(column, before, "", 1_000)
            .await
            .unwrap()
        {
            let row = &value.row;
            assert!(old.open(Place { column, row }, &value.sealed).is_err());
        }
    }
}

#[tokio::test]
async fn whoever_ends_at_any_step_goes_on_at_the_next_start() {
    let mut steps = 0;
    loop {
        let filled = Filled::new().await;
        let next = filled.begin().await;
        let mut walk = Walk::default();
        let mut last = Step::Going;
        for _ in 0..steps {
            last = walk.step(&filled.world.env).await.unwrap();
        }
        filled.check(&filled.world.env).await;
        if last == Step::Finished {
            break;
        }
        let old_alone = filled.reopen(&[master_key()]).await;
        assert!(
            matches!(old_alone, Err(OpenError::NextMasterKeyMissing { .. })),
            "after {steps} steps"
        );
        let new_alone = filled.reopen(&[next_key()]).await;
        assert!(
            matches!(new_alone, Err(OpenError::OldMasterKeyMissing { .. })),
            "after {steps} steps"
        );
        let stranger = MasterKey::generate(&SeededEntropy::new(8)).unwrap();
        let wrong = filled.reopen(&[stranger]).await;
        assert!(matches!(wrong, Err(OpenError::WrongMasterKey)));
        // In either order.
        let mut keys = [master_key(), next_key()];
        keys.rotate_left(steps % 2);
        let env = filled.reopen(&keys).await.unwrap();
        filled.check(&env).await;
        walk_to_the_end(&env).await;
        assert_eq!(left_elsewhere(&env, next).await, 0, "after {steps} steps");
        filled
            .check(&filled.reopen(&[next_key()]).await.unwrap())
            .await;
        steps += 1;
    }
    assert!(steps > 2 * COLUMNS.len(), "a step was interrupted in each");
}

#[tokio::test]
async fn what_is_written_meanwhile_is_under_the_next_key_at_once() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let next = filled.begin().await;
    let left = left_elsewhere(env, next).await;
    filled.check(env).await;
    filled
        .world
        .credential("later", NewSecret::GeneratedApiKey)
        .await;
    assert_eq!(left_elsewhere(env, next).await, left);
    let rotation = status(env).await.unwrap().rotation.unwrap();
    assert_eq!((rotation.to, rotation.done), (next, 0));
    // The key of the audit log is another one already.
    assert_eq!(rotation.total, u64::try_from(left).unwrap());
    Walk::default().step(env).await.unwrap();
    let rotation = status(env).await.unwrap().rotation.unwrap();
    assert_eq!(rotation.done, u64::try_from(BATCH).unwrap());
}

#[tokio::test]
async fn a_key_that_was_used_is_no_next_one() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let first = status(env).await.unwrap().master_key;
    let refused = begin(env, filled.world.caller(), first).await.unwrap_err();
    assert!(refused.to_string().contains("is or was"), "{refused}");
    let next = filled.begin().await;
    walk_to_the_end(env).await;
    let refused = begin(env, filled.world.caller(), first).await.unwrap_err();
    assert!(refused.to_string().contains("is or was"), "{refused}");
    let known = status(env).await.unwrap().master_keys;
    assert_eq!(known.len(), 2);
    let left = known.iter().filter(|key| key.until.is_some());
    assert_eq!(left.map(|key| key.id).collect::<Vec<_>>(), [first]);
    assert!(known.iter().any(|key| key.id == next));
}

#[tokio::test]
async fn a_registry_without_the_next_key_keeps_it_from_beginning() {
    let filled = Filled::new().await;
    let env = &filled.world.env;
    let other = Environment {
        keys: Arc::new(Keys::derive(&master_key())),
        ..env.clone()
    };
    let presence = Presence::new(&other, "10.0.0.2:8080".to_owned()).unwrap();
    presence.announce(&other).await.unwrap();
    let next = env.keys.learn(&next_key());
    let refused = begin(env, filled.world.caller(), next).await.unwrap_err();
    assert!(refused.to_string().contains("10.0.0.2:8080"), "{refused}");
    assert_eq!(status(env).await.unwrap().rotation, None);
    other.keys.learn(&next_key());
    presence.announce(&other).await.unwrap();
    begin(env, filled.world.caller(), next).await.unwrap();

    // One that is gone, or has fallen silent, is asked no more.
    presence.leave(&other).await.unwrap();
    let mut read = env.store.read().await.unwrap();
    let since = env.now().before(Duration::from_hours(1));
    assert!(read.registries(since).await.unwrap().is_empty());
}

/// Makes credentials, replaces their secrets and shows tokens until told to stop; answers how often.
async fn work(filled: Arc<Filled>, name: usize, done: shutdown::Shutdown) -> usize {
    let env = &filled.world.env;
    let mut rounds = 0;
    while !done.announced() {
        let name = format!("worker-{name}-{rounds}");
        let issued = filled
            .world
            .credential(&name, NewSecret::GeneratedApiKey)
            .await;
        filled.world.rotate_now(issued.detail.credential.id).await;
        let revealed = credential::reveal(env, filled.world.caller(), filled.shown).await;
        assert!(revealed.is_ok(), "{revealed:?}");
        let identity = token::authenticate(env, &filled.token, None).await.unwrap();
        assert!(identity.is_some());
        rounds += 1;
    }
    rounds
}

#[tokio::test]
async fn nothing_is_refused_while_the_key_is_replaced_twice() {
    let filled = Arc::new(Filled::new().await);
    let env = filled.world.env.clone();
    let folder = filled.world.home.path().to_owned();
    let text = master_key().to_text();
    std::fs::write(folder.join("master.key"), text.expose()).unwrap();
    let (announcer, done) = shutdown::channel();
    let workers: Vec<_> = (0..3)
        .map(|name| tokio::spawn(work(Arc::clone(&filled), name, done.clone())))
        .collect();
    let source = KeySource::Directory(folder.clone());
    let (_running, shutdown) = shutdown::channel();
    let rotator = Arc::new(rotator(&env, source, shutdown));
    for _ in 0..2 {
        rotator.rotate(filled.world.caller()).await.unwrap();
        while folder.join("master.key.next").exists() {
            tokio::task::yield_now().await;
        }
    }
    announcer.announce();
    for worker in workers {
        assert_ne!(worker.await.unwrap(), 0, "it worked meanwhile");
    }
    let text = std::fs::read_to_string(folder.join("master.key")).unwrap();
    let last = MasterKey::parse(&text).unwrap();
    assert_eq!(left_elsewhere(&env, last.sealer().id()).await, 0);
    let kept = folder.join(format!("master.key.{}", master_key().sealer().id()));
    assert!(kept.exists(), "for backups from before");
    filled.check(&filled.reopen(&[last]).await.unwrap()).await;
    assert_eq!(status(&env).await.unwrap().master_keys.len(), 3);
}

#[tokio::test]
async fn without_a_next_key_nothing_begins() {
    let filled = Filled::new().await;
    let (_running, shutdown) = shutdown::channel();
    let source = KeySource::Configured(None);
    let rotator = rotator(&filled.world.env, source, shutdown);
    let refused = Arc::new(rotator).rotate(filled.world.caller()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("next_master_key_file"), "{refused}");
    assert_eq!(status(&filled.world.env).await.unwrap().rotation, None);
}
