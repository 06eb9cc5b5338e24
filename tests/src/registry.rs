//! A registry process.

use std::{
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use filter_core::key::{PlainSecret, SecretType};

use tokio_rustls::rustls::ClientConfig;

use crate::{admin::Admin, built, eventually::eventually, http::Client, ports, process::Process};

/// The file in the data folder that holds the admin token that the registry made.
pub const ADMIN_TOKEN: &str = "admin-token";

/// A secret that nobody else has.
pub fn fresh_secret(kind: SecretType) -> String {
    let mut entropy = [0_u8; 64];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut entropy))
        .expect("randomness");
    let secret = PlainSecret::generate("ks", kind, &entropy).expect("enough randomness");
    secret.expose().to_owned()
}

/// What a registry is started with, and keeps over restarts.
#[derive(Debug)]
pub struct Settings {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where health and metrics are.
    pub operations_listen: SocketAddr,
    /// Where its database and keys lie.
    pub data: PathBuf,
    /// The token with every right; the registry makes one when there is none, and writes it into its data folder.
    pub admin_token: Option<String>,
    /// The token of the gateways of group `default`.
    pub gateway_token: String,
    /// The name in its certificate and what trusts it, when it speaks TLS.
    pub tls: Option<(String, ClientConfig)>,
    /// More environment variables: name without `KEYSMITH_`, value.
    pub more: Vec<(String, String)>,
}

impl Settings {
    /// Free ports, new tokens, data in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            listen: ports::free(),
            operations_listen: ports::free(),
            data: folder.join("data"),
            admin_token: Some(fresh_secret(SecretType::AdminToken)),
            gateway_token: fresh_secret(SecretType::GatewayToken),
            tls: None,
            more: Vec::new(),
        }
    }

    /// The program with this as its configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built::keysmith());
        command
            .args(arguments)
            .env("KEYSMITH_LISTEN", self.listen.to_string())
            .env(
                "KEYSMITH_OPERATIONS_LISTEN",
                self.operations_listen.to_string(),
            )
            .env("KEYSMITH_DATA_DIR", &self.data)
            .env("KEYSMITH_GATEWAY_TOKEN", &self.gateway_token);
        if let Some(token) = &self.admin_token {
            command.env("KEYSMITH_ADMIN_TOKEN", token);
        }
        for (name, value) in &self.more {
            command.env(format!("KEYSMITH_{name}"), value);
        }
        command
    }
}

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    settings: Settings,
    folder: PathBuf,
}

impl Registry {
    /// Starts it, and waits until it is ready.
    ///
    /// # Panics
    /// When it ends instead: with what it logged.
    pub async fn start(settings: Settings, folder: &Path) -> Self {
        match Self::try_start(settings, folder).await {
            Ok(registry) => registry,
            Err(log) => panic!("the registry ended:\n{log}"),
        }
    }

    /// Starts it; the error is what it logged before it ended instead of getting ready.
    pub async fn try_start(settings: Settings, folder: &Path) -> Result<Self, String> {
        let process = boot(&settings, folder).await?;
        Ok(Self {
            process,
            settings,
            folder: folder.to_path_buf(),
        })
    }

    /// Its administrator.
    pub fn admin(&self) -> Admin {
        let token = self.settings.admin_token.clone().unwrap_or_else(|| {
            let made = fs::read_to_string(self.settings.data.join(ADMIN_TOKEN));
            made.expect("the admin token that the registry made")
                .trim()
                .to_owned()
        });
        Admin::new(self.client(), token)
    }

    /// A caller of its API, without any token.
    pub fn client(&self) -> Client {
        let client = Client::new(self.settings.listen);
        match &self.settings.tls {
            None => client,
            Some((name, config)) => client.host(name).tls(config.clone()),
        }
    }

    /// What it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What it logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops it as an operator does.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn stop(&mut self) {
        let status = self.process.terminate();
        assert!(status.success(), "the registry ended with {status}");
    }

    /// Stops it with no time to finish anything.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again, with the data it had.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.boot_again().await;
    }

    /// Starts it again, after it was killed, and does not wait until it is ready.
    pub fn start_without_waiting(&mut self) {
        self.process = Process::start("registry", self.settings.command(&["serve"]), &self.folder);
    }

    /// Starts it again with nothing: a new database, and so a new log, under the same tokens.
    pub async fn restart_empty(&mut self) {
        self.process.kill();
        fs::remove_dir_all(&self.settings.data).expect("the data folder");
        self.boot_again().await;
    }

    /// The process, to see whether it still runs.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    async fn boot_again(&mut self) {
        let booted = boot(&self.settings, &self.folder).await;
        self.process = booted.unwrap_or_else(|log| panic!("the registry ended:\n{log}"));
    }
}

async fn boot(settings: &Settings, folder: &Path) -> Result<Process, String> {
    let mut process = Process::start("registry", settings.command(&["serve"]), folder);
    let operations = Client::new(settings.operations_listen);
    let ready = eventually("the registry is ready", || {
        let ended = process.exited();
        let ready = operations.get("/readyz").try_send();
        async move {
            match (ended, ready.await) {
                (Some(_), _) => Ok(false),
                (None, Ok(answer)) if answer.status == 200 => Ok(true),
                (None, other) => Err(format!("{other:?}")),
            }
        }
    })
    .await;
    if ready {
        Ok(process)
    } else {
        Err(process.log())
    }
}
