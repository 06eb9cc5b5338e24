//! Claims about providers that fail.

use std::time::Duration;

use super::*;
use crate::provider::registrar::{ProviderError, ProviderErrorKind};

const FAILURES: [Fate; 7] = [
    Fate::Unsent,
    Fate::Unanswered,
    Fate::Swallowed,
    Fate::Refused,
    Fate::Unwell,
    Fate::Garbled,
    Fate::Forbidden,
];

#[track_caller]
fn of_provider<T: std::fmt::Debug>(result: Result<T, Error>) -> ProviderError {
    match result {
        Err(Error::Provider(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_becomes_of_a_registration_that_fails_nothing_is_left_of_it() {
    for fate in FAILURES {
        let desk = Desk::new().await;
        desk.provider.list_clients();
        desk.provider.next(&[fate]);
        of_provider(desk.create("jack").await);
        desk.later().await;
        assert_eq!(desk.provider.clients().len(), 0, "{fate:?}");
        desk.agrees().await;
        // The name is free, and the provider works again.
        desk.create("jack").await.unwrap();
        desk.agrees().await;
    }
}

#[tokio::test]
async fn the_provider_has_its_word_with_the_caller() {
    let desk = Desk::new().await;
    desk.provider.next(&[Fate::Refused]);
    let error = of_provider(desk.create("jack").await);
    assert_eq!(error.code.as_deref(), Some("invalid_client_metadata"));
    assert_eq!(desk.operations().await, [], "undone at once");
}

#[tokio::test]
async fn what_nobody_can_look_for_is_kept_until_somebody_does() {
    let desk = Desk::new().await;
    desk.provider.next(&[Fate::Unanswered]);
    of_provider(desk.create("jack").await);
    desk.later().await;
    let left = desk.operations().await;
    assert_eq!((left.len(), left[0].next_attempt_at), (1, None));
    let why = left[0].last_error.as_deref().unwrap();
    assert!(
        why.contains(&left[0].id.to_string()),
        "by what it is found there: {why}"
    );
}

#[tokio::test]
async fn a_client_that_cannot_be_kept_is_removed_again() {
    let desk = Desk::new().await;
    // Somebody else takes the name while the provider is being called.
    desk.provider.next(&[Fate::Done, Fate::Unwell]);
    let taken = "client-1";
    let mut foreign = planned(desk.application, "other");
    foreign.scopes = Vec::new();
    link_as(&desk.world, desk.world.caller(), foreign, taken)
        .await
        .unwrap();
    let refused = desk.create("jack").await;
    assert!(matches!(refused, Err(Error::Conflict(Conflict::Client))));
    desk.later().await;
    assert_eq!(desk.provider.calls(), ["register", "delete", "delete"]);
    assert_eq!(desk.operations().await, []);
}

#[tokio::test]
async fn an_update_ends_as_it_was_asked_or_as_it_was() {
    for fate in FAILURES {
        let desk = Desk::new().await;
        let issued = desk.create("jack").await.unwrap();
        desk.provider.next(&[fate]);
        let error = of_provider(desk.rename(id(&issued), "jim").await);
        if error.may_be_done {
            let again = desk.rename(id(&issued), "joe").await;
            assert!(
                matches!(again, Err(Error::Conflict(Conflict::ClientBusy))),
                "{fate:?}"
            );
        }
        let was_done = matches!(fate, Fate::Unanswered | Fate::Garbled);
        desk.later().await;
        let there = desk.provider.clients()[client_id(&issued)].metadata.clone();
        let name = there.client_name.unwrap();
        if was_done {
            // Its answer would have said what manages the client from now on, so nobody can any more.
            assert_eq!(name, "jim", "{fate:?}");
            let lost = reconcile::compare(&desk, Repair::default()).await.findings;
            assert_eq!(lost.len(), 1);
            assert_eq!(lost[0].kind, FindingKind::Lost);
            desk.agrees().await;
            // Another client takes its place.
            desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
            continue;
        }
        assert_eq!(name == "jim", error.may_be_done, "{fate:?}");
        desk.agrees().await;
        desk.rename(id(&issued), "joe").await.unwrap();
    }
}

#[tokio::test]
async fn a_rotation_that_fails_leaves_a_client_that_can_be_rotated() {
    for (renews, fate) in [true, false]
        .into_iter()
        .flat_map(|renews| FAILURES.map(|fate| (renews, fate)))
    {
        let desk = Desk::new().await;
        desk.provider.list_clients();
        if renews {
            desk.provider.renew_secrets();
        }
        let issued = desk.create("jack").await.unwrap();
        let mut gateway = desk.world.gateway().await;
        desk.provider.next(&[fate]);
        let rotated = desk.rotate(id(&issued), Duration::ZERO).await;
        if renews && fate == Fate::Forbidden {
            rotated.unwrap();
        } else {
            of_provider(rotated);
            let accepted = accepted_since(&desk.world, &mut gateway, client_id(&issued)).await;
            assert!(
                accepted.is_some(),
                "{fate:?}: nothing has changed at gateways"
            );
        }
        desk.later().await;
        assert_eq!(desk.operations().await, [], "{fate:?}");
        desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
        desk.later().await;
        assert_eq!(
            desk.operations()
                .await
                .iter()
                .filter(|one| one.phase != "intended")
                .count(),
            0
        );
    }
}

#[tokio::test]
async fn a_removal_is_tried_until_it_is_done_and_says_why_it_is_not() {
    for fate in FAILURES {
        let desk = Desk::new().await;
        let issued = desk.create("jack").await.unwrap();
        desk.provider.next(&[fate, fate, fate]);
        desk.world.delete_credential(id(&issued)).await;
        worker::work(&desk.world.env).await.unwrap();
        let left = desk.operations().await;
        assert_eq!((left.len(), left[0].attempts), (1, 1), "{fate:?}");
        assert!(left[0].last_error.is_some());
        let mut gateway = desk.world.gateway().await;
        assert_eq!(
            accepted_since(&desk.world, &mut gateway, client_id(&issued)).await,
            None
        );
        let held = link(&desk.world, desk.application, client_id(&issued)).await;
        assert!(
            matches!(held, Err(Error::Conflict(Conflict::Client))),
            "it is still there"
        );
        desk.later().await;
        desk.agrees().await;
        link(&desk.world, desk.application, client_id(&issued))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn pauses_grow_and_differ() {
    let entropy = crate::entropy::SeededEntropy::new(7);
    let pause = |attempts| intent::pause(&entropy, attempts);
    let mut before = Duration::ZERO;
    for attempts in 1..10 {
        let next = pause(attempts);
        assert!(before < next, "{attempts}");
        before = next;
    }
    assert!(pause(1_000) <= HOUR * 5 / 4);
    assert_ne!(pause(20), pause(20));
}

#[tokio::test]
async fn one_that_is_not_there_any_more_is_removed() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.lose(client_id(&issued));
    desk.world.delete_credential(id(&issued)).await;
    worker::work(&desk.world.env).await.unwrap();
    // Who manages a client by a token of its own hears only that the token is no good.
    let left = desk.operations().await;
    let kind = ProviderErrorKind::Unmanaged;
    assert!(
        left[0]
            .last_error
            .as_deref()
            .unwrap()
            .contains(&format!("{kind:?}"))
    );
}
