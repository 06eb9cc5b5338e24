//! Claims about registries that die between two steps.

use std::time::Duration;

use super::*;

/// Has the registry die as the provider's script says.
async fn dying<T>(desk: &Desk, work: impl Future<Output = T>) {
    let dying = std::sync::Arc::clone(&desk.provider.dying);
    tokio::select! {
        _ = work => panic!("it was to die"),
        () = dying.notified() => {}
    }
}

fn in_place() -> credential::Rotation {
    credential::Rotation {
        part: crate::secret::Part::Value,
        grace: Duration::ZERO,
        end_after_silence: None,
        expires_at: crate::edit::Edit::Keep,
        secret: credential::RotatedSecret::Generated { username: None },
    }
}

const DEATHS: [Fate; 2] = [Fate::DiesBefore, Fate::DiesAfter];

#[tokio::test]
async fn a_registration_in_which_the_registry_dies_is_undone() {
    for fate in DEATHS {
        let desk = Desk::new().await;
        desk.provider.list_clients();
        desk.provider.next(&[fate]);
        let (env, caller) = (&desk.world.env, desk.world.caller());
        let what = desk.wanted("jack");
        dying(
            &desk,
            Box::pin(create::create_in_full(env, caller, what, None)),
        )
        .await;
        assert_eq!(desk.operations().await.len(), 1);
        assert_eq!(
            worker::work(env).await.unwrap(),
            0,
            "whoever began may still be at it"
        );
        desk.later().await;
        assert_eq!(desk.provider.clients().len(), 0, "{fate:?}");
        desk.agrees().await;
        desk.create("jack").await.unwrap();
    }
}

#[tokio::test]
async fn a_registry_that_is_alone_with_its_database_takes_up_at_once_what_it_was_at() {
    let desk = Desk::new().await;
    desk.provider.list_clients();
    desk.provider.next(&[Fate::DiesAfter]);
    let (env, caller) = (&desk.world.env, desk.world.caller());
    let creating = create::create_in_full(env, caller, desk.wanted("jack"), None);
    dying(&desk, Box::pin(creating)).await;
    worker::take_over(env).await.unwrap();
    assert_eq!(worker::work(env).await.unwrap(), 1);
    assert_eq!(desk.provider.clients().len(), 0);
    desk.agrees().await;
}

#[tokio::test]
async fn what_another_has_taken_up_is_not_gone_on_with() {
    let desk = Desk::new().await;
    desk.provider.list_clients();
    desk.provider.next(&[Fate::Stalls]);
    let wanted = desk.wanted("jack");
    let (env, caller) = (desk.world.env.clone(), desk.world.caller());
    let creating = tokio::spawn(async move { create(&env, caller, wanted, None).await });
    desk.provider.dying.notified().await;
    let repair = Repair {
        known: true,
        forget: true,
        orphans: true,
    };
    let busy = reconcile::compare(&desk, repair).await;
    assert!(!busy.findings[0].repaired, "somebody is at it: {busy:?}");
    desk.later().await;
    assert_eq!(desk.provider.clients().len(), 0, "it was taken for dead");
    desk.provider.resume.notify_one();
    let refused = creating.await.unwrap();
    assert!(matches!(
        refused,
        Err(Error::Conflict(Conflict::ClientBusy))
    ));
    desk.later().await;
    assert_eq!(desk.provider.clients().len(), 0);
    desk.agrees().await;
}

#[tokio::test]
async fn what_manages_a_client_is_kept_whatever_became_of_the_change_meanwhile() {
    for renews in [true, false] {
        let desk = Desk::new().await;
        let issued = desk.create("jack").await.unwrap();
        if renews {
            desk.provider.renew_secrets();
        }
        desk.provider.next(&[Fate::Stalls]);
        let (env, caller, id) = (desk.world.env.clone(), desk.world.caller(), id(&issued));
        let changing = tokio::spawn(async move {
            if renews {
                let rotation = in_place();
                let rotated = rotate::rotate(&env, caller, (id, None), rotation, None).await;
                return rotated.map(drop);
            }
            let metadata = metadata::ClientMetadata {
                grant_types: vec!["client_credentials".to_owned()],
                ..metadata::ClientMetadata::default()
            };
            let what = (CredentialPatch::default(), metadata, None);
            update(&env, caller, id, None, what).await.map(drop)
        });
        desk.provider.dying.notified().await;
        // The answer is on its way, and holds another token to manage the client with.
        desk.world.delete_credential(id).await;
        desk.provider.resume.notify_one();
        changing.await.unwrap().unwrap_err();
        worker::work(&desk.world.env).await.unwrap();
        assert_eq!(desk.provider.clients().len(), 0, "renews: {renews}");
        desk.agrees().await;
    }
}

