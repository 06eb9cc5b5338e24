//! What gateways report, and what is known about them.

use std::collections::{BTreeMap, HashMap};

use super::{Applied, GatewayRecord, GatewayStatus, Polls, Report};
use crate::{
    environment::Environment,
    error::{Error, InvalidField},
    ids::{GroupId, TokenId},
    store::Head,
};

const MAX_NAME_LENGTH: usize = 256;
/// Beyond what any counter reaches, and what the store can hold.
const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// Keeps a gateway's report, unless it is not newer than the last one from the same start of the gateway.
pub async fn report(
    env: &Environment,
    group: GroupId,
    token: TokenId,
    report: Report,
) -> Result<(), Error> {
    check_name(&report.gateway)?;
    for (field, number) in [("sequence", report.sequence), ("revision", report.revision)] {
        if number > MAX_NUMBER {
            return Err(InvalidField::new(field, format!("must be at most {MAX_NUMBER}")).into());
        }
    }
    let mut write = env.store.write().await?;
    let last = write.gateway(group, &report.instance).await?;
    if last.is_some_and(|last| report.sequence <= last.report.sequence) {
        return Ok(());
    }
    write
        .put_gateway(&GatewayRecord {
            group,
            token,
            report,
            seen_at: env.now(),
        })
        .await?;
    env.commit(write).await?;
    Ok(())
}

/// Everything that is known about gateways: from their reports, and from the polls that this process has seen.
pub async fn list(env: &Environment, polls: &Polls) -> Result<Vec<GatewayStatus>, Error> {
    let mut read = env.store.read().await?;
    let head = read.head().await?;
    let names: BTreeMap<GroupId, String> = read
        .groups()
        .await?
        .into_iter()
        .map(|group| (group.id, group.name))
        .collect();
    let mut polled: HashMap<_, _> = polls.all().into_iter().collect();
    let mut gateways = Vec::new();
    for record in read.gateways().await? {
        let polled_at = polled
            .remove(&(record.group, record.report.instance))
            .map(|poll| poll.at);
        let Some(group) = names.get(&record.group) else {
            continue;
        };
        gateways.push(GatewayStatus {
            group: group.clone(),
            applied: applied(&record.report, &head),
            gateway: record.report.gateway,
            instance: record.report.instance,
            seen_at: polled_at.map_or(record.seen_at, |polled_at| polled_at.max(record.seen_at)),
            reported_at: Some(record.seen_at),
            polled_at,
        });
    }
    for ((group, instance), poll) in polled {
        if let Some(group) = names.get(&group) {
            gateways.push(GatewayStatus {
                group: group.clone(),
                gateway: poll.gateway,
                instance,
                applied: None,
                seen_at: poll.at,
                reported_at: None,
                polled_at: Some(poll.at),
            });
        }
    }
    gateways.sort_by(|a, b| {
        (&a.group, &a.gateway, a.instance).cmp(&(&b.group, &b.gateway, b.instance))
    });
    Ok(gateways)
}

/// A gateway's name may be empty.
pub(super) fn check_name(name: &str) -> Result<(), InvalidField> {
    if name.len() <= MAX_NAME_LENGTH && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(InvalidField::new(
            "gateway",
            format!("must be at most {MAX_NAME_LENGTH} bytes, none of them a control character"),
        ))
    }
}

fn applied(report: &Report, head: &Head) -> Option<Applied> {
    (report.epoch == head.epoch).then(|| Applied {
        revision: report.revision,
        lag: head.revision.saturating_sub(report.revision),
        complete: report.complete,
        workers: report.workers,
    })
}
