use super::*;
use crate::{
    credential::{self, Verdict, verify},
    error::Error,
    secret::Material,
    testing::{World, secret},
};

const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
const SHA_1: &str = "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=";
const APR1: &str = "$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a.";
/// What each of them was made of.
const PASSWORD: &str = "correct horse battery";

fn key(name: &str, value: &str) -> Import {
    let value = ImportedValue::Plain(secret(value));
    line(name, ImportedSecret::ApiKey(value))
}

fn user(name: &str, hash: &str) -> Import {
    let password = ImportedPassword::Hashed(PhcString::from_elsewhere(hash.to_owned()).unwrap());
    let username = name.to_owned();
    line(name, ImportedSecret::Password { username, password })
}

fn line(name: &str, secret: ImportedSecret) -> Import {
    Import {
        application: "billing".to_owned(),
        create_application: true,
        name: name.to_owned(),
        secret,
        identifier: None,
        description: None,
        labels: None,
        scopes: None,
        enabled: None,
        not_before: None,
        expires_at: None,
    }
}

async fn run(world: &World, imports: Vec<Import>) -> Vec<Result<Imported, Error>> {
    import(&world.env, world.caller(), imports).await.unwrap()
}

async fn one(world: &World, import: Import) -> Result<Imported, Error> {
    run(world, vec![import]).await.remove(0)
}

