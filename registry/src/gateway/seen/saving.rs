//! Writing down what is known of gateways.

use std::collections::{BTreeMap, BTreeSet};

use super::{Gateways, Instance};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    gateway::GatewayRecord,
    ids::GroupId,
    usage::{Day, LostUsage},
};

impl Gateways {
    /// Writes down what is new, in one transaction, and nothing if nothing is.
    pub async fn save(&self, env: &Environment) -> Result<(), Error> {
        let (taken, forgotten) = {
            let state = &mut *self.lock();
            (std::mem::take(&mut state.unsaved), state.forgotten.clone())
        };
        if taken.is_empty() && forgotten.is_empty() {
            return Ok(());
        }
        let saved = self.write(env, &taken, &forgotten).await;
        let state = &mut *self.lock();
        if saved.is_ok() {
            // Not before it is written down, because somebody may look in between.
            state
                .forgotten
                .retain(|group, until| forgotten.get(group).is_none_or(|saved| saved < until));
        } else {
            state.unsaved.extend(taken);
        }
        saved
    }

    async fn write(
        &self,
        env: &Environment,
        unsaved: &BTreeSet<(GroupId, Instance)>,
        forgotten: &BTreeMap<GroupId, Timestamp>,
    ) -> Result<(), Error> {
        let mut write = env.store.write().await?;
        let groups: BTreeSet<GroupId> = write.groups().await?.iter().map(|one| one.id).collect();
        self.lock().groups.retain(|group, _| groups.contains(group));
        for (group, instance) in unsaved.iter().filter(|(group, _)| groups.contains(group)) {
            match self.to_save(*group, instance) {
                Some(record) => write.put_gateway(&record).await?,
                None => write.delete_gateway(*group, instance).await?,
            }
        }
        for (group, until) in forgotten.iter().filter(|(group, _)| groups.contains(group)) {
            let lost = LostUsage {
                group: *group,
                day: Day::of(*until),
                count: 0,
                last: *until,
            };
            write.add_lost_usage(&lost).await?;
        }
        env.commit(write).await?;
        Ok(())
    }

    fn to_save(&self, group: GroupId, instance: &Instance) -> Option<GatewayRecord> {
        let mut state = self.lock();
        let seen = state.groups.get_mut(&group)?.get_mut(instance)?;
        // Before it is: whatever becomes of the transaction, to delete a row that is not there does no harm.
        seen.saved = true;
        seen.last.clone()
    }
}
