//! An Envoy process and what its admin interface says.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    built,
    eventually::eventually,
    http::{Client, answer::Answer},
    process::Process,
};

pub mod config;

use config::Config;

/// Each Envoy compiles the filter when it starts; more of them at once only wait for each other.
static RUNNING: Semaphore = Semaphore::const_new(3);

/// Workers, so that there is more than one VM to keep in step.
pub const WORKERS: u32 = 2;

/// How to start an Envoy.
#[derive(Debug)]
pub struct Start<'a> {
    /// The binary.
    pub binary: PathBuf,
    /// Its configuration.
    pub config: &'a Config,
    /// Its node id, which LDS needs and names the gateway.
    pub node: Option<&'a str>,
    /// What `KEYSMITH_GATEWAY_TOKEN` holds.
    pub token: Option<&'a str>,
    /// Where its configuration and log go.
    pub folder: &'a Path,
    /// What those files are called.
    pub name: &'a str,
}

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    admin: SocketAddr,
    _permit: SemaphorePermit<'static>,
}

impl Envoy {
    /// Starts it, and waits until it serves.
    ///
    /// # Panics
    /// When it ends instead: with what it logged.
    pub async fn start(start: Start<'_>) -> Self {
        match Self::try_start(start).await {
            Ok(envoy) => envoy,
            Err(log) => panic!("Envoy ended:\n{log}"),
        }
    }

    /// Starts it; the error is what it logged before it ended instead of serving.
    pub async fn try_start(start: Start<'_>) -> Result<Self, String> {
        let permit = RUNNING.acquire().await.expect("never closed");
        let config = start.config.write(start.folder, start.name);
        let address_file = start.folder.join(format!("{}.admin", start.name));
        // A leftover of an earlier start would name the wrong port.
        let _ = std::fs::remove_file(&address_file);
        let mut command = Command::new(&start.binary);
        command
            .current_dir(built::root())
            .arg("--config-path")
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&address_file)
            .args(["--concurrency", &WORKERS.to_string()])
            .args(["--log-level", "info", "--component-log-level", "wasm:debug"])
            .args(["--drain-time-s", "3", "--parent-shutdown-time-s", "5"])
            .arg("--use-dynamic-base-id")
            .env_remove("KEYSMITH_GATEWAY_TOKEN");
        if let Some(node) = start.node {
            command.args(["--service-node", node, "--service-cluster", "e2e"]);
        }
        if let Some(token) = start.token {
            command.env("KEYSMITH_GATEWAY_TOKEN", token);
        }
        let mut process = Process::start(start.name, command, start.folder);
        let served = eventually("Envoy serves", || {
            let state = match process.exited() {
                Some(_) => Ok(None),
                None => Err("no admin address yet"),
            };
            let address = std::fs::read_to_string(&address_file)
                .ok()
                .and_then(|text| text.trim().parse::<SocketAddr>().ok());
            async move {
                let Some(address) = address else { return state };
                match Client::new(address).get("/ready").try_send().await {
                    Ok(answer) if answer.status == 200 => Ok(Some(address)),
                    _ => state.map_err(|_| "not ready"),
                }
            }
        })
        .await;
        match served {
            Some(admin) => Ok(Self {
                process,
                admin,
                _permit: permit,
            }),
            None => Err(without_preamble(&process.log())),
        }
    }

    /// Where its admin interface listens.
    pub fn admin(&self) -> Client {
        Client::new(self.admin)
    }

    /// Where a listener of this name listens.
    pub async fn listener(&self, name: &str) -> Option<SocketAddr> {
        let answer = self.admin().get("/listeners?format=json").send().await;
        let listeners = answer.json();
        let address = listeners["listener_statuses"]
            .as_array()?
            .iter()
            .find(|listener| listener["name"] == name)?["local_address"]["socket_address"]
            .clone();
        let port = u16::try_from(address["port_value"].as_u64()?).ok()?;
        Some(SocketAddr::new(
            address["address"].as_str()?.parse().ok()?,
            port,
        ))
    }

    /// A statistic, by its full name; `None` when there is none.
    pub async fn stat(&self, name: &str) -> Option<u64> {
        self.stats().await.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            (known == name).then(|| value.parse().ok())?
        })
    }

    /// Every statistic, one a line.
    pub async fn stats(&self) -> String {
        self.admin().get("/stats").send().await.text()
    }

    /// The whole configuration as the admin interface shows it.
    pub async fn config_dump(&self) -> Answer {
        self.admin()
            .get("/config_dump?include_eds")
            .send()
            .await
            .expect(200)
    }

    /// What it logged, access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The process, to stop or to signal it.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// Envoy begins its log with every extension that it has.
fn without_preamble(log: &str) -> String {
    let lines = log.lines().filter(|line| !line.contains("[info][main]"));
    lines.collect::<Vec<_>>().join("\n")
}
