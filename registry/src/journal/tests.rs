use std::{fs, path::PathBuf};

use super::*;
use crate::{
    application::{self, ApplicationPatch},
    credential::{self, CredentialPatch, NewSecret},
    secret::SecretState,
    store::{Store as _, StoreError},
    testing::{HOUR, World, home::Kept},
    token::{self, NewRole, NewToken},
};

mod promoted;
mod switched;

use switched::{enable, enable_application};

fn path(world: &World) -> PathBuf {
    world.home.path().join("revocations.journal")
}

async fn keep(world: &World) {
    let journal = open(&world.env, &path(world)).await.unwrap();
    world.store.keep_journal(journal);
}

/// What the journal says, in order.
fn said(world: &World) -> Vec<Revocation> {
    let mut reader = Reader::open(&path(world), &world.env.keys)
        .unwrap()
        .unwrap();
    let mut all = Vec::new();
    while let Some(revocation) = reader.next().unwrap() {
        all.push(revocation);
    }
    all
}

fn is_secret(revocation: &Revocation) -> bool {
    matches!(revocation.what, Revoked::Secret(_))
}

async fn a_token(world: &World) -> TokenId {
    let new = NewToken {
        role: NewRole::PortalAdmin,
        description: String::new(),
        expires_at: None,
    };
    let (token, _) = token::create(&world.env, world.caller(), new, None)
        .await
        .unwrap();
    token.id
}

/// Closes the world and puts the database back that was kept.
async fn roll_back(world: World, kept: &Kept) -> World {
    let mut home = world.close().await;
    home.put_back(kept).await;
    World::open(home, 2).await
}

/// The database as it is now, while nobody writes.
async fn copy(world: World, seed: u64) -> (World, Kept) {
    let home = world.close().await;
    let copy = home.keep().await;
    (World::open(home, seed).await, copy)
}

#[tokio::test]
async fn what_is_revoked_is_in_the_journal_before_the_caller_is_told() {
    let world = World::new().await;
    keep(&world).await;
    let rotated = world.credential("a", NewSecret::GeneratedApiKey).await;
    assert_eq!(
        said(&world),
        [],
        "nothing is written where nothing is revoked"
    );
    world.rotate_now(rotated.detail.credential.id).await;
    assert!(matches!(said(&world)[..], [one] if is_secret(&one)));
    let deleted = world.credential("b", NewSecret::GeneratedApiKey).await;
    let id = deleted.detail.credential.id;
    world.delete_credential(id).await;
    let after = said(&world);
    assert!(is_secret(&after[1]));
    assert_eq!(after[2].what, Revoked::Credential(id));
    assert_eq!(after[2].revision, world.env.store.revision());
    assert_eq!(after[2].at, world.env.now());
    let token = a_token(&world).await;
    token::revoke(&world.env, world.caller(), None, token)
        .await
        .unwrap();
    assert_eq!(said(&world)[3].what, Revoked::Token(token));
}

#[tokio::test]
async fn a_deleted_application_is_one_line_whatever_it_had() {
    let world = World::new().await;
    keep(&world).await;
    let application = world.application("a").await;
    for name in ["k1", "k2", "k3"] {
        let new = World::new_credential(application, name, NewSecret::GeneratedApiKey);
        world.issue(new).await.unwrap();
    }
    application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    assert!(matches!(
        said(&world)[..],
        [Revocation { what: Revoked::Application(id), .. }] if id == application
    ));
}

