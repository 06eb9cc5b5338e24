//! `keysmith credentials`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    client::Ask,
    console::Console,
    desk::{Common, Desk, Wait},
    failure::Failure,
    names::credential_id,
    output::text,
};

mod create;
mod deploy;
mod impact;
mod list;
mod rotate;
mod show;
mod update;
mod usage;

/// Credentials: API keys, user names with passwords, bearer tokens, and OAuth clients
///
/// A credential is named by its id, or as APPLICATION/NAME.
#[derive(Debug, Args)]
pub struct Credentials {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List credentials
    List(list::List),
    /// Show a credential
    Show(Named),
    /// Create a credential
    Create(create::Create),
    /// Change a credential; its secret is changed by rotating it
    Update(update::Update),
    /// Honour a credential again
    Enable(Change),
    /// Stop a credential without deleting it
    Disable(Change),
    /// Delete a credential; its value never works again
    Delete(Delete),
    /// Say what disabling or deleting a credential would break, by what gateways have reported; nothing is changed
    Impact(impact::Impact),
    /// Deploy a credential to a gateway group
    Deploy(deploy::Deploy),
    /// Take a credential away from a gateway group
    Undeploy(deploy::Deploy),
    /// List the gateway groups where a credential is, was or is to be, and how far they have come
    Deployments(Named),
    /// Replace a credential's secret
    Rotate(rotate::Rotate),
    /// End the old secrets now, before their grace period is over
    FinishRotation(Change),
    /// Go back to the old secret, as long as nobody has used the new one
    CancelRotation(Change),
    /// Refuse every access token that an OAuth client has got until now
    RevokeTokens(Change),
    /// Show the secrets of a credential that was created with --retrievable
    Reveal(rotate::Reveal),
}

#[derive(Debug, Args)]
struct Named {
    /// Its id, or APPLICATION/NAME
    credential: String,
}

#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    wait: Wait,
}

#[derive(Debug, Args)]
struct Delete {
    #[command(flatten)]
    named: Named,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Delete it even where it is deployed on demand
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    wait: Wait,
}

impl Credentials {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut desk = self.common.open(console)?;
        match self.action {
            Action::List(list) => list.run(&mut desk),
            Action::Show(Named { credential }) => {
                let found = find(&mut desk, &credential)?;
                desk.print_one(&found, show::show)
            }
            Action::Create(create) => create.run(&mut desk),
            Action::Update(update) => update.run(&mut desk),
            Action::Enable(target) => target.set(&mut desk, true),
            Action::Disable(target) => target.set(&mut desk, false),
            Action::Delete(target) => target.run(&mut desk),
            Action::Impact(impact) => impact.run(&mut desk),
            Action::Deploy(target) => target.deploy(&mut desk),
            Action::Undeploy(target) => target.undeploy(&mut desk),
            Action::Deployments(Named { credential }) => deploy::list(&mut desk, &credential),
            Action::Rotate(rotate) => rotate.run(&mut desk),
            Action::FinishRotation(target) => target.end_rotation(&mut desk, "finish"),
            Action::CancelRotation(target) => target.end_rotation(&mut desk, "cancel"),
            Action::RevokeTokens(target) => rotate::post(
                &mut desk,
                &target.named.credential,
                "revoke-tokens",
                target.wait,
            ),
            Action::Reveal(reveal) => reveal.run(&mut desk),
        }
    }
}

impl Change {
    fn set(self, desk: &mut Desk<'_, '_>, enabled: bool) -> Result<(), Failure> {
        let body = json!({"enabled": enabled});
        change(desk, &self.named.credential, &body, self.wait)
    }

    fn end_rotation(self, desk: &mut Desk<'_, '_>, step: &str) -> Result<(), Failure> {
        let step = format!("rotate/{step}");
        rotate::post(desk, &self.named.credential, &step, self.wait)
    }
}

impl Delete {
    fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let found = find(desk, &self.named.credential)?;
        let name = text(&found, "name");
        let what = format!("This deletes the credential {name}");
        desk.console.confirm(self.yes, &what, &name)?;
        let force = if self.force { "?force=true" } else { "" };
        let path = format!("/v1/credentials/{}{force}", text(&found, "id"));
        desk.delete(&path, self.wait, &format!("deleted {name}"))
    }
}

/// The credential with this id, or this `APPLICATION/NAME`.
fn find(desk: &mut Desk<'_, '_>, named: &str) -> Result<Value, Failure> {
    let id = credential_id(&mut desk.client, named)?;
    desk.client.get(format!("/v1/credentials/{id}"))
}

fn change(desk: &mut Desk<'_, '_>, named: &str, body: &Value, wait: Wait) -> Result<(), Failure> {
    let id = credential_id(&mut desk.client, named)?;
    let ask = Ask::patch(format!("/v1/credentials/{id}")).json(body);
    let changed = desk.client.send(&wait.on(ask)?)?.json()?;
    desk.print_one(&changed, show::show)
}
