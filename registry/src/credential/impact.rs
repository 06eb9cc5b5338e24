//! What it would break to disable or delete a credential, by what gateways have reported. Nothing is changed.

use std::{collections::BTreeMap, time::Duration};

use super::{Credential, SecretSummary, find, shown};
use crate::{
    application::{self, Application},
    caller::Caller,
    clock::Timestamp,
    deployment,
    edit::Edit,
    environment::Environment,
    error::{Conflict, Error},
    gateway::Gateways,
    ids::{CredentialId, GroupId},
    store::ReadTransaction,
    usage::{Day, DayCount, is_use},
};

/// How far back it looks.
const DAYS: u32 = 30;
/// Other credentials at most that are looked at.
const MAX_REMAINING: usize = 500;

/// What is thought of doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImpactAction {
    /// To disable it.
    Disable,
    /// To delete it.
    Delete,
}

/// What it would break.
#[derive(Clone, Debug)]
pub struct Impact {
    /// Whether requests were admitted with it within the time that is looked at, and would be refused.
    pub breaks: bool,
    /// How often it was used on each day of that time on which it was, the last day first.
    pub days: Vec<(Day, u64)>,
    /// On today and the six days before.
    pub last_7_days: u64,
    /// On today and the 29 days before.
    pub last_30_days: u64,
    /// When it was last used, however long ago.
    pub last_used_at: Option<Timestamp>,
    /// Where it was used within that time.
    pub groups: Vec<GroupImpact>,
    /// Its living secrets.
    pub secrets: Vec<SecretSummary>,
    /// Why it would be refused, if it would.
    pub refused: Option<Conflict>,
    /// How many other credentials of the application are honoured now; no more than 500 are looked at.
    pub remaining: usize,
    /// What this does not know.
    pub unknown: Vec<Unknown>,
}

/// What a group's gateways used it for.
#[derive(Clone, Debug)]
pub struct GroupImpact {
    /// The group's name.
    pub group: String,
    /// How often.
    pub requests: u64,
    /// When last.
    pub last_used_at: Timestamp,
}

/// Something that the answer does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No gateway of the group is known that reports, or one is silent.
    Silent {
        /// Its name.
        group: String,
    },
    /// The group's gateways have reported without a gap only since then.
    Gap {
        /// Its name.
        group: String,
        /// Since when.
        since: Timestamp,
    },
    /// The group's gateways lost some of what they counted.
    Lost {
        /// Its name.
        group: String,
        /// How many uses; 0 where a gateway was forgotten that had fallen silent.
        count: u64,
    },
    /// Usage is kept for fewer days than this looks at.
    Kept {
        /// How many.
        days: u64,
    },
}

/// Says what it would break.
pub async fn impact(
    env: &Environment,
    gateways: &Gateways,
    caller: Caller,
    id: CredentialId,
    action: ImpactAction,
) -> Result<Impact, Error> {
    let now = env.now();
    let mut read = env.store.read().await?;
    let credential = find(read.as_mut(), caller, id).await?;
    let application = application::find(read.as_mut(), caller, credential.application).await?;
    let today = Day::of(now);
    let from = Day(today.0.saturating_sub(DAYS.saturating_sub(1)));
    let mut counts = read.usage_days(id, from).await?;
    counts.retain(|one| is_use(one.outcome));
    let total = |from: u32| {
        let later = counts.iter().filter(|one| one.day.0 >= from);
        later.fold(0_u64, |sum, one| sum.saturating_add(one.count))
    };
    let last_30_days = total(from.0);
    let honoured = credential.is_honoured(now) && application.enabled;
    let names = names(read.as_mut()).await?;
    let mut details = shown::details(env, read.as_mut(), vec![credential.clone()]).await?;
    Ok(Impact {
        breaks: honoured && last_30_days > 0,
        days: by_day(&counts),
        last_7_days: total(today.0.saturating_sub(6)),
        last_30_days,
        last_used_at: credential.last_used_at,
        groups: by_group(&counts, &names),
        secrets: details.pop().map(|one| one.secrets).unwrap_or_default(),
        refused: refused(read.as_mut(), &application, &credential, action, now).await?,
        remaining: remaining(read.as_mut(), &application, &credential, now).await?,
        unknown: unknown(env, read.as_mut(), gateways, id, &names).await?,
    })
}