#[tokio::test]
async fn what_an_older_database_brings_back_is_revoked_again() {
    let world = World::new().await;
    keep(&world).await;
    let rotated = world
        .credential("rotated", NewSecret::GeneratedApiKey)
        .await;
    let deleted = world
        .credential("deleted", NewSecret::GeneratedApiKey)
        .await;
    let kept = world.credential("kept", NewSecret::GeneratedApiKey).await;
    let with_application = world.credential("gone", NewSecret::GeneratedApiKey).await;
    let token = a_token(&world).await;
    let mut gateway = world.gateway().await;
    let (world, older) = copy(world, 3).await;
    keep(&world).await;
    let again = world.rotate_now(rotated.detail.credential.id).await;
    world.delete_credential(deleted.detail.credential.id).await;
    let application = with_application.detail.credential.application;
    application::delete(&world.env, world.caller(), application, None)
        .await
        .unwrap();
    token::revoke(&world.env, world.caller(), None, token)
        .await
        .unwrap();
    gateway.catch_up(&world.feed).await;

    let world = roll_back(world, &older).await;
    let fresh = world.gateway().await;
    let of = |issued: &crate::credential::Issued| issued.secret.clone().unwrap();
    assert!(
        fresh.by_value(&of(&rotated)).is_some(),
        "the database alone"
    );
    keep(&world).await;
    // The one that followed the newer database, and one that comes fresh, see the same.
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
    for issued in [&rotated, &deleted, &with_application] {
        assert!(gateway.by_value(&of(issued)).is_none());
    }
    assert!(gateway.by_value(&of(&again)).is_none(), "it is lost");
    assert!(gateway.by_value(&of(&kept)).is_some());
    let mut read = world.store.read().await.unwrap();
    assert!(read.is_revoked(&Revoked::Token(token)).await.unwrap());
    assert!(read.application(application).await.unwrap().is_none());
    let query = crate::audit::AuditQuery {
        limit: 10,
        ..Default::default()
    };
    let entries = read
        .audit_entries(world.organization, &query)
        .await
        .unwrap();
    let words: Vec<&str> = entries
        .iter()
        .map(|one| one.entry.action.as_str())
        .collect();
    assert_eq!(
        words[..4],
        [
            "token.revoked",
            "application.deleted",
            "credential.deleted",
            "secret.revoked_again"
        ],
        "in the journal's order"
    );
}

#[tokio::test]
async fn a_start_writes_what_a_crash_kept_from_the_journal() {
    let world = World::new().await;
    keep(&world).await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = one.detail.credential.id;
    world.rotate_now(id).await;
    let folder = world.close().await;
    let world = World::open(folder, 2).await;
    // Without a journal, as if the process had died right after each commit.
    world.rotate_now(id).await;
    let token = a_token(&world).await;
    token::revoke(&world.env, world.caller(), None, token)
        .await
        .unwrap();
    enable(&world, id, false).await;
    enable_application(&world, one.detail.credential.application, false).await;
    assert_eq!(said(&world).len(), 1);
    keep(&world).await;
    let written = said(&world);
    assert_eq!(written.len(), 5, "and nothing twice");
    for (line, what) in [
        (3, Switched::Credential(id)),
        (4, Switched::Application(one.detail.credential.application)),
    ] {
        let switch = Switch {
            what,
            enabled: false,
            count: 1,
        };
        assert_eq!(written[line].what, Revoked::Switched(switch));
    }
    assert!(is_secret(&written[1]));
    assert_eq!(written[2].what, Revoked::Token(token));
}

#[tokio::test]
async fn a_line_that_a_crash_cut_off_is_written_again() {
    let world = World::new().await;
    keep(&world).await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = one.detail.credential.id;
    world.rotate_now(id).await;
    world.rotate_now(id).await;
    let whole = fs::read(path(&world)).unwrap();
    let folder = world.close().await;
    let mut world = World::open(folder, 2).await;
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for cut in [last, last + 1, whole.len() - 1] {
        fs::write(path(&world), &whole[..cut]).unwrap();
        keep(&world).await;
        assert_eq!(said(&world).len(), 2, "cut at {cut}");
        let folder = world.close().await;
        world = World::open(folder, 3).await;
    }
    // What a file system makes of a write that the power kept from the disk.
    fs::write(path(&world), [&whole[..last], &[0; 5000]].concat()).unwrap();
    keep(&world).await;
    assert_eq!(said(&world).len(), 2);
    assert_eq!(fs::read(path(&world)).unwrap().len(), whole.len());
}

