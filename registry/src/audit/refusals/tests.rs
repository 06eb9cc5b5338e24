use super::*;
use crate::{
    audit::{AuditQuery, list},
    testing::World,
};

fn refused(reason: Reason, host: u32) -> Refused {
    Refused {
        reason,
        token: None,
        address: Some(IpAddr::from(host.to_be_bytes())),
        operation: "GET /v1/applications".to_owned(),
    }
}

/// Action, address and count of what was written, the first one first.
async fn written(world: &World) -> Vec<(String, Option<String>, u64)> {
    let query = AuditQuery {
        limit: 500,
        ..AuditQuery::default()
    };
    let listed = list(&world.env, world.caller(), query).await.unwrap();
    let lines = listed.items.into_iter().rev().map(|item| {
        let count = item.entry.detail["count"].as_u64().unwrap();
        (item.entry.action, item.entry.address, count)
    });
    lines.collect()
}

#[tokio::test]
async fn the_first_refusal_is_written_at_once_and_the_further_ones_once_a_minute() {
    let world = World::new().await;
    let refusals = Refusals::default();
    let flush = async || refusals.flush(&world.env, false).await.unwrap();
    let add = |reason| refusals.add(refused(reason, 1), world.env.now());
    let address = Some("0.0.0.1".to_owned());
    let login = |count| ("login.refused".to_owned(), address.clone(), count);
    add(Reason::UnknownToken);
    flush().await;
    assert_eq!(written(&world).await, [login(1)]);
    for _ in 0..1000 {
        add(Reason::UnknownToken);
        flush().await;
    }
    assert_eq!(written(&world).await.len(), 1);
    add(Reason::Role);
    flush().await;
    let forbidden = ("access.forbidden".to_owned(), address.clone(), 1);
    assert_eq!(written(&world).await, [login(1), forbidden.clone()]);
    world.clock.advance(PERIOD);
    flush().await;
    let all = [login(1), forbidden, login(1000)];
    assert_eq!(written(&world).await, all);
    flush().await;
    assert_eq!(written(&world).await.len(), 3, "nothing is left to write");
}

#[tokio::test]
async fn a_flood_from_everywhere_writes_few_entries_and_none_is_uncounted() {
    let world = World::new().await;
    let refusals = Refusals::default();
    for host in 0..10_000 {
        let reason = if host % 2 == 0 {
            Reason::UnknownToken
        } else {
            Reason::Role
        };
        refusals.add(refused(reason, host), world.env.now());
        if host % 1000 == 0 {
            refusals.flush(&world.env, false).await.unwrap();
        }
    }
    refusals.flush(&world.env, true).await.unwrap();
    let written = written(&world).await;
    assert!(written.len() <= MAX_KINDS + 6, "{}", written.len());
    for (action, expected) in [("login.refused", 5_000), ("access.forbidden", 5_000)] {
        let of_it = written.iter().filter(|(word, ..)| word == action);
        assert_eq!(of_it.map(|(.., count)| count).sum::<u64>(), expected);
    }
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    let world = World::new().await;
    let refusals = Refusals::default();
    let mut lines = Vec::new();
    for host in 1..=3 {
        refusals.add(refused(Reason::NoToken, host), world.env.now());
    }
    // As a flush whose transaction failed.
    lines.append(&mut refusals.pending().due(world.env.now(), false));
    refusals.add(refused(Reason::NoToken, 3), world.env.now());
    refusals.pending().put_back(lines);
    refusals.flush(&world.env, false).await.unwrap();
    let counts: Vec<u64> = written(&world)
        .await
        .into_iter()
        .map(|line| line.2)
        .collect();
    assert_eq!(counts.iter().sum::<u64>(), 4);
    assert_eq!(counts.len(), 3);
}
