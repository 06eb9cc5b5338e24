//! The service as a function: everything is made here, in order, and ends here.

mod open;
mod replicas;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval},
};

use crate::{
    api,
    audit::{Keeper, Refusals},
    clock::Clock,
    config::Config,
    credential,
    deployment::rekeying,
    entropy::Entropy,
    environment::Environment,
    error::Error,
    feed::Feed,
    gateway::Gateways,
    issuers::Issuers,
    journal::JournalError,
    keys::{MasterRotator, Presence},
    leak::LeakDesk,
    listener::{self, BindError, Listener},
    oauth::{self, desk::Desk},
    operations::Operations,
    outgoing::TrustError,
    password::{InvalidCost, PasswordHasher},
    propagation::{self, Measured},
    provider,
    shutdown::{self, Shutdown},
    start::StartError,
    store::OpenError,
    sweep,
    telemetry::Metrics,
    tls::{self, TlsError},
    usage::{self, Intake},
    verification::{Pool, Verifier},
};

pub(crate) use open::{known_keys, open_restored};

/// How often what has ended is cleared away.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// How many times that is done for once that what is to be rotated is counted, which looks at all of it.
const SWEEPS_PER_COUNT: u32 = 6;
/// How often what gateways reported is written down. A crash loses that much of it.
const SAVE_INTERVAL: Duration = Duration::from_secs(2);
/// For how long receipts, or the news of them, are gathered: long enough that those of many gateways become one transaction,
/// and short for whoever waits until all of them have a change.
const GATHER: Duration = Duration::from_millis(100);
/// How often it is looked whether a group's digest key is being replaced.
const REKEY_INTERVAL: Duration = Duration::from_secs(1);
/// Between two steps of that. A step holds the database's one turn to write for some tens of milliseconds; the pause lets
/// those who wait have theirs before the next, and each gateway's leader take up what the step has changed.
const REKEY_PAUSE: Duration = Duration::from_millis(20);
/// How often it is looked whether something is to be done at an identity provider.
const PROVIDER_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is counted for how long changes were on their way.
const MEASURE_INTERVAL: Duration = Duration::from_secs(1);

/// The listening sockets, bound before anything else: a taken port costs nothing.
#[derive(Debug)]
pub struct Sockets {
    /// For the API and the feed.
    pub api: TcpListener,
    /// For health, readiness and metrics.
    pub operations: TcpListener,
}

impl Sockets {
    /// Binds both.
    pub async fn bind(config: &Config) -> Result<Self, BindError> {
        Ok(Self {
            api: listener::bind("listen", config.listeners.api).await?,
            operations: listener::bind("operations_listen", config.listeners.operations).await?,
        })
    }

    /// Where the API is reached.
    pub fn api_address(&self) -> io::Result<SocketAddr> {
        self.api.local_addr()
    }
}

