//! Claims about the list of what is sealed under the master key.

use std::collections::BTreeSet;

use sqlx::Row as _;

use crate::{sealing::COLUMNS, testing::World};

/// Columns of bytes that are not sealed under the master key, or are taken care of by themselves.
const OTHERS: [(&str, &str); 33] = [
    ("issuers.record", "what gateways are told"),
    ("installation.key_check", "made anew when a move begins"),
    ("installation.epoch", "random, and in the feed"),
    ("secrets.fingerprint", "made with a data key"),
    ("secrets.proven_fingerprint", "made with a data key"),
    ("deployed_secrets.digest", "made with the group's key"),
    ("deployed_secrets.record", "what gateways are told"),
    ("tokens.digest", "made with a data key"),
    ("gateways.instance", "random"),
    ("gateways.epoch", "random, and in the feed"),
    ("revisions.change_id", "random"),
    ("changes.digest", "made with the group's key"),
    ("idempotent_requests.id", "made with a data key"),
    ("idempotent_requests.attempt", "random"),
    ("idempotent_requests.body_digest", "made with a data key"),
    ("idempotent_requests.answer", "sealed with a data key"),
    ("usage_batches.instance", "random"),
    ("journal_marks.journal", "random"),
    (
        "master_rotation.retiring_key_check",
        "gone when the move ends",
    ),
    ("registries.instance", "random"),
    ("gateway_polls.instance", "random"),
    ("witnesses.registry", "random"),
    ("digest_rotations.done_to", "a digest"),
    (
        "authorization_clients.registration_digest",
        "made with a data key",
    ),
    ("authorization_secrets.digest", "made with a data key"),
    ("used_assertions.digest", "a digest of what is signed"),
    ("revoked_access_tokens.digest", "in the feed"),
    ("access_tokens.digest", "made with a data key"),
    ("registration_tokens.digest", "made with a data key"),
    ("audit.mac", "made with a data key"),
    ("audit_state.last_mac", "made with a data key"),
    ("audit_state.base_mac", "made with a data key"),
    ("audit_state.signature", "made with a data key"),
];

#[tokio::test]
async fn every_column_that_could_be_sealed_is_on_the_list_or_said_not_to_be() {
    let world = World::sqlite().await;
    let rows = sqlx::query(
        "select t.name || '.' || c.name as place from sqlite_master t, pragma_table_info(t.name) c
         where t.type = 'table' and lower(c.type) = 'blob' and t.name not like '\\_%' escape '\\'",
    )
    .fetch_all(world.store.sqlite())
    .await
    .unwrap();
    let found: BTreeSet<String> = rows.iter().map(|row| row.get("place")).collect();
    let others = OTHERS.map(|(place, _)| place);
    let known: BTreeSet<&str> = COLUMNS.into_iter().chain(others).collect();
    let unknown: Vec<_> = found
        .iter()
        .filter(|place| !known.contains(place.as_str()))
        .collect();
    assert!(unknown.is_empty(), "sealed or not? {unknown:?}");
    for column in COLUMNS {
        assert!(found.contains(column), "{column}");
    }
}
