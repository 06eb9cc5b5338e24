//! Backing up beside a running registry, and restoring elsewhere.

use std::{fs, path::PathBuf};

use registry::backup::{Restore, run_backup, run_restore};
use serde_json::json;

use crate::support::{Data, TestRegistry, text};

/// A folder for a new registry with the master key of this one.
fn elsewhere(of: &Data) -> Data {
    let other = Data::sqlite();
    fs::create_dir(other.path()).unwrap();
    fs::copy(
        of.path().join("master.key"),
        other.path().join("master.key"),
    )
    .unwrap();
    other
}

async fn back_up(data: &Data) -> PathBuf {
    let to = data.path().join("backup");
    run_backup(&data.config(&[]), &data.world(), &to, false)
        .await
        .unwrap();
    to
}

async fn restore(into: &Data, wanted: Restore) -> Result<(), String> {
    run_restore(into.config(&[]), &into.world(), wanted)
        .await
        .map_err(|error| error.to_string())
}

fn by_journal_of(data: &Data, from: PathBuf) -> Restore {
    Restore {
        from,
        journals: vec![data.path().join("revocations.journal")],
        accept_revoked_since: None,
    }
}

async fn key(registry: &TestRegistry, application: &str, name: &str) -> String {
    let body = json!({"type": "api_key", "name": name});
    text(&registry.credential(application, body).await["id"])
}

#[tokio::test]
async fn what_was_revoked_after_the_backup_stays_revoked_on_another_machine() {
    let data = Data::sqlite();
    let registry = data.start(&[]).await;
    let application = registry.application("billing").await;
    let kept = key(&registry, &application, "kept").await;
    let revoked = key(&registry, &application, "revoked").await;
    let backup = back_up(&data).await;
    let lost = key(&registry, &application, "lost").await;
    let admin = registry.admin();
    admin
        .delete(&format!("/v1/credentials/{revoked}"))
        .await
        .has(204);
    let old = registry.stop().await;

    let new = elsewhere(&old);
    restore(&new, by_journal_of(&old, backup)).await.unwrap();
    let registry = new.start(&[]).await;
    let admin = registry.admin();
    for (id, status) in [(&kept, 200), (&revoked, 404), (&lost, 404)] {
        admin
            .get(&format!("/v1/credentials/{id}"))
            .await
            .has(status);
    }
    let page = admin.get("/v1/audit?action=installation.restored").await;
    let page = page.has(200).json();
    let journals = &page["items"][0]["detail"]["journals"];
    assert_eq!(journals[0]["revocations"], 2, "{page}");
    registry.stop().await;
}

#[tokio::test]
async fn restoring_refuses_what_it_cannot_do_and_says_what_to_do() {
    let data = Data::sqlite();
    let registry = data.start(&[]).await;
    // It has begun once it answers.
    registry.application("billing").await;
    let backup = back_up(&data).await;
    let busy = restore(&data, by_journal_of(&data, backup.clone())).await;
    assert!(busy.unwrap_err().contains("in use by another registry"));
    let old = registry.stop().await;
    let full = restore(&old, by_journal_of(&old, backup.clone())).await;
    assert!(full.unwrap_err().contains("move data_dir/keysmith.db away"));

    let new = Data::sqlite();
    let keyless = restore(&new, by_journal_of(&old, backup.clone())).await;
    assert!(keyless.unwrap_err().contains("master.key does not"));
    let other = Data::sqlite();
    fs::create_dir(other.path()).unwrap();
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    fs::write(other.path().join("master.key"), wrong).unwrap();
    let refused = restore(&other, by_journal_of(&old, backup.clone())).await;
    assert!(refused.unwrap_err().contains("another master key"));

    let new = elsewhere(&old);
    let wanted = Restore {
        journals: Vec::new(),
        ..by_journal_of(&old, backup)
    };
    let refused = restore(&new, wanted).await;
    assert!(refused.unwrap_err().contains("--accept-revoked-since"));
}

#[tokio::test]
async fn a_registry_does_not_start_without_its_journal() {
    let data = Data::sqlite();
    data.start(&[]).await.stop().await;
    let journal = data.path().join("revocations.journal");
    let nowhere = data.path().join("missing/journal");
    let settings = [("KEYSMITH_REVOCATION_JOURNAL", nowhere.to_str().unwrap())];
    let said = data.refuses_to_start(&settings).await;
    assert!(
        said.starts_with("revocation_journal: cannot create"),
        "{said}"
    );
    let altered = fs::read_to_string(&journal).unwrap().replace('1', "2");
    fs::write(&journal, altered).unwrap();
    let said = data.refuses_to_start(&[]).await;
    assert!(
        said.contains("line 1 of") && said.contains("move it away"),
        "{said}"
    );
}
