//! A steady stream of requests with good keys, beside what is measured.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    gateway::{GUARDED, Gateway},
    http::{Connection, get},
};
use crate::report::Failed;

/// Different keys at most: each is a request that is kept ready.
const KEYS: usize = 10_000;
/// Connections to each worker.
const FOR_EACH_WORKER: u32 = 2;

/// Requests under way.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<u64, Failed>>>,
}

impl Background {
    /// Sends so many requests a second to all workers alike, each with the next of these keys.
    pub(crate) fn start(gateway: &Gateway, keys: &[String], rate: u32) -> Result<Self, Failed> {
        let requests: Arc<[Vec<u8>]> = keys
            .iter()
            .take(KEYS)
            .map(|key| get(GUARDED, &[("apikey", key)]))
            .collect();
        let stop = Arc::new(AtomicBool::new(false));
        let mut connections = Vec::new();
        for _ in 0..FOR_EACH_WORKER {
            connections.extend(gateway.one_for_each_worker()?);
        }
        let count = u32::try_from(connections.len())?;
        let period = Duration::from_secs(1) * count / rate;
        let threads = connections
            .into_iter()
            .enumerate()
            .map(|(number, connection)| {
                let (stop, requests) = (Arc::clone(&stop), Arc::clone(&requests));
                let first = number * requests.len() / count as usize;
                thread::spawn(move || send(connection, &requests, first, period, &stop))
            })
            .collect();
        Ok(Self { stop, threads })
    }

    /// Ends it, and gives the number of requests.
    pub(crate) fn stop(self) -> Result<f64, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = 0;
        for thread in self.threads {
            sent += thread.join().map_err(|_| "the load panicked")??;
        }
        Ok(sent as f64)
    }
}

fn send(
    mut connection: Connection,
    requests: &[Vec<u8>],
    first: usize,
    period: Duration,
    stop: &AtomicBool,
) -> Result<u64, Failed> {
    let mut due = Instant::now();
    let mut sent = 0;
    for request in requests.iter().cycle().skip(first) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += period;
        let status = connection.status(request)?;
        if status != 200 {
            return Err(format!("a good key was answered {status}").into());
        }
        sent += 1;
    }
    Ok(sent)
}
