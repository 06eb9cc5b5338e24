use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::{
    credential::{self, CredentialPatch, NewSecret},
    testing::{HOUR, World},
};

async fn entries(world: &World, query: AuditQuery) -> Vec<Entry> {
    let query = AuditQuery {
        limit: MAX_LIMIT,
        ..query
    };
    let listing = list(&world.env, world.caller(), query).await.unwrap();
    listing.items.into_iter().map(|item| item.entry).collect()
}

fn words(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.action.as_str()).collect()
}

#[test]
fn every_action_has_a_word_of_its_own_and_is_read_back_from_it() {
    let mut words = BTreeSet::new();
    for action in Action::ALL {
        assert!(words.insert(action.word()), "{action:?}");
        assert_eq!(action.word().parse(), Ok(*action));
    }
    assert_eq!("credential.".parse::<Action>(), Err(UnknownAction));
}

#[tokio::test]
async fn an_entry_says_what_was_before_and_after_of_what_changed_alone() {
    let world = World::new().await;
    let issued = world.credential("jack", NewSecret::GeneratedApiKey).await;
    let id = issued.detail.credential.id;
    let patch = CredentialPatch {
        description: Some("for the shop".to_owned()),
        enabled: Some(false),
        ..CredentialPatch::default()
    };
    credential::update(&world.env, world.caller(), id, None, patch)
        .await
        .unwrap();
    let newest = entries(&world, AuditQuery::default()).await.remove(0);
    assert_eq!(newest.action, "credential.updated");
    assert_eq!(newest.credential, Some(id));
    assert_eq!(
        newest.application,
        Some(issued.detail.credential.application)
    );
    assert_eq!(newest.subject, "jack");
    assert_eq!((newest.token, newest.address), (None, None));
    assert_eq!(
        serde_json::Value::Object(newest.detail),
        json!({
            "before": {"description": "", "enabled": true},
            "after": {"description": "for the shop", "enabled": false},
        })
    );
}

#[tokio::test]
async fn what_was_not_done_leaves_no_entry() {
    let world = World::new().await;
    let application = world.application("jack").await;
    assert!(
        world
            .try_application(World::new_application("jack"))
            .await
            .is_err()
    );
    let new = World::new_credential(application, "", NewSecret::GeneratedApiKey);
    assert!(world.issue(new).await.is_err());
    let all = entries(&world, AuditQuery::default()).await;
    assert_eq!(words(&all), ["application.created"]);
}

#[tokio::test]
async fn conditions_hold_together_and_pages_follow_each_other() {
    let world = World::new().await;
    let start = world.env.now();
    let jack = world.credential("jack", NewSecret::GeneratedApiKey).await;
    world.clock.advance(HOUR);
    let jill = world.credential("jill", NewSecret::GeneratedApiKey).await;
    let (jack, jill) = (jack.detail.credential, jill.detail.credential);
    world.rotate_now(jack.id).await;
    world.clock.advance(HOUR);
    world.delete_credential(jack.id).await;

    let of = |query| entries(&world, query);
    let of_jack = AuditQuery {
        credential: Some(jack.id),
        ..AuditQuery::default()
    };
    assert_eq!(
        words(&of(of_jack.clone()).await),
        [
            "credential.deleted",
            "credential.rotated",
            "credential.created"
        ]
    );
    let rotated = AuditQuery {
        action: Some(Action::CredentialRotated),
        ..of_jack.clone()
    };
    assert_eq!(words(&of(rotated).await), ["credential.rotated"]);
    let in_the_middle = AuditQuery {
        since: Some(start.after(HOUR)),
        until: Some(start.after(2 * HOUR)),
        ..AuditQuery::default()
    };
    assert_eq!(
        words(&of(in_the_middle).await),
        [
            "credential.rotated",
            "credential.created",
            "application.created"
        ]
    );
    let of_jills = AuditQuery {
        application: Some(jill.application),
        ..AuditQuery::default()
    };
    assert_eq!(
        words(&of(of_jills).await),
        ["credential.created", "application.created"]
    );

    let all = of(AuditQuery::default()).await;
    let mut paged = Vec::new();
    let mut query = AuditQuery {
        limit: 2,
        ..AuditQuery::default()
    };
    loop {
        let page = list(&world.env, world.caller(), query.clone())
            .await
            .unwrap();
        query.before = page.items.last().map(|item| Position {
            at: item.entry.at,
            sequence: item.sequence,
        });
        paged.extend(page.items.into_iter().map(|item| item.entry));
        if !page.more {
            break;
        }
    }
    assert_eq!(paged, all);
}
