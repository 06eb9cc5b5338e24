//! A standby that is promoted behind its primary: what was committed last is gone, and its revisions are used again.

use std::{str::FromStr as _, time::Duration};

use private_postgres::Server;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, postgres::PgConnectOptions};

use crate::{credential::NewSecret, journal, store::Store as _, testing::World};

/// The registry with its database on this server.
async fn on(server: &Server) -> World {
    World::on_server(&server.url("postgres")).await
}

async fn ask(server: &Server, query: &'static str) -> String {
    let options = PgConnectOptions::from_str(&server.url("postgres")).unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let row = connection.fetch_one(query).await.unwrap();
    let answer = row.get(0);
    connection.close().await.unwrap();
    answer
}

/// Asks until the answer is this one. There is no other way to hear of it.
async fn until(server: &Server, query: &'static str, wanted: &str) {
    for _ in 0..3_000 {
        if ask(server, query).await == wanted {
            return;
        }
        // Nothing depends on how long this is.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{query} never answers {wanted}");
}

#[tokio::test]
async fn a_standby_that_is_promoted_behind_its_primary_is_noticed_and_brings_nothing_revoked_back()
{
    let mut primary = Server::start();
    let world = on(&primary).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal");
    let keep = async |world: &World| {
        let journal = journal::open(&world.env, &file).await.unwrap();
        world.store.keep_journal(journal);
    };
    keep(&world).await;
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let revoked = world
        .credential("revoked", NewSecret::GeneratedApiKey)
        .await;
    let standby = primary.standby();
    until(&standby, "select count(*)::text from applications", "2").await;
    // From here on it hears of nothing.
    cut_off(&standby).await;
    until(
        &standby,
        "select count(*)::text from pg_stat_wal_receiver",
        "0",
    )
    .await;

    world.delete_credential(revoked.detail.credential.id).await;
    let lost = world.credential("lost", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    let head = world.env.store.read().await.unwrap().head().await.unwrap();
    world.env.store.close().await;
    drop(world);
    primary.stop();
    assert_eq!(
        ask(&standby, "select pg_promote(true, 60)::text").await,
        "true"
    );

    let world = on(&standby).await;
    let behind = world.env.store.read().await.unwrap().head().await.unwrap();
    assert!(behind.revision < head.revision, "it lags behind");
    keep(&world).await;
    // As many changes as were lost, and more.
    for name in ["a", "b"] {
        world.credential(name, NewSecret::GeneratedApiKey).await;
    }
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
    let knows = |issued: &crate::credential::Issued| {
        let value = issued.secret.clone().unwrap();
        gateway.by_value(&value).is_some()
    };
    assert!(knows(&kept));
    assert!(!knows(&revoked), "as the journal says");
    assert!(!knows(&lost), "nobody knows of it any more");
    world.env.store.close().await;
}

/// Where a registry finds its server, whichever that is at the moment.
struct Door(tempfile::TempDir);

impl Door {
    fn to(server: &Server) -> Self {
        let door = Self(tempfile::tempdir().unwrap());
        door.leads_to(server);
        door
    }

    fn leads_to(&self, server: &Server) {
        let path = self.0.path().join("d");
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(server.folder(), path).unwrap();
    }

    fn url(&self) -> String {
        let path = self.0.path().join("d");
        format!(
            "postgres://keysmith@localhost/postgres?host={}",
            path.display()
        )
    }
}

#[tokio::test]
async fn a_registry_that_runs_while_a_standby_takes_over_behind_forgets_what_it_had_read() {
    let mut primary = Server::start();
    let door = Door::to(&primary);
    let world = World::on_server(&door.url()).await;
    let file = world.home.path().join("journal");
    let journal = journal::open(&world.env, &file).await.unwrap();
    world.store.keep_journal(journal);
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let revoked = world
        .credential("revoked", NewSecret::GeneratedApiKey)
        .await;
    let standby = primary.standby();
    until(&standby, "select count(*)::text from applications", "2").await;
    cut_off(&standby).await;
    let receivers = "select count(*)::text from pg_stat_wal_receiver";
    until(&standby, receivers, "0").await;
    world.delete_credential(revoked.detail.credential.id).await;
    let lost = world.credential("lost", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    let head = world.store.revision();
    let mut waiting = world.store.watch(world.default_group().await);
    let mut generation = world.store.generation();
    waiting.borrow_and_update();
    generation.borrow_and_update();

    primary.stop();
    let promoted = ask(&standby, "select pg_promote(true, 60)::text").await;
    assert_eq!(promoted, "true");
    door.leads_to(&standby);
    let patience = Duration::from_mins(1);
    let begun = tokio::time::timeout(patience, generation.changed()).await;
    begun.expect("it is noticed").unwrap();
    assert!(waiting.has_changed().unwrap(), "whoever waits looks again");
    let behind = world.store.revision();
    assert!(behind < head, "it lags behind: {behind} and {head}");
    journal::agree_again(&world.env, &file).await.unwrap();
    // As many changes as were lost, and more.
    for name in ["a", "b", "c"] {
        world.credential(name, NewSecret::GeneratedApiKey).await;
    }
    assert!(world.store.revision() > head);
    gateway.catch_up(&world.feed).await;
    let new = world.gateway().await;
    assert_eq!(gateway.known(), new.known());
    let knows = |issued: &crate::credential::Issued| {
        let value = issued.secret.clone().unwrap();
        new.by_value(&value).is_some()
    };
    assert!(knows(&kept));
    assert!(!knows(&revoked), "as the journal says");
    assert!(!knows(&lost), "nobody knows of it any more");
    world.env.store.close().await;
}

async fn cut_off(standby: &Server) {
    let options = PgConnectOptions::from_str(&standby.url("postgres")).unwrap();
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    for statement in [
        "alter system set primary_conninfo = ''",
        "select pg_reload_conf()",
    ] {
        connection.execute(statement).await.unwrap();
    }
    connection.close().await.unwrap();
}
