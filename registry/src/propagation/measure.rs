//! How long changes take to reach gateways, for those who watch the registry.

use std::{collections::BTreeMap, time::Duration};

use super::{Change, Propagation};
use crate::{
    environment::Environment,
    error::Error,
    gateway::{self, Gateways, Wanted},
    ids::GroupId,
};

/// Changes at most of one group that are measured at a time.
const MOST: usize = 256;

/// Up to which position each group's changes were measured.
#[derive(Debug, Default)]
pub struct Measured(BTreeMap<GroupId, u64>);

/// How long each change took until every gateway of a group that is heard of had it, for those that all have since the last
/// time. What was committed before the first time is not measured.
pub async fn measure(
    env: &Environment,
    gateways: &Gateways,
    measured: &mut Measured,
) -> Result<Vec<Duration>, Error> {
    let mut read = env.store.read().await?;
    let head = read.head().await?;
    let now = env.now();
    let mut taken = Vec::new();
    for group in read.groups().await? {
        let wanted = Wanted {
            epoch: head.epoch,
            revision: u64::MAX,
            committed_at: None,
        };
        let lowest = gateways.look(|known| {
            let standings = known.of(group.id);
            let counted = standings.filter_map(|(_, seen)| seen.standing(&wanted, now));
            counted
                .filter(|one| one.state != gateway::State::Silent)
                .map(|one| one.revision.unwrap_or(0))
                .min()
        });
        let Some(lowest) = lowest else { continue };
        let known = *measured.0.entry(group.id).or_insert(head.revision);
        if lowest <= known {
            continue;
        }
        measured.0.insert(group.id, lowest);
        for (revision, _) in read.commits_of(group.id, known, lowest, MOST).await? {
            let change = Change::of(&mut *read, [(group.id, revision)]).await?;
            let Some(change) = change else { continue };
            let propagation = gateways.look(|known| Propagation::of(&change, known, now));
            taken.extend(propagation.after_ms.map(Duration::from_millis));
        }
    }
    Ok(taken)
}
