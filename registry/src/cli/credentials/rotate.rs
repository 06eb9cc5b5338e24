//! New secrets for old.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::{
    Named,
    create::OwnValue,
    show::{show, show_secrets},
};
use crate::cli::{
    client::Ask,
    desk::{Desk, Wait},
    failure::Failure,
    moment::{When, duration, when},
    names::credential_id,
    secret::{Destination, OptionalDestination},
};

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    old: OldSecret,
    /// What gets a new secret, of an API key with a shared secret
    #[arg(long, value_enum, value_name = "PART", default_value_t = Part::Value)]
    part: Part,
    /// End the grace period earlier, once nobody has used the old secret for so long (at least 1d)
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "grace", conflicts_with = "immediately")]
    end_after_silence: Option<Duration>,
    /// Until when it is honoured from now on: a moment, a time from now such as 90d, or never, which is the latest allowed
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
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

/// Which secret of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The key, the token or the password
    Value,
    /// The secret shared beside a key
    Shared,
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
        if let Some(silence) = self.end_after_silence {
            body.insert("end_after_silence".to_owned(), silence.as_secs().into());
        }
        if self.part == Part::Shared {
            body.insert("part".to_owned(), "shared".into());
        }
        if let Some(expires) = self.expires {
            let now = desk.console.clock.now();
            body.insert("expires_at".to_owned(), expires.resolve(now).into());
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

/// Asks for what needs no more than the credential's name: `step` says what.
pub(super) fn post(
    desk: &mut Desk<'_, '_>,
    named: &str,
    step: &str,
    wait: Wait,
) -> Result<(), Failure> {
    let id = credential_id(&mut desk.client, named)?;
    let ask = Ask::post(format!("/v1/credentials/{id}/{step}"));
    let changed = desk.client.send(&wait.on(ask)?)?.json()?;
    desk.print_one(&changed, show)
}

/// Shows secrets again, where they were kept for that.
#[derive(Debug, Args)]
pub(super) struct Reveal {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    destination: Destination,
}

impl Reveal {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let id = credential_id(&mut desk.client, &self.named.credential)?;
        let outlet = self.destination.open()?;
        let ask = Ask::post(format!("/v1/credentials/{id}/reveal"));
        let revealed = outlet.around(|| desk.client.send(&ask)?.json())?;
        outlet.deliver(desk.console, desk.format, revealed, show_secrets)
    }
}
