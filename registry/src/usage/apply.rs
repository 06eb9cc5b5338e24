//! Applying what gateways report, each batch once.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::usage::{UsageBatch, Use, UseOutcome};

use super::{
    AppliedBatch, BATCHES_KEPT, Day, DayCount, LostUsage, MAX_COUNT, MAX_LANES_OF_GROUP, Reported,
    UsageCount, is_use,
};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::{CredentialId, GroupId},
    store::WriteTransaction,
};

/// What one gateway reports.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) group: GroupId,
    pub(super) instance: [u8; 16],
    pub(super) batches: Vec<UsageBatch>,
}

/// What came of some reports, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) allowed: u64,
    pub(super) forbidden: u64,
    pub(super) refused: u64,
    pub(super) lost: u64,
}

/// Applies what is new of some reports, in one transaction.
pub(super) async fn apply(env: &Environment, submissions: &[&Submission]) -> Result<Tally, Error> {
    let now = env.now();
    let mut write = env.store.write().await?;
    let mut sums = Sums::default();
    let mut is_new = false;
    for submission in submissions {
        let fresh = fresh(write.as_mut(), submission, now).await?;
        is_new |= !fresh.is_empty();
        sums.add(write.as_mut(), submission.group, &fresh, now)
            .await?;
    }
    if !is_new {
        return Ok(Tally::default());
    }
    sums.keep(write.as_mut(), now).await?;
    env.commit(write).await?;
    Ok(sums.tally)
}

/// The batches that were not applied yet, each with whether its uses are lost, because it is too old or the group has too
/// many lanes; from now on they count as applied.
async fn fresh<'a>(
    write: &mut dyn WriteTransaction,
    submission: &'a Submission,
    now: Timestamp,
) -> Result<Vec<(&'a UsageBatch, bool)>, Error> {
    let Submission {
        group, instance, ..
    } = submission;
    let mut fresh = Vec::new();
    for batch in &submission.batches {
        let last = write.applied_batch(*group, instance, batch.lane).await?;
        if last.is_some_and(|last| batch.sequence <= last) {
            continue;
        }
        if last.is_none() && write.lanes(*group, MAX_LANES_OF_GROUP).await? >= MAX_LANES_OF_GROUP {
            fresh.push((batch, true));
            continue;
        }
        let applied = AppliedBatch {
            group: *group,
            instance: *instance,
            lane: batch.lane,
            sequence: batch.sequence,
            at: now,
        };
        write.put_applied_batch(&applied).await?;
        let too_old = last.is_none() && is_older(batch, now.before(BATCHES_KEPT));
        fresh.push((batch, too_old));
    }
    Ok(fresh)
}

fn is_older(batch: &UsageBatch, moment: Timestamp) -> bool {
    let last = batch.uses.iter().map(|used| used.last_ms).max();
    last.is_some_and(|last| last < moment.as_millis())
}

/// What is to be added, each counter once.
#[derive(Default)]
struct Sums {
    secrets: BTreeMap<(CredentialId, u32, UseOutcome), UsageCount>,
    days: BTreeMap<(CredentialId, Day, GroupId, UseOutcome), DayCount>,
    used: BTreeSet<CredentialId>,
    lost: BTreeMap<GroupId, u64>,
    tally: Tally,
}

impl Sums {
    /// Adds what the group may know of. A gateway's token speaks for its group only: uses of credentials that no gateway of
    /// the group ever saw, and of versions that were never given out, count as lost. Credentials that are gone are left out.
    async fn add(
        &mut self,
        write: &mut dyn WriteTransaction,
        group: GroupId,
        fresh: &[(&UsageBatch, bool)],
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut uses: Vec<&Use> = Vec::new();
        for (batch, is_lost) in fresh {
            let mut lost = batch.lost;
            if *is_lost {
                lost = batch
                    .uses
                    .iter()
                    .fold(lost, |sum, used| sum.saturating_add(used.count));
            } else {
                uses.extend(&batch.uses);
            }
            self.lose(group, lost);
        }
        if uses.is_empty() {
            return Ok(());
        }
        let named: BTreeSet<CredentialId> = uses
            .iter()
            .map(|used| CredentialId::from_object_id(used.credential))
            .collect();
        let named: Vec<CredentialId> = named.into_iter().collect();
        let reported = write.reported(group, &named).await?.into_iter();
        let reported: BTreeMap<CredentialId, Reported> =
            reported.map(|one| (one.credential, one)).collect();
        for used in uses {
            let credential = CredentialId::from_object_id(used.credential);
            match reported.get(&credential) {
                Some(known) if known.had(used.version) => self.count(group, credential, used, now),
                Some(_) => self.lose(group, used.count),
                None => {}
            }
        }
        Ok(())
    }

    /// Clocks differ: what lies in the future was now.
    fn count(&mut self, group: GroupId, credential: CredentialId, used: &Use, now: Timestamp) {
        let first = Timestamp::from_millis(used.first_ms).min(now);
        let last = Timestamp::from_millis(used.last_ms).min(now);
        let Use {
            version,
            outcome,
            count,
            ..
        } = *used;
        let sum = self
            .secrets
            .entry((credential, version, outcome))
            .or_insert(UsageCount {
                credential,
                version,
                outcome,
                count: 0,
                first,
                last,
                received: now,
            });
        sum.count = sum.count.saturating_add(count).min(MAX_COUNT);
        sum.first = sum.first.min(first);
        sum.last = sum.last.max(last);
        let day = Day::of(last);
        let sum = self
            .days
            .entry((credential, day, group, outcome))
            .or_insert(DayCount {
                credential,
                day,
                group,
                outcome,
                count: 0,
                last,
            });
        sum.count = sum.count.saturating_add(count).min(MAX_COUNT);
        sum.last = sum.last.max(last);
        if is_use(outcome) {
            self.used.insert(credential);
        }
        let total = match outcome {
            UseOutcome::Allowed => &mut self.tally.allowed,
            UseOutcome::Forbidden => &mut self.tally.forbidden,
            UseOutcome::Refused => &mut self.tally.refused,
        };
        *total = total.saturating_add(count);
    }

    fn lose(&mut self, group: GroupId, lost: u64) {
        if lost > 0 {
            let sum = self.lost.entry(group).or_default();
            *sum = sum.saturating_add(lost).min(MAX_COUNT);
            self.tally.lost = self.tally.lost.saturating_add(lost);
        }
    }

    async fn keep(&self, write: &mut dyn WriteTransaction, now: Timestamp) -> Result<(), Error> {
        let secrets: Vec<UsageCount> = self.secrets.values().copied().collect();
        let days: Vec<DayCount> = self.days.values().copied().collect();
        let used: Vec<CredentialId> = self.used.iter().copied().collect();
        write.add_usage(&secrets, &days, &used).await?;
        for (group, count) in &self.lost {
            let lost = LostUsage {
                group: *group,
                day: Day::of(now),
                count: *count,
                last: now,
            };
            write.add_lost_usage(&lost).await?;
        }
        Ok(())
    }
}