/// What the service takes from outside.
#[derive(Clone, Debug)]
pub struct World {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Whom the registry trusts when it makes requests.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The data directory and what is in it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database.
    #[error("data_dir: cannot open {path}: {source}")]
    Open {
        /// The database's file.
        path: String,
        /// Why.
        source: OpenError,
    },
    /// The journal of revocations.
    #[error("revocation_journal: {0}")]
    Journal(#[from] JournalError),
    /// The database on a server.
    #[error("{origin}: {source}")]
    Server {
        /// The setting that says where it is.
        origin: String,
        /// Why.
        source: OpenError,
    },
    /// The costs of Argon2.
    #[error("argon2_memory_kib and argon2_iterations: {0}")]
    Cost(#[from] InvalidCost),
    /// Something that every use case needs.
    #[error(transparent)]
    Domain(#[from] Error),
}

/// Serves until `shutdown` is announced and what was accepted is finished.
pub async fn serve(
    config: Config,
    sockets: Sockets,
    world: World,
    shutdown: Shutdown,
) -> Result<(), ServeError> {
    let tls = config
        .listeners
        .tls
        .as_ref()
        .map(tls::acceptor)
        .transpose()?;
    let metrics = Arc::new(Metrics::new());
    let journal_path = config.revocation_journal.clone();
    let hasher = PasswordHasher::new(open::cost(&config))?;
    let pool = Arc::new(Pool::new(hasher, &config.passwords, Arc::clone(&metrics)));
    let (data, environment, source) = open::open(&config, &world, Arc::clone(&pool)).await?;
    data.provision_tokens(&environment, &config.secrets).await?;
    let store = Arc::clone(&environment.store);
    let verifier = Verifier::new(
        environment.clone(),
        pool,
        &config.passwords,
        Arc::clone(&metrics),
    )
    .await?;

    oauth::upkeep::tend(&environment).await?;
    credential::reconsider_rotations(&environment).await?;
    let address = sockets.api_address().map(|address| address.to_string());
    let presence = Presence::of(&environment, &address.unwrap_or_default());
    let presence = presence.map_err(StartError::from)?;
    let rotator = MasterRotator::new(environment.clone(), source, presence, shutdown.clone());
    let master_rotator = Arc::new(rotator);
    master_rotator.resume().await?;
    let gateways = Arc::new(Gateways::load(&environment).await?);
    let operations = Operations {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        shutdown: shutdown.clone(),
    };
    let refusals = Arc::new(Refusals::default());
    let keeper = Keeper::new(Arc::clone(&refusals), config.audit.head_every);
    let issuers = Issuers::new(environment.clone(), Arc::clone(&metrics)).map_err(Error::from)?;
    let issuers = Arc::new(issuers);
    let parts = api::Parts {
        environment: environment.clone(),
        feed: Feed::new(environment.clone()),
        gateways: Arc::clone(&gateways),
        verifier: Arc::new(verifier),
        issuers: Arc::clone(&issuers),
        usage: Arc::new(Intake::new(environment.clone(), Arc::clone(&metrics))),
        metrics: Arc::clone(&metrics),
        leaks: LeakDesk::new(config.leaks.policy, config.leaks.reports_per_minute),
        desk: Desk::new(config.access_tokens_per_minute),
        refusals: Arc::clone(&refusals),
        master_rotator: Arc::clone(&master_rotator),
        limits: config.limits,
        shutdown: shutdown.clone(),
    };
    let api = Listener {
        socket: sockets.api,
        tls,
        router: api::router(parts),
        limits: config.limits,
    };
    let operations = Listener {
        socket: sockets.operations,
        tls: None,
        router: operations.router(),
        limits: config.limits,
    };

    // Health and metrics are there until the last request is finished.
    let (finished, operations_shutdown) = shutdown::channel();
    let serving = async {
        api.serve(shutdown.clone()).await;
        finished.announce();
    };
    tokio::join!(
        serving,
        operations.serve(operations_shutdown),
        sweep_regularly(&environment, &gateways, &metrics, &shutdown),
        measure_regularly(&environment, &gateways, &metrics, &shutdown),
        save_regularly(&environment, &gateways, &shutdown),
        replicas::learn_regularly(&environment, &gateways, &shutdown),
        replicas::begin_anew_with_the_log(&environment, &gateways, &journal_path, &shutdown),
        rekey_regularly(&environment, &gateways, &shutdown),
        call_providers_regularly(&environment, &shutdown),
        master_rotator.tend(),
        keeper.tend(&environment, &shutdown),
        issuers.tend(&shutdown),
    );
    save(&environment, &gateways).await;
    replicas::leave(&environment, &gateways).await;
    keeper.conclude(&environment).await;
    master_rotator.leave().await;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Clears away what has ended. What is correct does not depend on it.
async fn sweep_regularly(
    environment: &Environment,
    gateways: &Gateways,
    metrics: &Metrics,
    shutdown: &Shutdown,
) {
    let mut ticks = interval(SWEEP_INTERVAL);
    let mut sweeps = (0..SWEEPS_PER_COUNT).cycle();
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.wait() => return,
        }
        gateways.forget_silent(environment.now());
        if let Err(error) = sweep::sweep(environment).await {
            tracing::warn!(%error, "what has ended could not be cleared away");
        }
        if let Err(error) = oauth::upkeep::tend(environment).await {
            tracing::warn!(%error, "the authorization server's keys could not be kept");
        }
        if let Err(error) = usage::end_silent(environment, gateways).await {
            tracing::warn!(%error, "grace periods could not be ended by silence");
        }
        if let Err(error) = credential::announce_rotations(environment).await {
            tracing::warn!(%error, "what is to be rotated could not be announced");
        }
        if sweeps.next() == Some(0) {
            match credential::count_rotations(environment).await {
                Ok(counts) => metrics.rotations(counts),
                Err(error) => tracing::warn!(%error, "what is to be rotated could not be counted"),
            }
        }
    }
}

/// Counts for how long changes are on their way.
async fn measure_regularly(
    environment: &Environment,
    gateways: &Gateways,
    metrics: &Metrics,
    shutdown: &Shutdown,
) {
    let mut ticks = interval(MEASURE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut measured = Measured::default();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.wait() => return,
        }
        let silent = gateways.silent(environment.now());
        let silent = i64::try_from(silent).unwrap_or(i64::MAX);
        metrics.gateways_silent.set(silent);
        match propagation::measure(environment, gateways, &mut measured).await {
            Ok(taken) => taken
                .into_iter()
                .for_each(|after| metrics.propagated(after)),
            Err(error) => tracing::warn!(%error, "how long changes take could not be measured"),
        }
    }
}

/// Writes down what gateways report, many reports at a time, and sooner where other registries wait for it.
async fn save_regularly(environment: &Environment, gateways: &Gateways, shutdown: &Shutdown) {
    let mut ticks = interval(SAVE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = gateways.prompted() => tokio::time::sleep(GATHER).await,
            () = shutdown.wait() => return,
        }
        save(environment, gateways).await;
    }
}

/// Goes on with replacing digest keys, wherever it was left.
async fn rekey_regularly(environment: &Environment, gateways: &Gateways, shutdown: &Shutdown) {
    let mut ticks = interval(REKEY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.wait() => return,
        }
        let pause = || tokio::time::sleep(REKEY_PAUSE);
        let is_over = || shutdown.announced();
        if let Err(error) = rekeying::advance(environment, gateways, pause, is_over).await {
            tracing::warn!(%error, "a digest key could not be replaced further");
        }
    }
}

/// Goes on with what is to be done at identity providers.
async fn call_providers_regularly(environment: &Environment, shutdown: &Shutdown) {
    let mut ticks = interval(PROVIDER_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.wait() => return,
        }
        tokio::select! {
            // What is left undone is found again, by this registry or another.
            () = shutdown.wait() => return,
            done = provider::worker::work(environment) => {
                if let Err(error) = done {
                    tracing::warn!(%error, "what is to be done at identity providers could not be looked at");
                }
            }
        }
    }
}

async fn save(environment: &Environment, gateways: &Gateways) {
    if let Err(error) = gateways.save(environment).await {
        tracing::warn!(%error, "what gateways reported could not be written down");
    }
}
