//! How far the replacing of a digest key has come.

use std::collections::BTreeMap;

use crate::{
    environment::Environment,
    error::{Error, Kind},
    gateway::{Gateways, State, Wanted},
    ids::GroupId,
    propagation::{Change, Propagation},
    store::{Phase, ReadTransaction, Rekeying},
};

/// A group's digest key, which itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestKeyState {
    /// The group's name.
    pub group: String,
    /// Which of its keys it is, counting from 1: the one that is told to a gateway that begins now.
    pub version: u32,
    /// How far another one has taken its place, or it another's.
    pub replacement: Option<Replacement>,
}

/// How far the replacing of a group's digest key has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// How far.
    pub rekeying: Rekeying,
    /// Which gateways have gone over to the new key, once they were told of it.
    pub propagation: Option<Propagation>,
}

/// The state of every group's digest key, by name of the group.
pub async fn digest_keys(
    env: &Environment,
    gateways: &Gateways,
) -> Result<Vec<DigestKeyState>, Error> {
    let mut read = env.store.read().await?;
    let keys = read.digest_keys().await?;
    let mut rekeyings: BTreeMap<GroupId, Rekeying> = BTreeMap::new();
    for rekeying in read.rekeyings().await? {
        rekeyings.insert(rekeying.group, rekeying);
    }
    let mut states = Vec::new();
    for group in read.groups().await? {
        let key = keys.iter().find(|key| key.group == group.id);
        let key = key.ok_or(Error::NotFound(Kind::GatewayGroup))?;
        let mut replacement = None;
        if let Some(rekeying) = rekeyings.remove(&group.id) {
            let change = match rekeying.phase {
                Phase::Switched { revision } => {
                    Change::of(read.as_mut(), [(group.id, revision)]).await?
                }
                Phase::Adding | Phase::Removing => None,
            };
            let now = env.now();
            let propagation =
                change.map(|change| gateways.look(|known| Propagation::of(&change, known, now)));
            replacement = Some(Replacement {
                rekeying,
                propagation,
            });
        }
        states.push(DigestKeyState {
            group: group.name,
            version: key.version,
            replacement,
        });
    }
    Ok(states)
}

/// The state of the digest key of the group with this name.
pub async fn of_key(
    env: &Environment,
    gateways: &Gateways,
    group: &str,
) -> Result<DigestKeyState, Error> {
    let states = digest_keys(env, gateways).await?;
    let mut states = states.into_iter();
    states
        .find(|state| state.group == group)
        .ok_or(Error::NotFound(Kind::GatewayGroup))
}

/// Whether every gateway of the group that may admit requests has the position, whichever registry it told.
pub(super) async fn is_everywhere(
    env: &Environment,
    gateways: &Gateways,
    read: &mut dyn ReadTransaction,
    group: GroupId,
    revision: u64,
) -> Result<bool, Error> {
    if !gateways.knows_all(read, env.now()).await? {
        return Ok(false);
    }
    let wanted = Wanted {
        epoch: read.head().await?.epoch,
        revision,
        committed_at: None,
    };
    let now = gateways.cautious(env.now());
    Ok(gateways.look(|known| {
        let mut standings = known
            .of(group)
            .filter_map(|(_, seen)| seen.standing(&wanted, now));
        standings.all(|standing| standing.state == State::Applied)
    }))
}
