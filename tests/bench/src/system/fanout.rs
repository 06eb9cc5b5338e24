//! Many gateways that follow one registry.

use std::time::{Duration, Instant};

use filter_core::feed::{Body, Page};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    admin::Admin,
    figure,
    follower::Follower,
    grouped,
    http::{Connection, get},
    usage::{self, Processor},
};
use crate::{
    report::{Context, Estimate, Failed, Figure, Section},
    seed::{Running, Seeded},
    stats,
};

const CHANGES: usize = 5;

/// One change, and the time until all gateways that wait have it.
pub(crate) async fn measure_change(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    gateways: usize,
) -> Result<Vec<Figure>, Failed> {
    let registry = seed.start(context)?;
    let mut first = Follower::connect(&registry, 0).await?;
    while first.poll(0).await?.more {}
    let mut admin = Admin::new(&registry)?;
    let application = admin.application("fan-out")?;
    let mut cursor = first.catch_up().await?;

    let (mut median, mut last, mut costs) = (Vec::new(), Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let mut waiting = JoinSet::new();
        for number in 0..gateways {
            let mut follower = Follower::connect(&registry, number).await?;
            follower.cursor.clone_from(&cursor);
            waiting
                .spawn(async move { follower.poll(60).await.map(|page| (page, Instant::now())) });
        }
        until_waiting(&registry, gateways).await?;
        let before = Processor::of(registry.id())?;
        let sent = Instant::now();
        admin.key(&application, &format!("key-{change}"))?;
        let mut received = Vec::new();
        while let Some(done) = waiting.join_next().await {
            let (page, at) = done??;
            check(&page)?;
            cursor = page.next;
            received.push((at - sent).as_secs_f64() * 1e3);
        }
        let used = Processor::of(registry.id())?.since(&before);
        median.push(stats::quantile(&received, 0.5));
        last.push(stats::quantile(&received, 1.0));
        costs.push(used.total().as_secs_f64() * 1e3);
    }
    let note = format!(
        "median of {CHANGES} changes, from the request that makes the change; each gateway waits with a poll of its own, \
         at {} credentials; on the machine that also runs the gateways",
        grouped(credentials)
    );
    let (count, database) = (grouped(gateways), seed.database());
    let one = |what: String, values: &[f64]| Figure {
        value: Estimate::exact(stats::quantile(values, 0.5)),
        ..figure(Section::Registry, what, "ms", 0.0, None, note.clone())
    };
    Ok(vec![
        one(
            format!("one change until half of {count} gateways have it, {database}"),
            &median,
        ),
        one(
            format!("one change until all of {count} gateways have it, {database}"),
            &last,
        ),
        one(
            format!("the registry's processor time for one change to {count} gateways, {database}"),
            &costs,
        ),
    ])
}

fn check(page: &Page) -> Result<(), Failed> {
    match &page.body {
        Body::Changes(changes) if !changes.changes.is_empty() => Ok(()),
        _ => Err("a gateway waited for a change and got none".into()),
    }
}

/// Waits until the registry says that so many polls wait.
async fn until_waiting(registry: &Running, gateways: usize) -> Result<(), Failed> {
    let started = Instant::now();
    loop {
        let answer = Connection::open(registry.operations)?.send(&get("/metrics", &[]))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let waiting = text.lines().find_map(|line| {
            line.strip_prefix("keysmith_feed_waiters ")?
                .parse::<usize>()
                .ok()
        });
        if waiting.is_some_and(|waiting| waiting >= gateways) {
            // Counted just before they wait: give the last of them the time to do so.
            sleep(Duration::from_millis(500)).await;
            return Ok(());
        }
        if started.elapsed() > Duration::from_mins(1) {
            return Err(format!("{waiting:?} of {gateways} gateways wait").into());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Many gateways that begin at the same time; they are given up after `patience`.
pub(crate) async fn measure_start(
    context: &Context,
    seed: &Seeded,
    credentials: usize,
    gateways: usize,
    patience: Duration,
) -> Result<Vec<Figure>, Failed> {
    let registry = seed.start(context)?;
    let resting = usage::memory(registry.id())?;
    let (gate, opened) = watch::channel(false);
    let mut loading = JoinSet::new();
    for number in 0..gateways {
        let mut follower = Follower::connect(&registry, number).await?;
        let mut opened = opened.clone();
        loading.spawn(async move {
            opened.wait_for(|is_open| *is_open).await?;
            follower.load().await
        });
    }
    let before = Processor::of(registry.id())?;
    let began = Instant::now();
    gate.send(true)?;
    let all = async {
        while let Some(done) = loading.join_next().await {
            let loaded = done??;
            if loaded != credentials {
                return Err(format!("a gateway got {loaded} of {credentials} credentials").into());
            }
        }
        Ok::<(), Failed>(())
    };
    let finished = timeout(patience, all).await;
    let taken = began.elapsed().as_secs_f64();
    let used = Processor::of(registry.id())?.since(&before);
    let peak = usage::peak_memory(registry.id())?;
    let left = loading.len();
    let (time, outcome) = match finished {
        Ok(loaded) => loaded.map(|()| (Estimate::exact(taken), String::new()))?,
        // Nobody knows how long it would have taken.
        Err(_) => (
            Estimate {
                middle: f64::NAN,
                low: Some(taken),
                high: Some(f64::INFINITY),
            },
            format!("{left} of them had not finished when it was given up after {taken:.0} s"),
        ),
    };
    let until_then = if left == 0 {
        ""
    } else {
        "until it was given up; "
    };
    let what = format!(
        "{} gateways load {} credentials at once",
        grouped(gateways),
        grouped(credentials)
    );
    let one = |detail: &str, unit, value, note: String| {
        figure(
            Section::Registry,
            format!("{what}: {detail}"),
            unit,
            value,
            None,
            note,
        )
    };
    Ok(vec![
        Figure {
            value: time,
            ..one("time until all have them", "s", taken, outcome)
        },
        one(
            "the registry's processor time",
            "s",
            used.total().as_secs_f64(),
            format!("{until_then}{}", used.describe()),
        ),
        one(
            "the most memory that the registry held",
            "MB",
            peak,
            format!("{until_then}before they came it held {resting:.0} MB"),
        ),
    ])
}
