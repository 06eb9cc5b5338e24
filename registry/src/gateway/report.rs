//! What gateways report, and what is known about them.

use std::collections::BTreeMap;

use super::{Applied, GatewayStatus, Gateways, Report};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    environment::Environment,
    error::{Error, InvalidField, Kind},
    ids::{GroupId, TokenId},
    store::Head,
};

const MAX_NAME_LENGTH: usize = 256;
/// Beyond what any counter reaches, and what the store can hold.
const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// Notes a gateway's report, unless it is not newer than the last one from the same start of the gateway.
pub fn report(
    env: &Environment,
    gateways: &Gateways,
    group: GroupId,
    token: TokenId,
    report: Report,
) -> Result<(), InvalidField> {
    check(&report)?;
    gateways.reported(group, token, report, env.store.revision(), env.now());
    Ok(())
}

/// Whether a report can be noted.
pub(crate) fn check(report: &Report) -> Result<(), InvalidField> {
    check_name(&report.gateway)?;
    for (field, number) in [("sequence", report.sequence), ("revision", report.revision)] {
        if number > MAX_NUMBER {
            return Err(InvalidField::new(
                field,
                format!("must be at most {MAX_NUMBER}"),
            ));
        }
    }
    Ok(())
}

/// Forgets a gateway that is known to be gone, so that nothing waits for it.
pub async fn forget(
    env: &Environment,
    gateways: &Gateways,
    caller: Caller,
    instance: [u8; 16],
) -> Result<(), Error> {
    if !gateways.forget(instance, env.now()) {
        return Err(Error::NotFound(Kind::Gateway));
    }
    let mut write = env.store.write().await?;
    let subject = format!("{:032x}", u128::from_be_bytes(instance));
    let event = Event::of(Action::GatewayForgotten, subject);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// Everything that is known about gateways: from their reports, and from the polls that this process has seen.
pub async fn list(env: &Environment, gateways: &Gateways) -> Result<Vec<GatewayStatus>, Error> {
    let mut read = env.store.read().await?;
    let head = read.head().await?;
    let names: BTreeMap<GroupId, String> = read
        .groups()
        .await?
        .into_iter()
        .map(|group| (group.id, group.name))
        .collect();
    drop(read);
    let mut listed: Vec<GatewayStatus> = gateways
        .all()
        .into_iter()
        .filter_map(|(group, instance, seen)| {
            let last = seen.last.as_ref();
            Some(GatewayStatus {
                group: names.get(&group)?.clone(),
                applied: last.and_then(|last| applied(&last.report, &head)),
                reported_at: last.map(|last| last.seen_at),
                gateway: seen.gateway,
                instance,
                seen_at: seen.at,
                polled_at: seen.polled_at,
            })
        })
        .collect();
    listed.sort_by(|a, b| {
        (&a.group, &a.gateway, a.instance).cmp(&(&b.group, &b.gateway, b.instance))
    });
    Ok(listed)
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
