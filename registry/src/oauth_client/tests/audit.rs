//! Claims about what is written down of what is done to clients.

use super::*;
use crate::provider::reconcile::{Repair, reconcile};

/// The newest entry's action.
async fn newest(desk: &Desk) -> String {
    let mut read = desk.world.env.store.read().await.unwrap();
    let newest = read.newest_audit_record().await.unwrap();
    let records = read.audit_records(newest - 1, 10).await.unwrap();
    format!("{:?}", records.last().unwrap())
}

#[tokio::test]
async fn every_change_is_written_down_without_anything_secret() {
    let desk = Desk::new().await;
    let issued = desk.create("jack").await.unwrap();
    let mut told = vec![newest(&desk).await];
    desk.rename(id(&issued), "jim").await.unwrap();
    told.push(newest(&desk).await);
    let rotated = desk.rotate(id(&issued), HOUR).await.unwrap();
    told.push(newest(&desk).await);
    let (env, caller) = (&desk.world.env, desk.world.caller());
    revoke_tokens(env, caller, id(&issued), None).await.unwrap();
    told.push(newest(&desk).await);
    let repair = Repair {
        known: true,
        ..Repair::default()
    };
    let provider = issued.detail.clients[0].provider;
    reconcile(env, caller, provider, repair).await.unwrap();
    told.push(newest(&desk).await);
    let actions = [
        "credential.created",
        "credential.updated",
        "credential.rotated",
        "credential.tokens_revoked",
        "identity_provider.reconciled",
    ];
    for (entry, action) in told.iter().zip(actions) {
        assert!(entry.contains(action), "{action}: {entry}");
        for secret in [&issued.secret, &rotated.secret] {
            assert!(!entry.contains(secret.as_ref().unwrap().expose()));
        }
    }
}
