//! Changes of a credential.

use clap::Args;
use serde_json::{Map, Value};

use super::{Named, change};
use crate::cli::{
    desk::{Desk, Wait},
    edit::{Details, Removal},
    failure::Failure,
    moment::{Every, When, every, when},
};

#[derive(Debug, Args)]
pub(super) struct Update {
    #[command(flatten)]
    named: Named,
    /// Its next name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    details: Details,
    #[command(flatten)]
    removal: Removal,
    /// From when it is honoured: a moment, a time from now such as 12h, or never for no such bound
    #[arg(long, value_name = "WHEN", value_parser = when)]
    not_before: Option<When>,
    /// Until when it is honoured: a moment, a time from now such as 90d, or never
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
    /// When a new secret is due, and again after each rotation: for example 90d, or never
    #[arg(long, value_name = "DURATION", value_parser = every)]
    rotate_every: Option<Every>,
    #[command(flatten)]
    wait: Wait,
}

impl Update {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let now = desk.console.clock.now();
        let mut body = Map::new();
        if let Some(name) = self.name {
            body.insert("name".to_owned(), name.into());
        }
        for (field, when) in [
            ("not_before", self.not_before),
            ("expires_at", self.expires),
        ] {
            if let Some(when) = when {
                body.insert(field.to_owned(), when.resolve(now).into());
            }
        }
        if let Some(Every(every)) = self.rotate_every {
            let seconds = every.map(|every| every.as_secs());
            body.insert("rotate_every".to_owned(), seconds.into());
        }
        self.details.fill(&mut body);
        self.removal.fill(&mut body);
        if body.is_empty() {
            return Err(Failure::Usage("say what is to change".to_owned()));
        }
        change(
            desk,
            &self.named.credential,
            &Value::Object(body),
            self.wait,
        )
    }
}
