//! To which gateway groups a credential is deployed.

use clap::Args;
use serde_json::Value;

use super::Named;
use crate::cli::{
    client::Ask,
    console::Console,
    desk::{Desk, Wait},
    failure::Failure,
    names::{credential_id, segment},
    output::{Table, or, text},
};

/// A credential and a gateway group.
#[derive(Debug, Args)]
pub(super) struct Deploy {
    #[command(flatten)]
    named: Named,
    /// The gateway group's name
    group: String,
    #[command(flatten)]
    wait: Wait,
}

impl Deploy {
    pub(super) fn deploy(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        self.send(desk, Ask::put, "deployed to")
    }

    pub(super) fn undeploy(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        self.send(desk, Ask::delete, "undeployed from")
    }

    fn send(
        self,
        desk: &mut Desk<'_, '_>,
        method: impl FnOnce(String) -> Ask,
        done: &str,
    ) -> Result<(), Failure> {
        let id = credential_id(&mut desk.client, &self.named.credential)?;
        let group = segment(&self.group);
        let ask = method(format!("/v1/credentials/{id}/deployments/{group}"));
        let reply = desk.client.send(&self.wait.on(ask)?)?;
        desk.report_done(&reply, &format!("{done} {}", self.group))
    }
}

/// Prints where a credential is deployed, and where not.
pub(super) fn list(desk: &mut Desk<'_, '_>, named: &str) -> Result<(), Failure> {
    let id = credential_id(&mut desk.client, named)?;
    let items = desk
        .client
        .whole(&format!("/v1/credentials/{id}/deployments"))?;
    desk.print_list(items, table)
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new(["GROUP", "MODE", "STATE", "MESSAGE"]);
    for item in items {
        table.row([
            text(item, "group"),
            or(text(item, "mode"), "-"),
            text(item, "state"),
            text(item, "message"),
        ]);
    }
    table.print(console)
}
