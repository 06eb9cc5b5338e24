//! An Envoy that stands for a variant, and what must be true of it before it is measured.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use e2e::{
    eventually::within,
    http::{Call, Client},
    ports,
    process::Process,
};
use serde_json::Value;

use super::{
    Check, Variant,
    config::{Clusters, bootstrap},
    identity,
    secret::{self, Secrets},
};
use crate::{
    report::{Context, Failed},
    upstream,
};

/// For how long an Envoy may load its credentials: a million of Envoy's own are a hundred megabytes of configuration.
const PATIENCE: Duration = Duration::from_mins(5);

/// Every secret of a set up to this size is sent once before the first slice, so that what is remembered is remembered;
/// of larger sets so many, but for signed tokens, of which each costs more the first time.
const WARMED: usize = 1000;

/// A running Envoy.
#[derive(Debug)]
pub struct Gateway {
    /// What it stands for.
    pub variant: Variant,
    /// Where it listens.
    pub address: SocketAddr,
    /// What its callers send.
    pub secrets: Secrets,
    /// The process that it asks about each request, when it has one.
    pub companion: Option<u32>,
    process: Process,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts it; it is not ready yet.
    pub fn launch(
        context: &Context,
        folder: &Path,
        variant: Variant,
        secrets: Secrets,
        filter: Option<Value>,
        around: &Clusters<'_>,
        gateway_token: Option<&str>,
    ) -> Result<Self, Failed> {
        let (address, admin) = (ports::free(), ports::free());
        let name = variant.file_name();
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, bootstrap(address, admin, filter, around).to_string())?;
        let mut command = Command::new(&context.envoy);
        command
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", &variant.workers.to_string()])
            .args(["--log-level", "warning"])
            .arg("--use-dynamic-base-id")
            .env_remove("KEYSMITH_GATEWAY_TOKEN");
        if let Some(token) = gateway_token {
            command.env("KEYSMITH_GATEWAY_TOKEN", token);
        }
        Ok(Self {
            variant,
            address,
            secrets,
            companion: None,
            process: Process::start(&name, command, folder),
            admin,
        })
    }

    /// The process whose time is measured.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until every worker admits what it must, and sees that it refuses and tells the upstream what it must.
    pub async fn prepare(&mut self) -> Result<(), Failed> {
        Box::pin(self.serving()).await?;
        let secrets = self.secrets.read()?;
        let first = secrets.first().ok_or("no secrets")?;
        within(PATIENCE, &self.variant.name(), || {
            let asked = self.call("/", first);
            async move { asked.consistently(200).await }
        })
        .await;
        Box::pin(self.identifies(&secrets, 0)).await?;
        Box::pin(self.identifies(&secrets, secrets.len() - 1)).await?;
        self.refuses(first).await?;
        self.warm(&secrets).await
    }

    async fn serving(&mut self) -> Result<(), Failed> {
        let admin = Client::new(self.admin);
        let served = within(PATIENCE, "Envoy serves", || {
            let ended = self.process.exited();
            let ready = Box::pin(admin.get("/ready").try_send());
            async move {
                match (ended, ready.await) {
                    (Some(_), _) => Ok(false),
                    (None, Ok(answer)) if answer.status == 200 => Ok(true),
                    (None, other) => Err(format!("{other:?}")),
                }
            }
        })
        .await;
        if served {
            Ok(())
        } else {
            Err(format!("Envoy ended: {}", self.process.log()).into())
        }
    }

    /// The same owner is named upstream in every variant, and the secret does not get there. Only Envoy's own `basic_auth`
    /// cannot hide.
    async fn identifies(&self, secrets: &[String], number: usize) -> Result<(), Failed> {
        let (check, secret) = (self.variant.check, &secrets[number]);
        let answer = self.call(upstream::ECHO, secret).send().await;
        let seen = answer.text();
        let hides = check.identifies() && check != Check::NativeBasic;
        let hidden = !hides || !seen.contains(secret.as_str());
        if answer.status == 200 && hidden && identity::is_told(check, number, &seen) {
            return Ok(());
        }
        let (name, status) = (self.variant.name(), answer.status);
        Err(format!("{name} sends upstream: {status} {seen}").into())
    }

    async fn refuses(&self, secret: &str) -> Result<(), Failed> {
        let unknown = match self.secrets.kind {
            secret::Kind::ApiKey => secret::unknown_keys(1).remove(0),
            secret::Kind::Password | secret::Kind::ChosenPassword => {
                secret::basic("nobody:nothing")
            }
            secret::Kind::Jwt | secret::Kind::Token => another_ending(secret),
        };
        let status = self.call("/", &unknown).send().await.status;
        let wanted = match self.variant.check {
            Check::None | Check::Empty => 200,
            _ => 401,
        };
        if status == wanted {
            Ok(())
        } else {
            Err(format!("{} answers {status} to a stranger", self.variant.name()).into())
        }
    }

    async fn warm(&self, secrets: &[String]) -> Result<(), Failed> {
        let mut session = Client::new(self.address).connect().await;
        let step = match self.secrets.kind {
            secret::Kind::Jwt => 1,
            _ => secrets.len().div_ceil(WARMED),
        };
        for secret in secrets.iter().step_by(step) {
            let answer = session.send(self.call("/", secret)).await?;
            if answer.status != 200 {
                return Err(format!("{} answers {}", self.variant.name(), answer.status).into());
            }
        }
        Ok(())
    }

    fn call(&self, path: &str, secret: &str) -> Call {
        let header = format!("{}{secret}", self.secrets.kind.header_prefix());
        let (name, value) = header.split_once(": ").expect("a header");
        Client::new(self.address).get(path).header(name, value)
    }
}

/// Another signature, or another check.
fn another_ending(token: &str) -> String {
    format!("{}AAAAAA", &token[..token.len() - 6])
}
