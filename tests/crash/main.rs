//! The registry is killed (SIGKILL) again and again while it is written to, and started again. What it answered is there,
//! what it did not answer is there wholly or not at all, what was revoked works nowhere, and what gateways reported was counted
//! once. At the end, a backup from the middle and the journal make a registry in which nothing revoked is back.
//!
//! `CRASH_KILLS` is how often (200), and `CRASH_SEED` repeats an earlier choice of writes and moments; what the processes
//! make of them differs from run to run.

mod check;
mod fake_provider;
mod follower;
mod master_key;
mod model;
mod provider_desk;
mod providers;
mod random;
mod reporter;
mod restored;
mod run;
mod write;
mod writer;

use run::{Database, Run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_killed_loses_nothing_and_brings_nothing_back_on_sqlite() {
    Run::new(Database::Sqlite).await.all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_is_killed_loses_nothing_and_brings_nothing_back_on_postgresql() {
    Run::new(Database::Postgres).await.all().await;
}