async fn names(read: &mut dyn ReadTransaction) -> Result<BTreeMap<GroupId, String>, Error> {
    let groups = read.groups().await?.into_iter();
    Ok(groups.map(|group| (group.id, group.name)).collect())
}

fn by_day(counts: &[DayCount]) -> Vec<(Day, u64)> {
    let mut days: BTreeMap<Day, u64> = BTreeMap::new();
    for one in counts {
        let sum = days.entry(one.day).or_default();
        *sum = sum.saturating_add(one.count);
    }
    days.into_iter().rev().collect()
}

fn by_group(counts: &[DayCount], names: &BTreeMap<GroupId, String>) -> Vec<GroupImpact> {
    let mut groups: BTreeMap<&String, GroupImpact> = BTreeMap::new();
    for one in counts {
        let Some(name) = names.get(&one.group) else {
            continue;
        };
        let sum = groups.entry(name).or_insert_with(|| GroupImpact {
            group: name.clone(),
            requests: 0,
            last_used_at: one.last,
        });
        sum.requests = sum.requests.saturating_add(one.count);
        sum.last_used_at = sum.last_used_at.max(one.last);
    }
    groups.into_values().collect()
}

/// The rules that would refuse it, asked as if it were done.
async fn refused(
    read: &mut dyn ReadTransaction,
    application: &Application,
    credential: &Credential,
    action: ImpactAction,
    now: Timestamp,
) -> Result<Option<Conflict>, Error> {
    let mut disabled = credential.clone();
    disabled.enabled = false;
    let step = (credential, &disabled);
    if let Err(conflict) = application.check_default(step, &Edit::Keep, now) {
        return Ok(Some(conflict));
    }
    if action == ImpactAction::Delete {
        let groups = deployment::on_demand(read, application, credential).await?;
        if !groups.is_empty() {
            let groups = groups.into_iter().map(|group| group.name).collect();
            return Ok(Some(Conflict::DeployedOnDemand { groups }));
        }
    }
    Ok(None)
}

async fn remaining(
    read: &mut dyn ReadTransaction,
    application: &Application,
    credential: &Credential,
    now: Timestamp,
) -> Result<usize, Error> {
    if !application.enabled {
        return Ok(0);
    }
    let query = super::CredentialQuery {
        after: None,
        limit: MAX_REMAINING,
    };
    let all = read.credentials(application.id, query).await?;
    let others = all.iter().filter(|one| one.id != credential.id);
    Ok(others.filter(|one| one.is_honoured(now)).count())
}

async fn unknown(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    gateways: &Gateways,
    id: CredentialId,
    names: &BTreeMap<GroupId, String>,
) -> Result<Vec<Unknown>, Error> {
    let now = env.now();
    let begin = now.before(Duration::from_hours(24 * u64::from(DAYS)));
    let lost = read.lost_usage(begin).await?;
    let deployed = read.deployed(id).await?;
    let mut unknown = Vec::new();
    for (group, name) in names {
        if !deployed.iter().any(|one| one.group == *group) {
            continue;
        }
        let group_name = name.clone();
        match gateways.reporting_since(*group, now) {
            None => unknown.push(Unknown::Silent { group: group_name }),
            Some(since) if since > begin => unknown.push(Unknown::Gap {
                group: group_name,
                since,
            }),
            Some(_) => {}
        }
        let mine = lost.iter().filter(|one| one.group == *group);
        let sums = mine.map(|one| one.count).reduce(u64::saturating_add);
        if let Some(count) = sums {
            let group = name.clone();
            unknown.push(Unknown::Lost { group, count });
        }
    }
    let days = env.usage_kept.as_secs() / (24 * 3600);
    if days < u64::from(DAYS) {
        unknown.push(Unknown::Kept { days });
    }
    Ok(unknown)
}
