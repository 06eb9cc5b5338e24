//! Claims about the audit log: whatever is done to it in the database is found, and the first broken record named.

use super::*;
use crate::{
    audit::{
        self, Head,
        verify::{Finding, Notice, Report, Why, verify},
    },
    caller::Caller,
};

/// A log of eight records.
async fn log(world: &World) {
    for name in ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"] {
        world.application(name).await;
    }
    for statement in [
        // A database that another test had keeps tables that are nobody's.
        "drop table if exists kept",
        "create table kept as select * from audit",
        "drop table if exists kept_state",
        "create table kept_state as select * from audit_state",
    ] {
        world.store.meddle(statement).await;
    }
}

async fn restore(world: &World) {
    for statement in [
        "delete from audit",
        "insert into audit select * from kept",
        "delete from audit_state",
        "insert into audit_state select * from kept_state",
    ] {
        world.store.meddle(statement).await;
    }
}

async fn checked(world: &World, heads: &[Head]) -> Report {
    let env = &world.env;
    verify(&*env.store, &env.keys, heads, env.now(), |_| {})
        .await
        .unwrap()
}

/// The first broken record and what is wrong with it.
async fn first(world: &World, heads: &[Head]) -> (Option<u64>, Why) {
    let Finding { record, why } = checked(world, heads).await.findings.remove(0);
    (record.map(|record| record.sequence), why)
}

pub(super) async fn an_audit_log_that_nobody_touched_is_intact(world: &World, _: Arc<dyn Store>) {
    let empty = checked(world, &[]).await;
    assert_eq!((empty.first, empty.intact, empty.findings.len()), (1, 0, 0));
    log(world).await;
    let report = checked(world, &[empty.head.unwrap()]).await;
    assert_eq!((report.first, report.intact), (1, 8));
    assert_eq!((report.findings.len(), report.notices.len()), (0, 0));
    let head = report.head.unwrap();
    assert_eq!(head.sequence, 8);
    assert_eq!(head.to_string().parse(), Ok(head));
    world.application("a9").await;
    let later = checked(world, &[head, empty.head.unwrap()]).await;
    assert_eq!((later.intact, later.findings.len()), (9, 0));
}

pub(super) async fn whatever_is_altered_in_an_audit_record_is_found(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    for statement in [
        "update audit set organization_id = organization_id || 'x' where sequence = 4",
        "update audit set at = at + 1 where sequence = 4",
        "update audit set token_id = '' where sequence = 4",
        "update audit set address = '127.0.0.1' where sequence = 4",
        "update audit set action = 'application.deleted' where sequence = 4",
        "update audit set application_id = null where sequence = 4",
        "update audit set credential_id = application_id where sequence = 4",
        "update audit set subject = 'other' where sequence = 4",
        "update audit set detail = detail || ' ' where sequence = 4",
        "update audit set mac = (select mac from kept where sequence = 3) where sequence = 4",
        // What was in one column is in the next one.
        "update audit set token_id = 'x', address = null, action = action where sequence = 4",
    ] {
        world.store.meddle(statement).await;
        assert_eq!(
            first(world, &[]).await,
            (Some(4), Why::Altered),
            "{statement}"
        );
        restore(world).await;
        assert_eq!(checked(world, &[]).await.findings, [], "{statement}");
    }
    let unknown = "update audit set key_version = 2 where sequence = 4";
    world.store.meddle(unknown).await;
    assert_eq!(first(world, &[]).await, (Some(4), Why::UnknownKey(2)));
    restore(world).await;
    let unchained = "update audit set mac = null where sequence = 4";
    world.store.meddle(unchained).await;
    assert_eq!(first(world, &[]).await, (Some(4), Why::NotChained));
    restore(world).await;
    let negative = "update audit set key_version = -1 where sequence = 4";
    world.store.meddle(negative).await;
    assert_eq!(first(world, &[]).await, (Some(4), Why::Unreadable));
    let named = checked(world, &[]).await.findings[0].to_string();
    assert!(named.starts_with("record 4: altered"), "{named}");
}

pub(super) async fn an_audit_record_that_is_missing_or_moved_is_named(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    let head = checked(world, &[]).await.head.unwrap();
    let delete = "delete from audit where sequence in (4, 5)";
    world.store.meddle(delete).await;
    assert_eq!(first(world, &[]).await, (Some(4), Why::MissingUpTo(5)));
    let report = checked(world, &[head]).await;
    assert_eq!(report.notices, [Notice::HeadNotReached(head)]);
    assert_eq!((report.intact, report.head), (3, None));
    restore(world).await;
    let first_ones = "delete from audit where sequence < 3";
    world.store.meddle(first_ones).await;
    assert_eq!(first(world, &[]).await, (Some(1), Why::MissingUpTo(2)));
    restore(world).await;
    for (one, other, found) in [(4, 5, 5), (4, 6, 6), (1, 2, 2)] {
        for (from, to) in [(one, 100), (other, one), (100, other)] {
            let moved = format!("update audit set sequence = {to} where sequence = {from}");
            world.store.meddle(moved.leak()).await;
        }
        let expected = (Some(one), Why::OutOfOrder(found));
        assert_eq!(first(world, &[]).await, expected);
        restore(world).await;
    }
    let added = "insert into audit select 9, organization_id, at, token_id, address, action, application_id,
        credential_id, subject, detail, key_version, mac from kept where sequence = 8";
    world.store.meddle(added).await;
    assert_eq!(first(world, &[]).await, (Some(9), Why::Altered));
}

