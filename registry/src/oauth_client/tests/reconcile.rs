//! Claims about comparing what the registry knows with what a provider says.

use super::*;
use crate::error::Kind;

pub(super) async fn compare(desk: &Desk, repair: Repair) -> Reconciliation {
    let provider = {
        let mut read = desk.world.env.store.read().await.unwrap();
        read.provider_named("elsewhere").await.unwrap().unwrap().id
    };
    let compared = reconcile(&desk.world.env, desk.world.caller(), provider, repair);
    compared.await.unwrap()
}

const REPAIR: Repair = Repair {
    known: true,
    orphans: false,
    forget: false,
};

fn one(found: &Reconciliation) -> &Finding {
    assert_eq!(found.findings.len(), 1, "{found:?}");
    &found.findings[0]
}

#[tokio::test]
async fn where_all_agree_nothing_is_found() {
    let desk = Desk::new().await;
    desk.provider.list_clients();
    desk.create("jack").await.unwrap();
    desk.create("jill").await.unwrap();
    // Reading gives what manages them another token each time, which has to be kept.
    for _ in 0..2 {
        let found = compare(&desk, Repair::default()).await;
        assert_eq!(
            (found.checked, found.lists, found.findings),
            (2, true, Vec::new())
        );
    }
    desk.agrees().await;
}

#[tokio::test]
async fn metadata_that_differ_are_named_and_sent_again_on_request() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.meddle(client_id(&issued), |metadata| {
        metadata.scope = Some("all".to_owned());
    });
    let found = compare(&desk, Repair::default()).await;
    let drift = one(&found);
    assert_eq!((drift.kind, drift.repaired), (FindingKind::Drift, false));
    assert!(drift.detail.contains("scope") && !found.lists, "{drift:?}");
    let repaired = compare(&desk, REPAIR).await;
    assert!(one(&repaired).repaired);
    let there = desk.provider.clients()[client_id(&issued)].metadata.clone();
    assert_eq!(there.scope.as_deref(), Some("read"));
    assert_eq!(compare(&desk, Repair::default()).await.findings, []);
}

#[tokio::test]
async fn a_provider_that_keeps_no_mark_has_not_changed_the_client() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.meddle(client_id(&issued), |metadata| {
        (metadata.software_id, metadata.software_version) = (None, None);
    });
    assert_eq!(compare(&desk, Repair::default()).await.findings, []);
    desk.provider.meddle(client_id(&issued), |metadata| {
        metadata.software_id = Some("another".to_owned());
    });
    let found = compare(&desk, Repair::default()).await;
    assert_eq!(one(&found).kind, FindingKind::Drift);
}

#[tokio::test]
async fn a_client_that_is_gone_is_reported_and_replaced_by_rotating() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    desk.provider.lose(client_id(&issued));
    let found = compare(&desk, REPAIR).await;
    assert_eq!(
        (one(&found).kind, one(&found).repaired),
        (FindingKind::Lost, false)
    );
    assert_eq!(one(&found).credential, Some(id(&issued)));
    let rotated = desk
        .rotate(id(&issued), std::time::Duration::ZERO)
        .await
        .unwrap();
    assert!(desk.provider.clients().contains_key(client_id(&rotated)));
}

#[tokio::test]
async fn what_is_unfinished_is_reported_and_tried_again_and_forgotten_on_request() {
    let desk = Desk::new().await;
    desk.provider.next(&[Fate::Unanswered]);
    desk.create("jack").await.unwrap_err();
    desk.later().await;
    let found = compare(&desk, REPAIR).await;
    assert_eq!(
        (one(&found).kind, one(&found).repaired),
        (FindingKind::Unfinished, false)
    );
    let forgotten = Repair {
        forget: true,
        ..REPAIR
    };
    assert!(one(&compare(&desk, forgotten).await).repaired);
    assert_eq!(desk.operations().await, []);
}

#[tokio::test]
async fn clients_that_are_nobodys_are_found_where_there_is_a_list_and_removed_on_request() {
    let desk = Desk::new().await;
    desk.provider.next(&[Fate::Unanswered]);
    desk.create("jack").await.unwrap_err();
    let forgotten = Repair {
        forget: true,
        ..Repair::default()
    };
    compare(&desk, forgotten).await;
    desk.provider.list_clients();
    desk.create("jill").await.unwrap();
    let found = compare(&desk, REPAIR).await;
    assert_eq!(
        (one(&found).kind, one(&found).repaired),
        (FindingKind::Orphan, false)
    );
    assert_eq!(desk.provider.clients().len(), 2, "nobody has asked for it");
    let orphans = Repair {
        orphans: true,
        ..REPAIR
    };
    assert!(one(&compare(&desk, orphans).await).repaired);
    desk.agrees().await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be() {
    let desk = Desk::new().await;
    desk.create("jack").await.unwrap();
    desk.provider.next(&[Fate::Unsent]);
    let found = compare(&desk, REPAIR).await;
    assert_eq!(one(&found).kind, FindingKind::Unknown);
    let nowhere =
        ProviderId::generate(desk.world.env.now(), desk.world.env.entropy.as_ref()).unwrap();
    let missing = reconcile(&desk.world.env, desk.world.caller(), nowhere, REPAIR).await;
    assert!(matches!(
        missing,
        Err(Error::NotFound(Kind::IdentityProvider))
    ));
}
