use super::*;
use crate::{
    audit::{self, AuditQuery},
    credential::{self, CredentialDetail, NewSecret, RotatedSecret},
    testing::{HOUR, World, secret},
};

const GRACE: Policy = Policy::Grace(HOUR);

fn found(value: &str) -> Report {
    Report {
        value: secret(value),
        url: "https://git.example.com/leak".to_owned(),
        source: "scan".to_owned(),
    }
}

async fn report(world: &World, policy: Policy, value: &str) -> Outcome {
    let desk = LeakDesk::new(policy, 600);
    let reports = vec![found(value)];
    let outcomes = desk.report(&world.env, world.caller(), reports).await;
    outcomes.unwrap().value.remove(0)
}

#[track_caller]
fn was(outcome: Outcome, wanted: Taken) {
    match outcome {
        Outcome::Known { taken, .. } => assert_eq!(taken, wanted),
        Outcome::Unknown => panic!("unknown"),
    }
}

async fn detail(world: &World, id: CredentialId) -> CredentialDetail {
    credential::get(&world.env, world.caller(), id)
        .await
        .unwrap()
}

/// A credential with its key.
async fn key(world: &World) -> (CredentialId, String) {
    let issued = world.credential("jack", NewSecret::GeneratedApiKey).await;
    let key = issued.secret.unwrap().expose().to_owned();
    (issued.detail.credential.id, key)
}

#[tokio::test]
async fn a_recorded_leak_is_marked_and_works_on() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    let before = world.env.store.revision();
    was(report(&world, Policy::Record, &key).await, Taken::Record);
    let now = detail(&world, id).await;
    assert_eq!(now.secrets[0].leaked_at, Some(world.env.now()));
    assert!(now.credential.enabled && now.secrets[0].retiring_until.is_none());
    assert_eq!(
        world.env.store.revision(),
        before,
        "gateways see no difference"
    );
}

#[tokio::test]
async fn to_report_again_changes_nothing() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    let first = world.env.now();
    was(report(&world, GRACE, &key).await, Taken::Grace);
    let once = detail(&world, id).await;
    world.clock.advance(HOUR / 2);
    let again = report(&world, Policy::Disable, &key).await;
    assert!(
        matches!(again, Outcome::Known { taken: Taken::Nothing, leaked_at, .. } if leaked_at == first)
    );
    assert_eq!(detail(&world, id).await, once);
    let query = AuditQuery {
        limit: 10,
        action: Some(audit::Action::SecretLeaked),
        ..AuditQuery::default()
    };
    let noted = audit::list(&world.env, world.caller(), query)
        .await
        .unwrap();
    assert_eq!(noted.items.len(), 1);
    let detail = &noted.items[0].entry.detail;
    assert_eq!(
        (&detail["action"], &detail["version"]),
        (&"grace".into(), &1.into())
    );
    assert!(!serde_json::to_string(detail).unwrap().contains(&key));
}

#[tokio::test]
async fn with_grace_the_leaked_secret_retires_and_nothing_takes_its_place() {
    let world = World::new().await;
    let mut gateway = world.gateway().await;
    let (id, key) = key(&world).await;
    was(report(&world, GRACE, &key).await, Taken::Grace);
    let until = world.env.now().after(HOUR);
    let secrets = detail(&world, id).await.secrets;
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].retiring_until, Some(until));
    gateway.catch_up(&world.feed).await;
    world.clock.advance(HOUR);
    world.sweep().await;
    assert!(detail(&world, id).await.secrets.is_empty());
    let next = world.rotate_now(id).await;
    assert_eq!(next.detail.secrets.len(), 1);
    assert_eq!(next.detail.secrets[0].leaked_at, None);
}

#[tokio::test]
async fn one_that_retires_already_keeps_the_sooner_end() {
    let world = World::new().await;
    for (grace, wanted) in [(HOUR / 2, HOUR / 2), (2 * HOUR, HOUR)] {
        let name = format!("after-{}", grace.as_secs());
        let issued = world.credential(&name, NewSecret::GeneratedApiKey).await;
        let (id, old) = (issued.detail.credential.id, issued.secret.unwrap());
        let next = RotatedSecret::Generated { username: None };
        world.rotate(id, grace, next).await.unwrap();
        was(report(&world, GRACE, old.expose()).await, Taken::Grace);
        let secrets = detail(&world, id).await.secrets;
        assert_eq!(secrets[0].retiring_until, None);
        assert_eq!(
            secrets[1].retiring_until,
            Some(world.env.now().after(wanted))
        );
    }
}

