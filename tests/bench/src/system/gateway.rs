//! An Envoy to be measured: one listener with nothing but the filter in question and a direct answer.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use e2e::{ports, process::Process};
use tempfile::TempDir;

use super::http::{Connection, get};
use crate::{
    report::{Context, Failed},
    seed::{Running, Seeded},
};

mod config;

/// A path that needs no credential.
pub(crate) const PUBLIC: &str = "/public";
/// A path that needs a key.
pub(crate) const GUARDED: &str = "/";
/// Where the filter says whether it can decide.
const READY: &str = "/keysmith/ready";
/// For how long an Envoy may take to get ready, with the largest set of credentials.
const PATIENCE: Duration = Duration::from_mins(10);
/// Between two looks at whether it is ready.
const PAUSE: Duration = Duration::from_millis(5);

/// What stands between listener and answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Filter<'a> {
    /// The module under test, following this registry.
    Keysmith(&'a Running),
    /// Nothing at all.
    None,
    /// The module that does nothing.
    Empty,
    /// Envoy's own `api_key_auth` with the keys of this seed.
    Native(&'a Seeded),
}

/// A running Envoy. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Gateway {
    process: Process,
    admin: SocketAddr,
    listener: SocketAddr,
    workers: usize,
    _folder: TempDir,
}

impl Gateway {
    /// Starts it, and returns at once.
    pub(crate) fn spawn(
        context: &Context,
        filter: Filter<'_>,
        workers: usize,
    ) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix_in("envoy-", &context.folder)?;
        let (admin, listener) = (ports::free(), ports::free());
        let config = config::config(context, filter, admin, listener)?;
        let path = folder.path().join("envoy.json");
        fs::write(&path, config.to_string())?;
        let mut command = Command::new(&context.envoy);
        command
            .arg("--config-path")
            .arg(&path)
            .args(["--concurrency", &workers.to_string()])
            .args(["--log-level", "warning", "--use-dynamic-base-id"]);
        if let Filter::Keysmith(registry) = filter {
            command.env("KEYSMITH_GATEWAY_TOKEN", &registry.gateway_token);
        }
        Ok(Self {
            process: Process::start("envoy", command, folder.path()),
            admin,
            listener,
            workers,
            _folder: folder,
        })
    }

    /// Starts it, and waits until every worker can decide.
    pub(crate) fn start(
        context: &Context,
        filter: Filter<'_>,
        workers: usize,
    ) -> Result<Self, Failed> {
        let mut gateway = Self::spawn(context, filter, workers)?;
        gateway.wait_until_serving()?;
        if matches!(filter, Filter::Keysmith(_)) {
            gateway.wait_until_ready()?;
        }
        Ok(gateway)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it accepts connections.
    pub(crate) fn wait_until_serving(&mut self) -> Result<(), Failed> {
        self.until("serves", |gateway| {
            let mut admin = Connection::open(gateway.admin)?;
            Ok(admin.status(&get("/ready", &[]))? == 200
                && Connection::open(gateway.listener).is_ok())
        })?;
        // The connection that only tried is counted before any other.
        self.until("counts a connection", |gateway| {
            Ok(gateway.accepted()?.iter().sum::<u64>() > 0)
        })
    }

    /// Waits until every worker has a complete snapshot.
    pub(crate) fn wait_until_ready(&mut self) -> Result<(), Failed> {
        let mut connections = self.one_for_each_worker()?;
        let request = get(READY, &[]);
        self.until("can decide", move |_| {
            for connection in &mut connections {
                if connection.status(&request)? != 200 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Waits until every worker answers a request with this key so.
    pub(crate) fn wait_for_key(&mut self, key: &str, status: u16) -> Result<(), Failed> {
        let mut connections = self.one_for_each_worker()?;
        let request = get(GUARDED, &[("apikey", key)]);
        self.until(&format!("answers a key with {status}"), move |_| {
            for connection in &mut connections {
                if connection.status(&request)? != status {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> Result<bool, Failed>,
    ) -> Result<(), Failed> {
        let started = Instant::now();
        while !is_so(self).unwrap_or(false) {
            if self.process.exited().is_some() || started.elapsed() > PATIENCE {
                let log = self.process.log();
                return Err(format!("Envoy never {what}: {log}").into());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// A connection to each worker, in the order of the workers. Envoy says itself which worker has it.
    pub(crate) fn one_for_each_worker(&self) -> Result<Vec<Connection>, Failed> {
        let mut found: Vec<Option<Connection>> = Vec::new();
        found.resize_with(self.workers, || None);
        let mut others = Vec::new();
        let mut before = self.accepted()?;
        // The listener gives each connection to the worker that has the fewest.
        for _ in 0..self.workers * 4 {
            let connection = Connection::open(self.listener)?;
            let now = self.after_connecting(&before)?;
            let worker = (0..self.workers).find(|worker| now[*worker] > before[*worker]);
            before = now;
            match worker.map(|worker| &mut found[worker]) {
                Some(place @ None) => *place = Some(connection),
                _ => others.push(connection),
            }
            if found.iter().all(Option::is_some) {
                return Ok(found.into_iter().flatten().collect());
            }
        }
        Err("some workers get no connection".into())
    }

    fn after_connecting(&self, before: &[u64]) -> Result<Vec<u64>, Failed> {
        let started = Instant::now();
        loop {
            let now = self.accepted()?;
            if now.iter().sum::<u64>() > before.iter().sum() {
                return Ok(now);
            }
            if started.elapsed() > Duration::from_secs(10) {
                return Err("a connection reaches no worker".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many connections each worker has accepted since the start.
    fn accepted(&self) -> Result<Vec<u64>, Failed> {
        let path = "/stats?format=json&filter=worker_.*downstream_cx_total";
        let answer = Connection::open(self.admin)?
            .send(&get(path, &[]))?
            .json()?;
        let mut counts = vec![0; self.workers];
        for stat in answer["stats"].as_array().into_iter().flatten() {
            let name = stat["name"].as_str().unwrap_or_default();
            let worker = name
                .split('.')
                .find_map(|part| part.strip_prefix("worker_")?.parse::<usize>().ok());
            let is_listener = !name.contains("admin");
            if let Some(count) = worker.and_then(|worker| counts.get_mut(worker))
                && is_listener
            {
                *count = stat["value"].as_u64().unwrap_or_default();
            }
        }
        Ok(counts)
    }
}