async fn created(world: &World, import: Import) -> CredentialId {
    match one(world, import).await {
        Ok(Imported::Created(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn conflicts<T: std::fmt::Debug>(outcome: &Result<T, Error>, field: &str) {
    match outcome {
        Err(Error::Conflict(conflict)) => assert_eq!(conflict.field(), Some(field), "{conflict}"),
        other => panic!("{other:?}"),
    }
}

async fn proves(world: &World, username: &str, password: &str) -> bool {
    let group = world.default_group().await;
    let verdict = verify(&world.env, group, username, secret(password)).await;
    matches!(verdict.unwrap(), Verdict::Verified { .. })
}

async fn hash_of(world: &World, id: CredentialId) -> String {
    let mut read = world.env.store.read().await.unwrap();
    let kept = read.unrevoked_secrets(id).await.unwrap().remove(0);
    match kept.material(&world.env.keys).unwrap() {
        Material::Password(hashed) => hashed.phc.expose().to_owned(),
        Material::Value(_) => panic!("not a password"),
    }
}

#[tokio::test]
async fn one_that_fails_takes_no_others_with_it() {
    let world = World::new().await;
    let outcomes = run(
        &world,
        vec![
            key("a", "an-own-key-of-some-length"),
            key("b", "too short"),
            key("c", "an-own-key-of-some-length"),
            Import {
                application: "unknown".to_owned(),
                create_application: false,
                ..key("d", "another-key-of-some-length")
            },
            key("e", "a-third-key-of-some-length"),
        ],
    )
    .await;
    assert!(matches!(outcomes[0], Ok(Imported::Created(_))));
    assert!(matches!(&outcomes[1], Err(Error::Invalid(invalid)) if invalid.field == "value"));
    conflicts(&outcomes[2], "value");
    assert!(matches!(
        outcomes[3],
        Err(Error::NotFound(Kind::Application))
    ));
    assert!(matches!(outcomes[4], Ok(Imported::Created(_))));
}

#[tokio::test]
async fn one_that_fails_leaves_no_application_behind() {
    let world = World::new().await;
    world.application("other").await;
    created(&world, key("a", "an-own-key-of-some-length")).await;
    let elsewhere = Import {
        application: "new".to_owned(),
        ..key("a", "an-own-key-of-some-length")
    };
    conflicts(&one(&world, elsewhere).await, "value");
    let mut read = world.env.store.read().await.unwrap();
    assert_eq!(read.application_named("new").await.unwrap(), None);
}

#[tokio::test]
async fn to_import_again_changes_nothing() {
    let world = World::new().await;
    let import = || Import {
        description: Some("from the old gateway".to_owned()),
        ..key("a", "an-own-key-of-some-length")
    };
    let id = created(&world, import()).await;
    let before = world.env.store.revision();
    assert_eq!(
        one(&world, import()).await.unwrap(),
        Imported::Unchanged(id)
    );
    // What a line does not state may have been changed since.
    let shorter = key("a", "an-own-key-of-some-length");
    assert_eq!(one(&world, shorter).await.unwrap(), Imported::Unchanged(id));
    assert_eq!(world.env.store.revision(), before);
    let by_hash = ImportedValue::Hashed(SecretHash::of_value(b"an-own-key-of-some-length"));
    let by_hash = line("a", ImportedSecret::ApiKey(by_hash));
    assert_eq!(one(&world, by_hash).await.unwrap(), Imported::Unchanged(id));
}

#[tokio::test]
async fn what_exists_otherwise_is_a_conflict_that_says_how() {
    let world = World::new().await;
    let id = created(&world, key("a", "an-own-key-of-some-length")).await;
    let other = one(&world, key("a", "another-key-of-some-length")).await;
    conflicts(&other, "name");
    let disabled = Import {
        enabled: Some(false),
        ..key("a", "an-own-key-of-some-length")
    };
    conflicts(&one(&world, disabled).await, "enabled");
    world.rotate_now(id).await;
    let since = one(&world, key("a", "an-own-key-of-some-length")).await;
    conflicts(&since, "name");
    world.delete_credential(id).await;
    let revoked = one(&world, key("a", "an-own-key-of-some-length")).await;
    conflicts(&revoked, "value");
}

#[tokio::test]
async fn a_bearer_token_is_imported_with_its_end() {
    let world = World::new().await;
    let token = || {
        let value = ImportedValue::Plain(secret("a-token-of-the-old-gateway"));
        line("t", ImportedSecret::BearerToken(value))
    };
    let without = one(&world, token()).await;
    assert!(matches!(without, Err(Error::Invalid(invalid)) if invalid.field == "expires_at"));
    let end = world.env.now().after(crate::testing::HOUR);
    let with = || Import {
        expires_at: Some(end),
        ..token()
    };
    let id = created(&world, with()).await;
    world.clock.advance(2 * crate::testing::HOUR);
    assert_eq!(
        one(&world, with()).await.unwrap(),
        Imported::Unchanged(id),
        "also when its time is over"
    );
}

#[tokio::test]
async fn a_foreign_hash_is_made_anew_when_its_password_is_first_proven() {
    let world = World::new().await;
    for (name, hash) in [("ann", BCRYPT), ("bob", SHA_1), ("cid", APR1)] {
        let id = created(&world, user(name, hash)).await;
        assert!(!proves(&world, name, "correct horse batterz").await);
        assert_eq!(
            hash_of(&world, id).await,
            hash,
            "{name}: nothing was proven"
        );
        assert!(proves(&world, name, PASSWORD).await, "{name}");
        let anew = hash_of(&world, id).await;
        assert!(anew.starts_with("$argon2id$"), "{name}: {anew}");
        assert!(proves(&world, name, PASSWORD).await, "{name}");
        assert!(!proves(&world, name, "correct horse batterz").await);
        // Also then it is the same as in the file.
        let again = one(&world, user(name, hash)).await.unwrap();
        assert_eq!(again, Imported::Unchanged(id));
    }
}

#[tokio::test]
async fn a_password_that_was_imported_as_a_hash_and_proven_never_works_again_once_revoked() {
    let world = World::new().await;
    let id = created(&world, user("ann", SHA_1)).await;
    assert!(proves(&world, "ann", PASSWORD).await);
    let chosen = |password: &str| credential::RotatedSecret::Chosen {
        username: None,
        password: secret(password),
    };
    let now = std::time::Duration::ZERO;
    world
        .rotate(id, now, chosen("another horse battery"))
        .await
        .unwrap();
    let back = world.rotate(id, now, chosen(PASSWORD)).await;
    conflicts(&back, "password");
    // The same password as another program's hash cannot be told from another, until it is proven.
    world.delete_credential(id).await;
    let disguised = Import {
        name: "disguised".to_owned(),
        ..user("ann", APR1)
    };
    created(&world, disguised).await;
    assert!(!proves(&world, "ann", PASSWORD).await);
}

#[tokio::test]
async fn what_gateways_find_another_by_is_refused_and_takes_no_others_with_it() {
    let world = World::new().await;
    let hashed = |name: &str, hash: SecretHash| {
        line(name, ImportedSecret::ApiKey(ImportedValue::Hashed(hash)))
    };
    created(&world, user("ann", SHA_1)).await;
    let outcomes = run(
        &world,
        vec![
            hashed("a", SecretHash::of_username(b"ann")),
            hashed("b", SecretHash::of_username(b"bob")),
            user("bob", SHA_1),
            key("c", "an-own-key-of-some-length"),
        ],
    )
    .await;
    conflicts(&outcomes[0], "value");
    assert!(matches!(outcomes[1], Ok(Imported::Created(_))));
    conflicts(&outcomes[2], "username");
    assert!(matches!(outcomes[3], Ok(Imported::Created(_))));
    let password = secret("correct horse battery");
    let new = credential::NewSecret::ChosenPassword {
        username: "bob".to_owned(),
        password,
    };
    let application = world.application("other").await;
    let created = world
        .issue(World::new_credential(application, "bob", new))
        .await;
    conflicts(&created, "username");
}

#[tokio::test]
async fn a_password_that_bcrypt_cuts_stays_with_bcrypt() {
    let world = World::new().await;
    let long = "x".repeat(80);
    // Of 72 times `x`, by crypt(3).
    let hash = "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    let id = created(&world, user("ann", hash)).await;
    assert!(proves(&world, "ann", &long).await);
    assert!(proves(&world, "ann", &long[..72]).await);
    assert_eq!(hash_of(&world, id).await, hash);
}

#[tokio::test]
async fn a_user_name_in_use_is_refused_and_one_application_keeps_its_own() {
    let world = World::new().await;
    created(&world, user("ann", BCRYPT)).await;
    let other = Import {
        name: "other".to_owned(),
        ..user("ann", SHA_1)
    };
    conflicts(&one(&world, other).await, "username");
}

#[tokio::test]
async fn an_application_is_created_with_the_scopes_of_its_first_line() {
    let world = World::new().await;
    let with = |name: &str, scope: &str| Import {
        scopes: Some(vec![scope.to_owned()]),
        ..key(name, &format!("own-key-of-some-length-{name}"))
    };
    let id = created(&world, with("a", "orders:read")).await;
    let detail = credential::get(&world.env, world.caller(), id)
        .await
        .unwrap();
    assert_eq!(
        detail.credential.scopes.iter().collect::<Vec<_>>(),
        ["orders:read"]
    );
    let beyond = one(&world, with("b", "orders:write")).await;
    assert!(matches!(beyond, Err(Error::Invalid(invalid)) if invalid.field == "scopes"));
}

#[tokio::test]
async fn a_line_beyond_the_limit_on_credentials_leaves_no_application_behind() {
    let mut world = World::new().await;
    world.env.quotas.credentials = Some(1);
    let other = Import {
        application: "shipping".to_owned(),
        ..key("two", "own-key-of-some-length-2")
    };
    let told = run(&world, vec![key("one", "own-key-of-some-length-1"), other]).await;
    assert!(told[0].is_ok(), "{told:?}");
    assert!(
        matches!(
            told[1],
            Err(Error::Conflict(crate::error::Conflict::LimitReached { .. }))
        ),
        "{told:?}"
    );
    let mut read = world.env.store.read().await.unwrap();
    assert_eq!(read.application_named("shipping").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_that_another_organization_has_is_taken_and_not_missing() {
    let world = World::new().await;
    created(&world, key("one", "own-key-of-some-length-1")).await;
    let other = crate::organization::NewOrganization {
        name: "other".to_owned(),
        ..Default::default()
    };
    let other = crate::organization::create(&world.env, world.caller(), other);
    let caller = world.caller().acting_in(other.await.unwrap().id);
    let line = key("two", "own-key-of-some-length-2");
    let found_only = Import {
        create_application: false,
        ..line.clone()
    };
    let told = import(&world.env, caller, vec![line, found_only]);
    let told = told.await.unwrap();
    conflicts(&told[0], "name");
    assert!(matches!(told[1], Err(Error::NotFound(_))), "{told:?}");
}
