//! A registry process.

use std::{
    fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use filter_core::key::{PlainSecret, SecretType};

use crate::{
    admin::Admin,
    built,
    eventually::eventually,
    http::Client,
    ports,
    process::Process,
};

/// A secret that nobody else has.
pub fn fresh_secret(kind: SecretType) -> PlainSecret {
    let mut entropy = [0_u8; 64];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut entropy))
        .expect("randomness");
    PlainSecret::generate("ks", kind, &entropy).expect("enough randomness")
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
    /// The token with every right.
    pub admin_token: PlainSecret,
    /// The token of the gateways of group `default`.
    pub gateway_token: PlainSecret,
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
            admin_token: fresh_secret(SecretType::AdminToken),
            gateway_token: fresh_secret(SecretType::GatewayToken),
            more: Vec::new(),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(built::keysmith());
        command
            .arg("serve")
            .env("KEYSMITH_LISTEN", self.listen.to_string())
            .env(
                "KEYSMITH_OPERATIONS_LISTEN",
                self.operations_listen.to_string(),
            )
            .env("KEYSMITH_DATA_DIR", &self.data)
            .env("KEYSMITH_ADMIN_TOKEN", self.admin_token.expose())
            .env("KEYSMITH_GATEWAY_TOKEN", self.gateway_token.expose());
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
    pub async fn start(settings: Settings, folder: &Path) -> Self {
        let process = boot(&settings, folder).await;
        Self {
            process,
            settings,
            folder: folder.to_path_buf(),
        }
    }

    /// Its administrator.
    pub fn admin(&self) -> Admin {
        Admin::new(Client::new(self.settings.listen), &self.settings.admin_token)
    }

    /// A caller of its API, without any token.
    pub fn client(&self) -> Client {
        Client::new(self.settings.listen)
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
        self.process = boot(&self.settings, &self.folder).await;
    }

    /// Starts it again with nothing: a new database, and so a new log, under the same tokens.
    pub async fn restart_empty(&mut self) {
        self.process.kill();
        fs::remove_dir_all(&self.settings.data).expect("the data folder");
        self.process = boot(&self.settings, &self.folder).await;
    }
}

async fn boot(settings: &Settings, folder: &Path) -> Process {
    let mut process = Process::start("registry", settings.command(), folder);
    let operations = Client::new(settings.operations_listen);
    eventually("the registry is ready", || {
        let ended = process.exited().map(|status| {
            panic!("the registry ended with {status}:\n{}", process.log());
        });
        let ready = operations.get("/readyz").try_send();
        async move {
            match (ended, ready.await) {
                (None, Ok(answer)) if answer.status == 200 => Ok(()),
                (_, other) => Err(format!("{other:?}")),
            }
        }
    })
    .await;
    process
}