#[tokio::test]
async fn disabling_stops_the_credential_of_a_current_secret() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    was(report(&world, Policy::Disable, &key).await, Taken::Disable);
    assert!(!detail(&world, id).await.credential.enabled);
}

#[tokio::test]
async fn where_another_secret_is_there_already_the_leaked_one_is_revoked_alone() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    let next = RotatedSecret::Generated { username: None };
    world.rotate(id, HOUR, next).await.unwrap();
    was(report(&world, Policy::Disable, &key).await, Taken::Revoke);
    let now = detail(&world, id).await;
    assert!(now.credential.enabled);
    assert_eq!(now.secrets.len(), 1);
    assert_eq!(now.secrets[0].version, 2);
}

#[tokio::test]
async fn of_a_default_credential_the_secret_alone_is_revoked() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    let mut write = world.env.store.write().await.unwrap();
    let credential = write.credential(id).await.unwrap().unwrap();
    let application = write.application(credential.application).await.unwrap();
    let mut application = application.unwrap();
    application.default_credential = Some(id);
    write.update_application(&application).await.unwrap();
    world.env.commit(write).await.unwrap();
    was(report(&world, Policy::Disable, &key).await, Taken::Revoke);
    let now = detail(&world, id).await;
    assert!(now.credential.enabled);
    assert!(now.secrets.is_empty());
}

#[tokio::test]
async fn what_does_not_work_any_more_is_recorded_and_nothing_is_done() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    world.rotate_now(id).await;
    was(report(&world, Policy::Disable, &key).await, Taken::Nothing);
    assert!(detail(&world, id).await.credential.enabled);
    let issued = world.credential("jill", NewSecret::GeneratedApiKey).await;
    let gone = issued.detail.credential.id;
    world.delete_credential(gone).await;
    let key = issued.secret.unwrap();
    let outcome = report(&world, Policy::Disable, key.expose()).await;
    assert!(
        matches!(outcome, Outcome::Known { taken: Taken::Nothing, application: None, credential, .. } if credential == gone)
    );
}

#[tokio::test]
async fn passwords_other_tenants_values_and_nonsense_are_unknown() {
    let world = World::new().await;
    let chosen = NewSecret::ChosenPassword {
        username: "ann".to_owned(),
        password: secret("correct horse battery"),
    };
    world.credential("ann", chosen).await;
    let generated = NewSecret::GeneratedPassword {
        username: "bob".to_owned(),
    };
    let generated = world.credential("bob", generated).await.secret.unwrap();
    let (_, key) = key(&world).await;
    for value in [
        "correct horse battery",
        generated.expose(),
        "",
        &format!("{key}x"),
    ] {
        let outcome = report(&world, Policy::Disable, value).await;
        assert_eq!(outcome, Outcome::Unknown, "{value}");
    }
}

#[tokio::test]
async fn a_leak_is_found_in_every_organization_and_noted_in_the_secrets() {
    let world = World::new().await;
    let (id, key) = key(&world).await;
    let other = OrganizationId::generate(world.env.now(), world.env.entropy.as_ref()).unwrap();
    let desk = LeakDesk::new(Policy::Disable, 600);
    let elsewhere = Caller::registry(other);
    let outcomes = desk.report(&world.env, elsewhere, vec![found(&key)]).await;
    was(outcomes.unwrap().value.remove(0), Taken::Disable);
    let query = AuditQuery {
        credential: Some(id),
        action: Some(audit::Action::SecretLeaked),
        limit: 10,
        ..AuditQuery::default()
    };
    let noted = audit::list(&world.env, world.caller(), query).await;
    assert_eq!(noted.unwrap().items.len(), 1);
}

#[test]
fn reports_are_counted_by_token_and_a_request_counts_whole_or_not() {
    let desk = LeakDesk::new(Policy::Record, 100);
    let now = Timestamp::from_millis(1_000_000);
    let token = |seed| TokenId::generate(now, &crate::entropy::SeededEntropy::new(seed)).unwrap();
    assert_eq!(desk.limited(token(1), 60, now), None);
    assert!(desk.limited(token(1), 60, now).is_some());
    assert_eq!(desk.limited(token(1), 40, now), None);
    assert!(desk.limited(token(1), 1, now).is_some());
    assert_eq!(desk.limited(token(2), 100, now), None);
}
