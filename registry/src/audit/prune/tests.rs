use super::prune;
use crate::{
    audit::{
        AuditQuery, Head, Mac,
        export::{begin, next},
        list,
        verify::{
            HeadLine, Notice, RecordLine, Report, UnreadableExport, Why, verify, verify_export,
        },
    },
    testing::{HOUR, World},
};

async fn checked(world: &World, heads: &[Head]) -> Report {
    let env = &world.env;
    verify(&*env.store, &env.keys, heads, env.now(), |_| {})
        .await
        .unwrap()
}

/// Five records that are older than a day, and two that are not.
async fn aged() -> World {
    let mut world = World::new().await;
    world.env.audit_kept = Some(24 * HOUR);
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        world.application(name).await;
    }
    world.clock.advance(26 * HOUR);
    for name in ["a6", "a7"] {
        world.application(name).await;
    }
    world
}

#[tokio::test]
async fn pruning_leaves_a_chain_that_begins_later_and_an_entry_of_what_was_removed() {
    let world = aged().await;
    let whole = checked(&world, &[]).await.head.unwrap();
    prune(&world.env).await.unwrap();
    let report = checked(&world, &[whole]).await;
    assert_eq!((report.first, report.intact), (6, 3));
    assert_eq!((report.findings, report.notices), (vec![], vec![]));
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    let listed = list(&world.env, world.caller(), query).await.unwrap();
    let newest = &listed.items[0].entry;
    assert_eq!(newest.action, "audit.pruned");
    assert_eq!(
        (&newest.detail["from"], &newest.detail["to"]),
        (&1.into(), &5.into())
    );
    prune(&world.env).await.unwrap();
    assert_eq!(
        checked(&world, &[]).await.intact,
        3,
        "nothing was left to prune"
    );

    world
        .store
        .meddle("delete from audit where sequence = 6")
        .await;
    assert_eq!(
        checked(&world, &[]).await.findings[0].why,
        Why::MissingUpTo(6)
    );
}

#[tokio::test]
async fn a_head_of_what_was_pruned_says_nothing_and_is_no_break() {
    let world = aged().await;
    let early = super::super::head(&world.env).await.unwrap().unwrap();
    let before = Head {
        sequence: 3,
        ..early
    };
    prune(&world.env).await.unwrap();
    let report = checked(&world, &[before]).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.notices, [Notice::HeadPruned(before)]);
}

#[tokio::test]
async fn a_log_that_is_broken_is_not_pruned() {
    let world = aged().await;
    let statement = "update audit set subject = 'x' where sequence = 4";
    world.store.meddle(statement).await;
    prune(&world.env).await.unwrap();
    let report = checked(&world, &[]).await;
    assert_eq!(report.findings[0].why, Why::Altered);
    assert_eq!(report.findings[0].record.as_ref().unwrap().sequence, 4);
}

#[tokio::test]
async fn nothing_is_pruned_unless_it_is_wanted_and_time() {
    let mut world = aged().await;
    world.env.audit_kept = Some(26 * HOUR);
    prune(&world.env).await.unwrap();
    assert_eq!(checked(&world, &[]).await.intact, 7, "an hour of slack");
    world.env.audit_kept = None;
    world.clock.advance(10_000 * HOUR);
    prune(&world.env).await.unwrap();
    assert_eq!(checked(&world, &[]).await.intact, 7);
}

async fn exported(world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = Some(begin(&world.env, world.caller()).await.unwrap());
    while let Some(part) = at {
        for kept in &part.records {
            let crate::audit::KeptRecord::Read(record) = kept else {
                panic!("{kept:?}");
            };
            let line = RecordLine::new(record).unwrap();
            lines.push(serde_json::to_string(&line).unwrap());
        }
        let head = HeadLine::new(&part.head, &part.link);
        lines.push(serde_json::to_string(&head).unwrap());
        at = next(&world.env, &part).await.unwrap();
    }
    lines
}

#[tokio::test]
async fn an_export_is_verified_by_itself_and_with_heads() {
    let world = aged().await;
    let mut head = super::super::head(&world.env).await.unwrap().unwrap();
    prune(&world.env).await.unwrap();
    let lines = exported(&world).await;
    let check = |lines: &[String], heads: &[Head]| {
        verify_export(lines.join("\n").as_bytes(), &world.env.keys, heads)
    };
    let report = check(&lines, &[head]).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!((report.first, report.intact), (6, 4));
    let why =
        |lines: &[String], heads: &[Head]| check(lines, heads).unwrap().findings.remove(0).why;
    head.mac = Mac::default();
    assert_eq!(why(&lines, &[head]), Why::RewrittenSince(5, head));
    let altered: Vec<String> = lines.iter().map(|line| line.replace("a6", "b6")).collect();
    assert_eq!(why(&altered, &[]), Why::Altered);
    assert_eq!(why(&lines[..lines.len() - 1], &[]), Why::ExportCut);
    let mut gap = lines.clone();
    gap.remove(2);
    assert_eq!(why(&gap, &[]), Why::MissingUpTo(7));
    head.sequence = 100;
    assert_eq!(why(&lines, &[head]), Why::CutBeforeHead(head));
    let error = check(&lines[1..], &[]).unwrap_err();
    assert!(matches!(error, UnreadableExport::Beginning), "{error}");
}
