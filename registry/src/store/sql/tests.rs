//! Claims about what a database keeps from one start to the next, and about the embedded one's file.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    credential::NewSecret,
    entropy::SeededEntropy,
    idempotency::{self, Begun, Receipt, Scope},
    ids::TokenId,
    secrets::MasterKey,
    testing::{DATABASE, HOUR, World, home::Home, secret},
    token::{self, NewRole, NewToken},
};

mod plans;
mod rendering;
mod replicas;
mod sealed;
mod silent;

async fn open(home: &Home, key: &MasterKey, seed: u64) -> Result<SqlStore, OpenError> {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let entropy = SeededEntropy::new(seed);
    home.open(&Keys::derive(key), now, &entropy).await
}

/// Everything that is kept: each table with its rows.
async fn everything(home: &Home) -> Vec<(String, Vec<Vec<Cell>>)> {
    let file = home.path().join(DATABASE);
    let location = home.url().map_or(Location::File(&file), Location::Server);
    let mut dump = Dump::begin(location).await.unwrap();
    let mut tables = Vec::new();
    for table in dump.tables.clone() {
        let mut rows = Vec::new();
        let each = |row| {
            rows.push(row);
            Ok::<_, StoreError>(())
        };
        dump.rows(&table, each).await.unwrap();
        tables.push((table.name, rows));
    }
    tables
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_changes_nothing() {
    let world = World::new().await;
    world.credential("a", NewSecret::GeneratedApiKey).await;
    let home = world.close().await;
    let file = home.path().join(DATABASE);
    let before = (everything(&home).await, std::fs::read(&file).ok());
    assert!(before.0.iter().any(|(_, rows)| !rows.is_empty()));
    let wrong = MasterKey::generate(&SeededEntropy::new(5)).unwrap();
    let refused = open(&home, &wrong, 2).await;
    assert!(matches!(refused, Err(OpenError::WrongMasterKey)));
    let after = (everything(&home).await, std::fs::read(&file).ok());
    assert!(after == before);
    let right = crate::testing::master_key();
    open(&home, &right, 2).await.unwrap();
}

#[tokio::test]
async fn the_log_goes_on_after_a_restart() {
    let world = World::new().await;
    world.credential("a", NewSecret::GeneratedApiKey).await;
    let mut gateway = world.gateway().await;
    let folder = world.close().await;
    let world = World::open(folder, 2).await;
    world.credential("b", NewSecret::GeneratedApiKey).await;
    gateway.catch_up(&world.feed).await;
    assert_eq!(gateway.known(), world.gateway().await.known());
    let beginnings = gateway.pages.iter().filter(
        |page| matches!(&page.body, filter_core::feed::Body::Snapshot(one) if one.begins.is_some()),
    );
    assert_eq!(beginnings.count(), 1, "no snapshot was needed");
}

#[tokio::test]
async fn a_dump_of_the_database_holds_no_secret_and_no_hash_of_one() {
    let mut world = World::sqlite().await;
    world.env.policy.retrievable_allowed = true;
    let mut secrets = Vec::new();
    let application = world.application("pair").await;
    let pair = crate::credential::NewCredential {
        secret_type: crate::credential::SecretType::Retrievable,
        is_paired: true,
        ..World::new_credential(application, "pair", NewSecret::GeneratedApiKey)
    };
    let pair = world.issue(pair).await.unwrap();
    secrets.extend([pair.secret.unwrap(), pair.shared_secret.unwrap()]);
    for (name, kind) in [
        ("a", NewSecret::GeneratedApiKey),
        ("b", NewSecret::BearerToken),
    ] {
        secrets.push(world.credential(name, kind).await.secret.unwrap());
    }
    let own = "an-own-key-of-20-char";
    let issued = world
        .credential("c", NewSecret::OwnApiKey(secret(own)))
        .await;
    world.rotate_now(issued.detail.credential.id).await;
    let password = secret("correct horse battery");
    let chosen = NewSecret::ChosenPassword {
        username: "bob".to_owned(),
        password: password.clone(),
    };
    world.credential("d", chosen).await;
    let new = NewToken {
        role: NewRole::PortalAdmin,
        description: String::new(),
        expires_at: None,
    };
    let scope = Scope {
        token: TokenId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap(),
        route: "POST /",
        key: "an-idempotency-key",
    };
    let Begun::New(ticket) = idempotency::begin(&world.env, scope, b"the body of it")
        .await
        .unwrap()
    else {
        panic!("it is new");
    };
    let receipt = Receipt::new(ticket, |_| Ok(b"the answer to it".to_vec()));
    let made = token::create(&world.env, world.caller(), new, Some(receipt)).await;
    let (_, text) = made.unwrap();

    secrets.extend([
        secret(own),
        password,
        text,
        secret("an-idempotency-key"),
        secret("the answer to it"),
    ]);
    let folder = world.close().await;
    let dump = std::fs::read(folder.path().join(DATABASE)).unwrap();
    let holds = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"bob"), "the dump is readable");
    for one in &secrets {
        let bytes = one.expose().as_bytes();
        assert!(!holds(bytes));
        let hash = filter_core::digest::SecretHash::of_value(bytes);
        assert!(!holds(hash.expose()));
        let base64 = STANDARD.encode(hash.expose());
        assert!(!holds(base64.as_bytes()));
    }
    assert!(!holds(b"$argon2id"));
    let body = filter_core::digest::SecretHash::of_value(b"the body of it");
    assert!(!holds(body.expose()));
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let world = World::new().await;
    let bob = NewSecret::GeneratedPassword {
        username: "bob".to_owned(),
    };
    let issued = world.credential("a", bob).await;
    let id = issued.detail.credential.id;
    let rotated = crate::credential::RotatedSecret::Generated { username: None };
    let detail = world.rotate(id, HOUR, rotated).await.unwrap().detail;
    let folder = world.close().await;
    let world = World::open(folder, 2).await;
    let read = crate::credential::get(&world.env, world.caller(), id)
        .await
        .unwrap();
    assert_eq!(read, detail);
}
