//! Everything that a gateway says in one report.

use std::sync::Arc;

use filter_core::usage::UsageBatch;

use super::Intake;
use crate::{
    environment::Environment,
    error::Error,
    gateway::{self, Gateways, Report},
    ids::{GroupId, TokenId},
};

/// Keeps what a gateway counted, and notes the rest of its report only then: a gateway whose usage does not arrive leaves a
/// gap, however often it is heard of.
pub async fn receive(
    env: &Environment,
    gateways: &Gateways,
    intake: &Arc<Intake>,
    (group, token): (GroupId, TokenId),
    report: Report,
    usage: Vec<UsageBatch>,
) -> Result<(), Error> {
    gateway::check(&report)?;
    if let Err(error) = intake.submit(group, report.instance, usage).await {
        gateways.usage_not_kept(group, &report.instance, env.now());
        return Err(error);
    }
    gateway::report(env, gateways, group, token, report)?;
    Ok(())
}