pub(super) async fn an_audit_log_that_was_cut_off_is_found_by_what_the_registry_noted(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    world
        .store
        .meddle("delete from audit where sequence > 6")
        .await;
    assert_eq!(first(world, &[]).await, (Some(7), Why::CutOff(8)));
    world.store.meddle("delete from audit").await;
    assert_eq!(first(world, &[]).await, (Some(1), Why::CutOff(8)));
}

pub(super) async fn an_audit_log_that_was_cut_off_with_its_note_is_found_by_a_head(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    world.application("a9").await;
    let head = checked(world, &[]).await.head.unwrap();
    // An older copy of everything: nothing in it is wrong.
    restore(world).await;
    assert_eq!(checked(world, &[]).await.findings, []);
    assert_eq!(
        first(world, &[head]).await,
        (Some(9), Why::CutBeforeHead(head))
    );
}

pub(super) async fn an_audit_log_that_was_written_anew_is_found_by_a_head(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    let first_head = checked(world, &[]).await.head.unwrap();
    world.application("a9").await;
    let head = checked(world, &[]).await.head.unwrap();
    restore(world).await;
    // By the registry itself, hence under the right key.
    world.application("another").await;
    assert_eq!(checked(world, &[]).await.findings, []);
    let (record, why) = first(world, &[head, first_head]).await;
    assert_eq!((record, why), (None, Why::RewrittenSince(8, head)));
    let mut forged = first_head;
    forged.at += 1;
    let (_, why) = first(world, &[forged]).await;
    assert_eq!(why, Why::RewrittenSince(0, forged));
}

pub(super) async fn a_forged_note_of_the_audit_logs_end_is_found(world: &World, _: Arc<dyn Store>) {
    log(world).await;
    for statement in [
        "update audit_state set last_sequence = 6, last_mac = (select mac from audit where sequence = 6)",
        "update audit_state set base_sequence = 2, base_mac = (select mac from audit where sequence = 2)",
        "update audit_state set signature = last_mac",
        "update audit_state set key_version = 2",
    ] {
        world.store.meddle(statement).await;
        let findings = checked(world, &[]).await.findings;
        assert!(
            findings
                .iter()
                .any(|finding| finding.why == Why::StateForged),
            "{statement}: {findings:?}"
        );
        restore(world).await;
    }
    world.store.meddle("delete from audit_state").await;
    assert_eq!(first(world, &[]).await, (None, Why::StateGone));
}

pub(super) async fn the_registry_notices_that_its_audit_log_was_touched_and_goes_on(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    for (statement, broken) in [
        ("delete from audit where sequence > 6", 7),
        ("update audit_state set last_sequence = 6", 9),
        ("delete from audit_state", 9),
        (
            "insert into audit select 9, organization_id, at, token_id, address, action, application_id,
                credential_id, subject, detail, key_version, mac from kept where sequence = 8",
            9,
        ),
    ] {
        world.store.meddle(statement).await;
        let name = format!("later{broken}{}", statement.len());
        world.application(&name).await;
        world.application(&format!("{name}x")).await;
        let (record, why) = first(world, &[]).await;
        assert_eq!(record, Some(broken), "{statement}: {why}");
        let query = audit::AuditQuery {
            limit: 3,
            ..audit::AuditQuery::default()
        };
        let listed = audit::list(&world.env, world.caller(), query).await;
        let listed = listed.unwrap().items;
        let actions: Vec<_> = listed.iter().map(|item| item.entry.action.as_str()).collect();
        assert_eq!(
            actions,
            ["application.created", "application.created", "audit.end_lost"],
            "{statement}"
        );
        restore(world).await;
    }
}

pub(super) async fn an_audit_log_of_an_earlier_version_is_chained_once(
    world: &World,
    _: Arc<dyn Store>,
) {
    log(world).await;
    audit::adopt(&world.env).await.unwrap();
    assert_eq!(
        checked(world, &[]).await.intact,
        8,
        "it was chained already"
    );
    for statement in [
        "update audit set mac = null, key_version = null",
        "delete from audit_state",
    ] {
        world.store.meddle(statement).await;
    }
    for _ in 0..2 {
        audit::adopt(&world.env).await.unwrap();
        let report = checked(world, &[]).await;
        assert_eq!((report.intact, report.findings.len()), (9, 0));
        assert!(
            matches!(&report.notices[..], [Notice::ChainedLater(named)] if named.sequence == 9),
            "{:?}",
            report.notices
        );
    }
    // Without its note, a chained log is not taken for an earlier one.
    world.store.meddle("delete from audit_state").await;
    audit::adopt(&world.env).await.unwrap();
    assert_eq!(first(world, &[]).await, (None, Why::StateGone));
}

pub(super) async fn many_writers_make_one_chain(world: &World, _: Arc<dyn Store>) {
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (env, organization) = (world.env.clone(), world.organization);
            tokio::spawn(async move {
                for number in 0..5 {
                    let new = World::new_application(&format!("w{writer}-{number}"));
                    let caller = Caller::registry(organization);
                    crate::application::create(&env, caller, new, None)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let report = checked(world, &[]).await;
    assert_eq!((report.intact, report.findings.len()), (40, 0));
}
