//! New credentials.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::show::show;
use crate::cli::{
    client::Ask,
    desk::{Desk, Wait},
    edit::Details,
    failure::Failure,
    moment::{When, duration, when},
    names::application_id,
    secret::{self, OptionalDestination},
};

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The application's name or id
    application: String,
    /// Its name, unique within the application
    name: String,
    /// How it is presented
    #[arg(long = "type", value_enum, default_value_t = Kind::ApiKey, value_name = "TYPE")]
    kind: Kind,
    /// What the upstream sees as `X-Credential-Identifier` [default: its id]
    #[arg(long, value_name = "TEXT")]
    identifier: Option<String>,
    /// The user name, for type basic
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    #[command(flatten)]
    details: Details,
    /// A gateway group to deploy it to; repeat it for several [default: every automatic one that its application may use]
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Create it disabled
    #[arg(long)]
    disabled: bool,
    /// From when it is honoured: a moment, or a time from now such as 12h
    #[arg(long, value_name = "WHEN", value_parser = when)]
    not_before: Option<When>,
    /// Until when it is honoured: a moment, a time from now such as 90d, or never
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<When>,
    /// When a new secret is due, and again after each rotation, for example 90d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    rotate_every: Option<Duration>,
    /// Make a shared secret beside the API key: neither is of use without the other
    #[arg(long)]
    shared_secret: bool,
    /// Keep its secrets so that they can be revealed, which the registry's settings must allow
    #[arg(long)]
    retrievable: bool,
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    own: OwnValue,
    #[command(flatten)]
    destination: OptionalDestination,
    #[command(flatten)]
    wait: Wait,
}

/// How a credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// In a header, a query parameter or a cookie
    #[value(name = "api_key", alias = "api-key")]
    ApiKey,
    /// As HTTP Basic
    Basic,
    /// As `Authorization: Bearer`; needs --expires, unless the registry's settings have a longest lifetime
    #[value(name = "bearer_token", alias = "bearer-token")]
    BearerToken,
    /// As an access token of a client that is registered at an identity provider
    #[value(name = "oauth_client", alias = "oauth-client")]
    OauthClient,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::BearerToken => "bearer_token",
            Self::OauthClient => "oauth_client",
        }
    }
}

/// What an OAuth client is, beside what every credential is.
#[derive(Debug, Args)]
#[command(next_help_heading = "For type oauth_client")]
struct Client {
    /// The name or id of its identity provider [default: the built-in one]
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// How it gets tokens; repeat it for several [default: `client_credentials`]
    #[arg(long = "grant-type", value_name = "TYPE")]
    grant_types: Vec<String>,
    /// Where users may be sent back to; repeat it for several
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// How it proves itself, such as `client_secret_basic` [default: as its provider has it]
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// Link the client of this id, which somebody else has registered and looks after
    #[arg(long = "client-id", value_name = "ID", conflicts_with_all = ["grant_types", "redirect_uris", "auth_method"])]
    id: Option<String>,
}

impl Client {
    fn fill(self, body: &mut Map<String, Value>) {
        if let Some(provider) = self.provider {
            body.insert("provider".to_owned(), provider.into());
        }
        if let Some(id) = self.id {
            body.insert("registration".to_owned(), "external".into());
            body.insert("client_id".to_owned(), id.into());
        }
        let mut client = Map::new();
        for (member, values) in [
            ("grant_types", self.grant_types),
            ("redirect_uris", self.redirect_uris),
        ] {
            if !values.is_empty() {
                client.insert(member.to_owned(), values.into());
            }
        }
        if let Some(method) = self.auth_method {
            client.insert("token_endpoint_auth_method".to_owned(), method.into());
        }
        if !client.is_empty() {
            body.insert("client".to_owned(), Value::Object(client));
        }
    }
}

/// A value that the caller brings, instead of one that the registry makes.
#[derive(Debug, Args)]
#[group(required = false, multiple = false)]
#[command(next_help_heading = "Instead of a secret that the registry makes (one of)")]
pub(super) struct OwnValue {
    /// Bring your own API key: read it from this file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    value_file: Option<PathBuf>,
    /// Choose the password: read it from this file, or from standard input for `-`
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Choose the password: be asked for it, on a terminal
    #[arg(long)]
    ask_password: bool,
}

impl OwnValue {
    /// Whether the caller brings one.
    pub(super) const fn is_given(&self) -> bool {
        self.value_file.is_some() || self.password_file.is_some() || self.ask_password
    }

    /// Reads it into a request's body.
    pub(super) fn fill(
        self,
        desk: &mut Desk<'_, '_>,
        body: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let console = &mut *desk.console;
        let (field, given) = match (self.value_file, self.password_file, self.ask_password) {
            (Some(path), _, _) => (
                "value",
                secret::read(console, Some(&path), "value", "--value-file")?,
            ),
            (_, Some(path), _) => (
                "password",
                secret::read(console, Some(&path), "password", "--password-file")?,
            ),
            (_, _, true) => (
                "password",
                secret::read(console, None, "password", "--password-file")?,
            ),
            _ => return Ok(()),
        };
        body.insert(field.to_owned(), given.expose().into());
        Ok(())
    }
}

impl Create {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let destination = self
            .destination
            .check((!self.own.is_given() && self.client.id.is_none()) || self.shared_secret)?;
        let now = desk.console.clock.now();
        let mut body = Map::new();
        body.insert("type".to_owned(), self.kind.word().into());
        body.insert("name".to_owned(), self.name.into());
        for (field, text) in [("identifier", self.identifier), ("username", self.username)] {
            if let Some(text) = text {
                body.insert(field.to_owned(), text.into());
            }
        }
        for (field, when) in [
            ("not_before", self.not_before),
            ("expires_at", self.expires),
        ] {
            if let Some(when) = when {
                body.insert(field.to_owned(), when.resolve(now).into());
            }
        }
        if !self.groups.is_empty() {
            body.insert("gateway_groups".to_owned(), self.groups.into());
        }
        for (field, given, value) in [
            ("enabled", self.disabled, Value::from(false)),
            ("shared_secret", self.shared_secret, true.into()),
            ("secret_type", self.retrievable, "retrievable".into()),
        ] {
            if given {
                body.insert(field.to_owned(), value);
            }
        }
        if let Some(every) = self.rotate_every {
            body.insert("rotate_every".to_owned(), every.as_secs().into());
        }
        self.client.fill(&mut body);
        self.details.fill(&mut body);
        self.own.fill(desk, &mut body)?;

        let application = application_id(&mut desk.client, &self.application)?;
        let ask = Ask::post(format!("/v1/applications/{application}/credentials"))
            .json(&Value::Object(body))
            .once(desk.console)?;
        let ask = self.wait.on(ask)?;
        let outlet = destination.open()?;
        let made = outlet.around(|| desk.client.send(&ask)?.json())?;
        outlet.deliver(desk.console, desk.format, made, show)
    }
}
