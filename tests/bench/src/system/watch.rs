//! Requests at a low, fixed rate, to see the longest that one of them waits.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::http::Connection;
use crate::report::Failed;

/// Requests under way.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<Waits>>>,
}

/// How long requests waited for their answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    pub(crate) requests: u64,
    pub(crate) longest: Duration,
    /// How long after the watch began the longest wait did.
    pub(crate) longest_began: Duration,
    /// Those that took more than [`LONG`].
    pub(crate) long: u64,
}

/// From one request of a watched connection to the next.
pub(crate) const PERIOD: Duration = Duration::from_millis(5);

/// What a request may wait at most.
pub(crate) const LONG: Duration = Duration::from_millis(10);

impl Watch {
    /// Sends the request over each connection once in each period, from a thread of its own. Where a status is `wanted`,
    /// another one is an error.
    pub(crate) fn start(
        connections: Vec<Connection>,
        request: &[u8],
        period: Duration,
        wanted: Option<u16>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = connections
            .into_iter()
            .map(|connection| {
                let (stop, request) = (Arc::clone(&stop), request.to_vec());
                thread::spawn(move || watch(connection, &request, period, wanted, &stop))
            })
            .collect();
        Self { stop, threads }
    }

    /// Ends it.
    pub(crate) fn stop(self) -> Result<Waits, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Waits::default();
        for thread in self.threads {
            let waits = thread.join().map_err(|_| "a watch panicked")??;
            all.requests += waits.requests;
            all.long += waits.long;
            if waits.longest > all.longest {
                all.longest = waits.longest;
                all.longest_began = waits.longest_began;
            }
        }
        Ok(all)
    }
}

impl Waits {
    /// In words.
    pub(crate) fn describe(&self) -> String {
        format!(
            "one request each {} ms on a connection to each worker; {} of {} waited longer than {} ms, the longest began {:.1} s \
             after the first",
            PERIOD.as_millis(),
            self.long,
            self.requests,
            LONG.as_millis(),
            self.longest_began.as_secs_f64(),
        )
    }

    /// The longest wait, in milliseconds.
    pub(crate) fn longest_ms(&self) -> f64 {
        self.longest.as_secs_f64() * 1e3
    }

    fn note(&mut self, began: Duration, wait: Duration) {
        self.requests += 1;
        self.long += u64::from(wait > LONG);
        if wait > self.longest {
            self.longest = wait;
            self.longest_began = began;
        }
    }
}

fn watch(
    mut connection: Connection,
    request: &[u8],
    period: Duration,
    wanted: Option<u16>,
    stop: &AtomicBool,
) -> io::Result<Waits> {
    let mut waits = Waits::default();
    let began = Instant::now();
    let mut due = began;
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let sent = Instant::now();
        let status = connection.status(request)?;
        waits.note(sent - began, sent.elapsed());
        if wanted.is_some_and(|wanted| wanted != status) {
            return Err(io::Error::other(format!(
                "a watched request was answered {status}"
            )));
        }
        // After a long wait the requests that were due meanwhile are left out.
        due = (due + period).max(sent);
    }
    Ok(waits)
}
