//! Kill after kill.

use std::{
    env, mem,
    path::PathBuf,
    time::{Instant, SystemTime},
};

use e2e::registry::{Registry, Settings};
use serde_json::json;
use tempfile::TempDir;
use tokio::{task::JoinSet, time};

use crate::{
    check,
    follower::Follower,
    model::Model,
    random::Random,
    reporter::Reporter,
    restored,
    writer::{Tally, Writer},
};

/// How many write at the same time.
const WRITERS: usize = 8;
/// Of a hundred kills, how many come before the registry is ready.
const EARLY: usize = 15;
/// After the start, in milliseconds.
const EARLY_WITHIN: usize = 400;
/// After the writers have begun, in milliseconds.
const LOADED_WITHIN: usize = 300;
/// After so many kills, a gateway that starts anew is compared with one that was there from the beginning.
const COMPARED_EVERY: usize = 10;

/// Where the registry keeps everything.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    /// In its data folder.
    Sqlite,
    /// On a server that is not killed.
    Postgres,
}

/// A registry and those who use it.
pub(crate) struct Run {
    database: Database,
    seed: u64,
    kills: usize,
    random: Random,
    registry: Registry,
    writers: Vec<Writer>,
    gateways: Vec<Follower>,
    reporter: Option<Reporter>,
    folder: TempDir,
    /// Dropped after the registry has ended.
    _server: Option<private_postgres::Database>,
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

impl Run {
    /// Starts everything.
    pub(crate) async fn new(database: Database) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a time after 1970");
        let seed = setting("CRASH_SEED").unwrap_or(now.as_secs());
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::new(folder.path());
        settings.more = vec![("LOG_LEVEL".to_owned(), "warn".to_owned())];
        let server = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(private_postgres::Database::empty().await),
        };
        if let Some(server) = &server {
            let url = ("DATABASE_URL".to_owned(), server.url().to_owned());
            settings.more.push(url);
        }
        let registry = Registry::start(settings, folder.path()).await;
        let admin = registry.admin();
        let group = json!({"name": "edge", "mode": "on_demand"});
        admin.post("/v1/gateway-groups", group).await.expect(201);
        let edge = admin.post("/v1/gateway-groups/edge/tokens", json!({}));
        let edge = edge.await.expect(201).json()["token"].clone();
        let edge = edge.as_str().expect("a token");
        let gateways = vec![
            Follower::new(registry.client(), &registry.settings().gateway_token, false),
            Follower::new(registry.client(), edge, true),
        ];
        let reporter = Reporter::new(
            &admin,
            registry.client(),
            &registry.settings().gateway_token,
            Random::new(seed, 1 + WRITERS as u64),
        );
        let reporter = Some(reporter.await);
        let mut writers = Vec::new();
        for number in 0..WRITERS {
            let name = format!("writer-{number}");
            let model = Model {
                application: admin.application(json!({"name": name})).await,
                application_name: name,
                ..Model::default()
            };
            writers.push(Writer {
                number,
                model,
                random: Random::new(seed, 1 + number as u64),
                pending: None,
                revision: 0,
                tally: Tally::default(),
                history: Vec::new(),
            });
        }
        Self {
            database,
            seed,
            kills: setting("CRASH_KILLS")
                .map_or(200, |kills| usize::try_from(kills).expect("a count")),
            random: Random::new(seed, 0),
            registry,
            writers,
            gateways,
            reporter,
            folder,
            _server: server,
        }
    }

    /// All kills.
    ///
    /// # Panics
    /// When something is not as it must be: with the seed and the number of the kill.
    pub(crate) async fn all(mut self) {
        let started = Instant::now();
        for number in 1..=self.kills {
            if let Err(violation) = self.one(number).await {
                self.fail(number, &violation);
            }
        }
        if let Err(violation) = self.restore().await {
            self.fail(self.kills, &violation);
        }
        let sum = |part: fn(&Tally) -> usize| -> usize {
            self.writers.iter().map(|one| part(&one.tally)).sum()
        };
        e2e::say(&format!(
            "{:?}: {} kills in {} s, seed {}: {} writes answered; of those that were not, {} were there, {} were not, \
             and {} gave their answer when they were repeated\n",
            self.database,
            self.kills,
            started.elapsed().as_secs(),
            self.seed,
            sum(|tally| tally.answered),
            sum(|tally| tally.kept),
            sum(|tally| tally.absent),
            sum(|tally| tally.repeated),
        ));
    }

    fn fail(&self, number: usize, violation: &str) -> ! {
        self.tell();
        panic!(
            "{:?}, CRASH_SEED={}, kill {number}: {violation}",
            self.database, self.seed
        );
    }

    /// What everybody did last.
    fn tell(&self) {
        for writer in &self.writers {
            let history = writer.history.join("\n  ");
            e2e::say(&format!("writer {}:\n  {history}\n", writer.number));
        }
    }

    async fn one(&mut self, number: usize) -> Result<(), String> {
        if self.random.percent(EARLY) {
            self.registry.kill();
            self.registry.start_without_waiting();
            time::sleep(self.random.up_to_ms(EARLY_WITHIN)).await;
        } else {
            self.load().await?;
        }
        self.registry.restart().await;
        for writer in &mut self.writers {
            writer.remember(format!("kill {number}"));
        }
        self.check().await?;
        if number == self.kills / 2 {
            restored::backup(self.registry.settings(), &self.backup())?;
        }
        if number.is_multiple_of(COMPARED_EVERY) {
            self.compare().await?;
        }
        Ok(())
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    /// Whether nothing revoked is back in a registry that was restored.
    async fn restore(&mut self) -> Result<(), String> {
        if !self.backup().exists() {
            return Ok(());
        }
        self.registry.kill();
        let models: Vec<&Model> = self.writers.iter().map(|writer| &writer.model).collect();
        let settings = self.registry.settings();
        restored::check(settings, self.database, &self.backup(), &models).await
    }

    /// Writes and follows until the kill.
    async fn load(&mut self) -> Result<(), String> {
        let moment = self.random.up_to_ms(LOADED_WITHIN);
        let mut writing = JoinSet::new();
        for writer in mem::take(&mut self.writers) {
            writing.spawn(writer.until_killed(self.registry.admin(), self.registry.client()));
        }
        let reporter = self.reporter.take().expect("a reporter");
        let reporting = tokio::spawn(reporter.until_killed());
        let mut following = JoinSet::new();
        for gateway in mem::take(&mut self.gateways) {
            following.spawn(gateway.follow());
        }
        // The moment of the kill is what this is about.
        time::sleep(moment).await;
        self.registry.kill();
        self.writers = writing
            .join_all()
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        self.writers.sort_by_key(|writer| writer.number);
        let ended = reporting.await.expect("a reporter that ends");
        self.reporter = Some(ended?);
        self.gateways = following
            .join_all()
            .await
            .into_iter()
            .collect::<Result<_, _>>()?;
        self.gateways.sort_by_key(|gateway| gateway.is_edge);
        Ok(())
    }

    /// Holds what is there against what every writer knows, and against what gateways see.
    async fn check(&mut self) -> Result<(), String> {
        let admin = self.registry.admin();
        // A write of its own: what a killed registry still had under way in its database is over once this is done.
        let barrier = format!("/v1/applications/{}", self.writers[0].model.application);
        let text = self.random.text(1);
        admin.patch(&barrier, json!({"description": text})).await;
        let mut open = Vec::new();
        for writer in &mut self.writers {
            open.push(writer.repeat(&admin).await?);
        }
        let tokens = check::tokens(&admin).await;
        for (writer, open) in self.writers.iter_mut().zip(open) {
            let truth = check::truth(&admin, writer, &tokens).await;
            writer.settle(open, &truth)?;
            check::logins(&admin, &writer.model).await?;
        }
        let reporter = self.reporter.as_mut().expect("a reporter");
        reporter.check(&admin).await?;
        let models: Vec<&Model> = self.writers.iter().map(|writer| &writer.model).collect();
        let told = self.writers.iter().map(|writer| writer.revision).max();
        for gateway in &mut self.gateways {
            gateway.catch_up().await?;
            if let Err(violation) = check::gateway(gateway, &models, gateway.is_edge) {
                let mut fresh = gateway.anew();
                fresh.catch_up().await?;
                let anew = check::gateway(&fresh, &models, gateway.is_edge);
                let edge = gateway.is_edge;
                return Err(format!(
                    "edge {edge}: {violation}; for one that starts now: {anew:?}"
                ));
            }
            if gateway.revision < told.unwrap_or(0) && !gateway.is_edge {
                return Err(format!(
                    "the log is at {}, and {told:?} was answered",
                    gateway.revision
                ));
            }
        }
        Ok(())
    }

    /// Whether those who followed all the time know what those know who start now.
    async fn compare(&mut self) -> Result<(), String> {
        for gateway in &self.gateways {
            let mut fresh = gateway.anew();
            fresh.catch_up().await?;
            if !gateway.equals(&fresh) {
                return Err("a gateway that starts now knows something else".to_owned());
            }
        }
        Ok(())
    }
}
