//! New secrets for old.

use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::{Named, create::OwnValue, show::show};
use crate::cli::{
    client::Ask,
    desk::{Desk, Wait},
    failure::Failure,
    moment::duration,
    names::credential_id,
    secret::OptionalDestination,
};

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    old: OldSecret,
    /// The next user name, for type basic
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    #[command(flatten)]
    own: OwnValue,
    #[command(flatten)]
    destination: OptionalDestination,
    #[command(flatten)]
    wait: Wait,
}

/// What becomes of the secret that is replaced.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[command(next_help_heading = "What becomes of the old secret (one of)")]
struct OldSecret {
    /// It works for so long beside the new one, for example 1h or 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    grace: Option<Duration>,
    /// It ends at once, as does every other that still works
    #[arg(long)]
    immediately: bool,
}

impl Rotate {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let destination = self.destination.check(!self.own.is_given())?;
        let mut body = Map::new();
        if let Some(grace) = self.old.grace {
            body.insert("grace_period".to_owned(), grace.as_secs().into());
        }
        if let Some(username) = self.username {
            body.insert("username".to_owned(), username.into());
        }
        self.own.fill(desk, &mut body)?;

        let id = credential_id(&mut desk.client, &self.named.credential)?;
        let ask = Ask::post(format!("/v1/credentials/{id}/rotate"))
            .json(&Value::Object(body))
            .once(desk.console)?;
        let ask = self.wait.on(ask)?;
        let outlet = destination.open()?;
        let made = outlet.around(|| desk.client.send(&ask)?.json())?;
        outlet.deliver(desk.console, desk.format, made, show)
    }
}
