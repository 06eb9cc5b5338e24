//! A registry that serves a copy of a seed.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use e2e::{ports, process::Process};
use tempfile::TempDir;

use super::Seeded;
use crate::{
    report::{Context, Failed},
    system::http::{Connection, get},
};

/// For how long a registry may take to get ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// A registry process with data of its own. It is killed, and the data removed, when this is dropped.
#[derive(Debug)]
pub struct Running {
    process: Process,
    /// Where the API is.
    pub address: SocketAddr,
    /// Where health and metrics are.
    pub operations: SocketAddr,
    /// The token with every right.
    pub admin_token: String,
    /// The token of the gateways of group `default`.
    pub gateway_token: String,
    binary: PathBuf,
    seed: Seeded,
    copies: u32,
    folder: TempDir,
}

impl Seeded {
    /// Starts the release build of the registry on a copy of this seed, and waits until it is ready.
    pub fn start(&self, context: &Context) -> Result<Running, Failed> {
        // Beside the seeds, so that the copy can share their blocks.
        let folder = TempDir::with_prefix_in("registry-", &context.folder)?;
        let mut running = Running {
            process: Process::start("never", Command::new("true"), folder.path()),
            address: ports::free(),
            operations: ports::free(),
            admin_token: self.admin_token.clone(),
            gateway_token: self.gateway_token.clone(),
            binary: context.keysmith.clone(),
            seed: self.clone(),
            copies: 0,
            folder,
        };
        running.boot()?;
        Ok(running)
    }
}

impl Running {
    /// `http://…` of the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stops it, and serves a new copy of the seed in its place: every change that was made since is gone, so that each
    /// gateway that had one must take a full snapshot.
    pub fn roll_back(&mut self) -> Result<(), Failed> {
        self.process.kill();
        self.boot()
    }

    fn boot(&mut self) -> Result<(), Failed> {
        let data = self.folder.path().join(format!("data-{}", self.copies));
        self.copies += 1;
        self.seed.copy_to(&data)?;
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .env("KEYSMITH_LISTEN", self.address.to_string())
            .env("KEYSMITH_OPERATIONS_LISTEN", self.operations.to_string())
            .env("KEYSMITH_DATA_DIR", data)
            .env("KEYSMITH_ADMIN_TOKEN", &self.admin_token)
            .env("KEYSMITH_GATEWAY_TOKEN", &self.gateway_token)
            .env("KEYSMITH_LOG_LEVEL", "warn");
        if let Some(postgres) = &self.seed.postgres {
            command.env("KEYSMITH_DATABASE_URL", postgres.copy());
        }
        self.process = Process::start("registry", command, self.folder.path());
        let started = Instant::now();
        while !self.is_ready() {
            if self.process.exited().is_some() || started.elapsed() > PATIENCE {
                return Err(format!("the registry does not start: {}", self.process.log()).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        let asked = Connection::open(self.operations)
            .and_then(|mut connection| connection.status(&get("/readyz", &[])));
        asked.is_ok_and(|status| status == 200)
    }
}