#[tokio::test]
async fn a_client_that_is_being_read_is_not_changed_meanwhile_and_a_death_by_then_is_no_matter() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.next(&[Fate::DiesBefore]);
    dying(&desk, reconcile::compare(&desk, Repair::default())).await;
    let busy = desk.rename(id(&issued), "jim").await;
    assert!(matches!(busy, Err(Error::Conflict(Conflict::ClientBusy))));
    worker::take_over(&desk.world.env).await.unwrap();
    worker::work(&desk.world.env).await.unwrap();
    desk.agrees().await;
    desk.rename(id(&issued), "jim").await.unwrap();
}

#[tokio::test]
async fn an_update_in_which_the_registry_dies_and_the_answer_is_lost_ends() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.next(&[Fate::DiesAfter]);
    let (env, caller) = (&desk.world.env, desk.world.caller());
    let what = (
        CredentialPatch::default(),
        metadata::ClientMetadata {
            grant_types: vec!["client_credentials".to_owned()],
            ..metadata::ClientMetadata::default()
        },
        None,
    );
    let updating = update::update_in_full(env, caller, id(&issued), None, what);
    dying(&desk, Box::pin(updating)).await;
    desk.later().await;
    // What manages the client was in the answer.
    desk.agrees().await;
    let found = reconcile::compare(&desk, Repair::default()).await;
    assert_eq!(found.findings[0].kind, FindingKind::Lost);
    desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn an_update_in_which_the_registry_dies_is_finished() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.next(&[Fate::DiesBefore]);
    let metadata = metadata::ClientMetadata {
        client_name: Some("jim".to_owned()),
        grant_types: vec!["client_credentials".to_owned()],
        ..metadata::ClientMetadata::default()
    };
    let (env, caller) = (&desk.world.env, desk.world.caller());
    let what = (CredentialPatch::default(), metadata, None);
    dying(
        &desk,
        Box::pin(update::update_in_full(env, caller, id(&issued), None, what)),
    )
    .await;
    desk.later().await;
    let there = &desk.provider.clients()[client_id(&issued)].metadata;
    assert_eq!(there.client_name.as_deref(), Some("jim"));
    desk.agrees().await;
    desk.rename(id(&issued), "joe").await.unwrap();
}

#[tokio::test]
async fn a_rotation_in_which_the_registry_dies_leaves_one_client_that_can_be_rotated() {
    for (renews, fate) in [
        (true, DEATHS[0]),
        (true, DEATHS[1]),
        (false, DEATHS[0]),
        (false, DEATHS[1]),
    ] {
        let desk = Desk::new().await;
        desk.provider.list_clients();
        if renews {
            desk.provider.renew_secrets();
        }
        let issued = desk.create("jack").await.unwrap();
        desk.provider.next(&[fate]);
        let (env, caller) = (&desk.world.env, desk.world.caller());
        let rotation = in_place();
        let which = (id(&issued), None);
        dying(
            &desk,
            Box::pin(rotate::rotate_in_full(env, caller, which, rotation, None)),
        )
        .await;
        let busy = desk.rotate(id(&issued), Duration::ZERO).await;
        assert!(matches!(busy, Err(Error::Conflict(Conflict::ClientBusy))));
        desk.later().await;
        desk.agrees().await;
        let mut gateway = desk.world.gateway().await;
        assert!(
            accepted_since(&desk.world, &mut gateway, client_id(&issued))
                .await
                .is_some()
        );
        desk.rotate(id(&issued), Duration::ZERO).await.unwrap();
    }
}

#[tokio::test]
async fn a_removal_in_which_the_registry_dies_is_finished() {
    for fate in DEATHS {
        let desk = Desk::new().await;
        let issued = desk.create("jack").await.unwrap();
        desk.world.delete_credential(id(&issued)).await;
        desk.provider.next(&[fate]);
        dying(&desk, worker::work(&desk.world.env)).await;
        desk.later().await;
        assert_eq!(desk.provider.clients().len(), 0);
        desk.agrees().await;
    }
}

#[tokio::test]
async fn what_one_registry_does_no_other_does_at_the_same_time() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.world.delete_credential(id(&issued)).await;
    desk.provider.calls();
    desk.provider.next(&[Fate::DiesBefore]);
    dying(&desk, worker::work(&desk.world.env)).await;
    assert_eq!(worker::work(&desk.world.env).await.unwrap(), 0);
    assert_eq!(desk.provider.calls(), ["delete"]);
}
