//! Where a credential is deployed, by what gateways report.

use super::rule;
use crate::{
    application,
    caller::Caller,
    clock::Timestamp,
    credential,
    environment::Environment,
    error::Error,
    gateway::{self, GatewayGroup, Gateways, Known, Lack, Mode, Wanted},
    ids::{CredentialId, GroupId},
    propagation::{Change, Propagation},
    store::Positions,
};

/// How a credential stands to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The group's name.
    pub group: String,
    /// What the group takes by itself.
    pub mode: Mode,
    /// How far its gateways have come.
    pub state: State,
    /// The position in the log that its gateways must have reached for that.
    pub revision: Option<u64>,
    /// What is in the way, if something is.
    pub message: Option<String>,
}

/// How far a group's gateways have come with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is to be honoured, and not every gateway does yet.
    Pending,
    /// Every gateway honours it as it is now.
    Deployed,
    /// It was withdrawn, and a gateway may still honour it.
    Undeploying,
    /// No gateway honours it.
    Undeployed,
    /// A gateway cannot be relied upon.
    Error,
}

/// Where a credential is, and how far its last change has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// By name of the group: those where it is, was, or is to be.
    pub deployments: Vec<Deployment>,
    /// Of its last change for gateways; `None` where no gateway was ever told of it.
    pub propagation: Option<Propagation>,
}

/// Where the credential is by now.
pub async fn whereabouts(
    env: &Environment,
    gateways: &Gateways,
    caller: Caller,
    id: CredentialId,
) -> Result<Whereabouts, Error> {
    look(env, gateways, caller, id, None).await
}

/// How the credential stands to one group by now; `None` if there is no such group.
pub async fn of_group(
    env: &Environment,
    gateways: &Gateways,
    caller: Caller,
    id: CredentialId,
    group: &str,
) -> Result<Option<Deployment>, Error> {
    let found = look(env, gateways, caller, id, Some(group)).await?;
    let mut deployments = found.deployments.into_iter();
    Ok(deployments.find(|deployment| deployment.group == group))
}

/// The group that is asked for is shown whether or not there is anything to be said of it.
async fn look(
    env: &Environment,
    gateways: &Gateways,
    caller: Caller,
    id: CredentialId,
    asked_for: Option<&str>,
) -> Result<Whereabouts, Error> {
    let now = env.now();
    let mut read = env.store.read().await?;
    let credential = credential::find(read.as_mut(), caller, id).await?;
    let application = application::find(read.as_mut(), caller, credential.application).await?;
    let groups = read.groups().await?;
    let overrides = read.overrides(id).await?;
    let positions = read.positions(id, application.id).await?;
    let epoch = read.head().await?.epoch;
    let mut told = positions.withdrawn.clone();
    for (group, revision) in &positions.deployed {
        let last = told.entry(*group).or_default();
        *last = (*revision).max(*last);
    }
    let change = Change::of(read.as_mut(), told).await?;
    drop(read);
    let expired = credential.is_expired(now);
    gateways.look(|known| {
        let deployments = groups.iter().filter_map(|group| {
            let said = rule::said(&overrides, group.id);
            let asked = Asked {
                group,
                wanted: rule::is_effective(&application, &credential, group, said),
                allowed: application.reach.allows(group),
                expired,
            };
            let is_known = said.is_some()
                || positions.told(group.id)
                || asked_for == Some(group.name.as_str());
            (asked.wanted || is_known).then(|| asked.deployment(&positions, epoch, known, now))
        });
        Ok(Whereabouts {
            deployments: deployments.collect(),
            propagation: change.map(|change| Propagation::of(&change, known, now)),
        })
    })
}

impl Positions {
    fn told(&self, group: GroupId) -> bool {
        self.deployed.contains_key(&group) || self.withdrawn.contains_key(&group)
    }
}

/// What is asked of one group.
struct Asked<'a> {
    group: &'a GatewayGroup,
    wanted: bool,
    allowed: bool,
    expired: bool,
}

impl Asked<'_> {
    fn deployment(
        &self,
        positions: &Positions,
        epoch: [u8; 16],
        known: Known<'_>,
        now: Timestamp,
    ) -> Deployment {
        let deployed = positions.deployed.get(&self.group.id).copied();
        let admitted = positions.admitted.get(&self.group.id).copied();
        let withdrawn = positions.withdrawn.get(&self.group.id).copied();
        let (reached, on_the_way, revision) = if deployed.is_some() {
            // A secret of it that has ended is withdrawn, and one that knows that no more honours it still.
            let last = deployed.max(admitted).max(withdrawn);
            (State::Deployed, State::Pending, last)
        } else {
            (State::Undeployed, State::Undeploying, withdrawn)
        };
        let progress = revision.map_or(Progress::All, |revision| {
            let wanted = Wanted {
                epoch,
                revision,
                committed_at: None,
            };
            progress(self.group.id, &wanted, known, now)
        });
        let (state, message) = match progress {
            Progress::Nobody if reached == State::Deployed => (State::Pending, None),
            Progress::Nobody | Progress::All => (reached, self.why_not(deployed.is_some())),
            Progress::Some => (on_the_way, None),
            Progress::Unreliable(message) => (State::Error, Some(message)),
        };
        Deployment {
            group: self.group.name.clone(),
            mode: self.group.mode,
            state,
            revision,
            message,
        }
    }

    /// Why it is not there although it is to be, or was said to be.
    fn why_not(&self, is_there: bool) -> Option<String> {
        let reason = match (is_there, self.wanted, self.allowed) {
            (true, ..) | (false, false, true) => return None,
            (false, _, false) => "the application may not use the gateway group",
            (false, true, true) if self.expired => "the credential has expired",
            (false, true, true) => "the credential has no secret that works",
        };
        Some(reason.to_owned())
    }
}

/// How many of a group's gateways have a position.
enum Progress {
    /// There is none that may admit requests.
    Nobody,
    /// Not all yet.
    Some,
    All,
    /// One may never say.
    Unreliable(String),
}

fn progress(group: GroupId, wanted: &Wanted, known: Known<'_>, now: Timestamp) -> Progress {
    let mut progress = Progress::Nobody;
    for (instance, seen) in known.of(group) {
        let Some(standing) = seen.standing(wanted, now) else {
            continue;
        };
        let wrong = match standing.state {
            gateway::State::Applied => {
                if matches!(progress, Progress::Nobody) {
                    progress = Progress::All;
                }
                continue;
            }
            gateway::State::Pending(Lack::Nothing | Lack::Behind) => {
                progress = Progress::Some;
                continue;
            }
            gateway::State::Pending(Lack::Incomplete) => "has no complete snapshot yet",
            gateway::State::Pending(Lack::OtherLog) => "follows another log",
            gateway::State::Silent => {
                "is silent, and may go on with what it has: GET /v1/gateways says since when, and \
                 DELETE /v1/gateways/{instance} forgets one that is gone"
            }
        };
        let instance = u128::from_be_bytes(instance);
        let gateway = &seen.gateway;
        return Progress::Unreliable(format!("the gateway {gateway:?} ({instance:032x}) {wrong}"));
    }
    progress
}