#[tokio::test]
async fn a_journal_that_was_altered_is_refused_and_the_line_named() {
    let world = World::new().await;
    keep(&world).await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    for _ in 0..3 {
        world.rotate_now(one.detail.credential.id).await;
    }
    let folder = world.close().await;
    let world = World::open(folder, 2).await;
    let whole = fs::read_to_string(path(&world)).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let removed = [&lines[..2], &lines[3..]].concat().concat();
    let swapped = [lines[0], lines[2], lines[1], lines[3]].concat();
    let changed = whole.replace("\"number\":2", "\"number\":3");
    let long = format!("{whole}{}", "x".repeat(5000));
    for (text, line) in [(removed, 3), (swapped, 2), (changed, 3), (long, 5)] {
        fs::write(path(&world), &text).unwrap();
        let refused = open(&world.env, &path(&world)).await.unwrap_err();
        assert!(
            matches!(refused, JournalError::Altered { line: found, .. } if found == line),
            "{refused} instead of line {line}"
        );
        assert_eq!(fs::read_to_string(path(&world)).unwrap(), text);
    }
}

#[tokio::test]
async fn two_registries_do_not_share_a_journal() {
    let world = World::new().await;
    keep(&world).await;
    let other = World::seeded(2).await;
    let refused = open(&other.env, &path(&world)).await;
    assert!(matches!(refused, Err(JournalError::InUse { .. })));
    let keys = (world.env.keys.clone(), path(&world));
    let folder = world.close().await;
    assert!(
        Reader::open(&keys.1, &keys.0).unwrap().is_some(),
        "it is there"
    );
    let world = World::open(folder, 3).await;
    keep(&world).await;
}

#[tokio::test]
async fn many_who_revoke_at_once_are_each_in_the_journal_when_they_are_told() {
    let world = World::new().await;
    keep(&world).await;
    let journal = open(&world.env, &world.home.path().join("other"))
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for revision in 0..200 {
        let journal = journal.clone();
        let what =
            Revoked::Token(TokenId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap());
        let at = world.env.now();
        tasks.spawn(async move {
            let revocation = Revocation { what, at, revision };
            journal.append(vec![revocation]).await.unwrap();
            what
        });
    }
    let told = tasks.join_all().await;
    let other = world.home.path().join("other");
    let mut reader = Reader::open(&other, &world.env.keys).unwrap().unwrap();
    let mut written = std::collections::HashSet::new();
    while let Some(revocation) = reader.next().unwrap() {
        assert!(written.insert(revocation.what));
    }
    assert!(told.iter().all(|what| written.contains(what)));
}

#[tokio::test]
async fn who_revokes_is_told_when_the_journal_takes_nothing() {
    let world = World::new().await;
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let appender = file::Appender::onto(full);
    let keys = world.env.keys.clone();
    let journal = Journal::new(appender, keys, &path(&world)).unwrap();
    world.store.keep_journal(std::sync::Arc::new(journal));
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    let id = one.detail.credential.id;
    let deleted = crate::credential::delete(
        &world.env,
        world.caller(),
        id,
        None,
        crate::credential::Deployed::Keep,
    );
    let told = deleted.await.unwrap_err();
    assert!(matches!(told, Error::Store(StoreError::NotJournaled)));
    let mut read = world.store.read().await.unwrap();
    assert!(read.credential(id).await.unwrap().is_none(), "it is done");
}

#[tokio::test]
async fn it_holds_no_secret_and_no_fingerprint() {
    let world = World::new().await;
    keep(&world).await;
    let one = world.credential("a", NewSecret::GeneratedApiKey).await;
    world.rotate_now(one.detail.credential.id).await;
    enable(&world, one.detail.credential.id, false).await;
    let text = fs::read_to_string(path(&world)).unwrap();
    for line in text.lines() {
        let (said, _) = line.rsplit_once(' ').unwrap();
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(said).unwrap();
        for name in object.keys() {
            let known = [
                "keysmith_journal",
                "journal",
                "began_at",
                "number",
                "at",
                "revision",
                "revoked",
                "switched",
                "enabled",
                "count",
                "turned",
                "until",
            ];
            assert!(known.contains(&name.as_str()), "{name}");
        }
    }
}
