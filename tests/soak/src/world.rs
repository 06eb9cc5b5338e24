//! What a run has: a registry, a faulty proxy before it, an Envoy with a fragile module, an upstream, and the keys.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use e2e::{
    admin::Admin,
    built,
    echo::Echo,
    envoy::{
        Envoy, Start,
        config::{Config, DynamicListeners},
    },
    fault,
    feed_proxy::FeedProxy,
    http::Client,
    ports,
    registry::Registry,
    stack::{Foundation, READY},
};
use serde_json::json;
use tokio::sync::RwLock;

use crate::{
    bounds::POLL_WAIT_SECONDS,
    faults::{FaultLog, Moment},
    listeners::Listeners,
    pool::Pool,
    tally::Tally,
};

/// Everything that the parts of a run share.
#[derive(Debug)]
pub(crate) struct World {
    /// What everything follows from.
    pub(crate) seed: u64,
    /// The registry's administrator.
    pub(crate) admin: Admin,
    /// Between the gateway and the registry.
    pub(crate) proxy: FeedProxy,
    /// The gateway.
    pub(crate) envoy: Envoy,
    /// Its process.
    pub(crate) envoy_id: u32,
    /// Whoever calls the API through the first listener.
    pub(crate) client: Client,
    /// And through the one that comes and goes.
    pub(crate) second: Client,
    /// Whether that one is there.
    pub(crate) second_is_there: AtomicBool,
    /// The listeners' file.
    pub(crate) listeners: tokio::sync::Mutex<Listeners>,
    /// The registry.
    pub(crate) registry: tokio::sync::Mutex<Registry>,
    /// Whoever changes a key reads it; whoever replaces the database writes it.
    pub(crate) changes: RwLock<()>,
    /// The keys.
    pub(crate) pool: Pool,
    /// Where all files are.
    pub(crate) folder: PathBuf,
    started: Instant,
    faults: Mutex<FaultLog>,
    tally: Mutex<Tally>,
    is_over: AtomicBool,
    is_interrupted: AtomicBool,
    _upstream: Echo,
}

impl World {
    /// Starts everything, and waits until the gateway can decide.
    pub(crate) async fn start(seed: u64, foundation: Foundation) -> Self {
        let Foundation {
            registry,
            upstream,
            folder,
        } = foundation;
        let folder = folder.keep();
        let proxy = FeedProxy::start(registry.settings().listen).await;
        let address = ports::free();
        let module = fault::fragile(&folder);
        let fixed = Config::on_free_ports(registry.settings().listen, upstream.address())
            .listen(address)
            .cluster("keysmith_feed", proxy.address())
            .module(&module)
            .rules(json!([{"key_auth": {}}]))
            .with_filter(|filter| {
                filter["registry"]["poll_wait_seconds"] = json!(POLL_WAIT_SECONDS);
            })
            .with_connection_manager(say_why);
        let second_address = ports::free();
        let file = DynamicListeners::new(&folder, &[fixed.listener()]);
        let config = fixed.clone().dynamic_listeners(&file);
        let mut envoy = Envoy::start(Start {
            binary: built::envoy(),
            config: &config,
            node: Some("soak"),
            token: Some(&registry.settings().gateway_token),
            folder: &folder,
            name: "envoy",
        })
        .await;
        let client = Client::new(address);
        client.get(READY).until(200).await;
        Self {
            seed,
            admin: registry.admin(),
            proxy,
            envoy_id: envoy.process().id(),
            envoy,
            client,
            second: Client::new(second_address),
            second_is_there: AtomicBool::new(false),
            listeners: tokio::sync::Mutex::new(Listeners::new(file, fixed, second_address, module)),
            registry: tokio::sync::Mutex::new(registry),
            changes: RwLock::new(()),
            pool: Pool::default(),
            folder,
            started: Instant::now(),
            faults: Mutex::new(FaultLog::default()),
            tally: Mutex::new(Tally::default()),
            is_over: AtomicBool::new(false),
            is_interrupted: AtomicBool::new(false),
            _upstream: upstream,
        }
    }

    /// Sends Envoy a signal, named as `kill` names it.
    pub(crate) fn signal_envoy(&self, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill
            .arg(format!("-{name}"))
            .arg(self.envoy_id.to_string())
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// The time on the run's clock.
    pub(crate) fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// The faults so far.
    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultLog> {
        self.faults.lock().expect("nobody panicked")
    }

    /// What was seen so far.
    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("nobody panicked")
    }

    /// Tells everybody to stop.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Tells everybody to stop because somebody asks for it from outside.
    pub(crate) fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::SeqCst);
        self.end();
    }

    /// Whether somebody did.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::SeqCst)
    }

    /// Waits until everybody is to stop.
    pub(crate) async fn over(&self) {
        while !self.is_over() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whether everybody is to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

/// Envoy's reason for an answer of its own, where the caller sees it.
fn say_why(manager: &mut serde_json::Value) {
    manager["local_reply_config"] = json!({"mappers": [{
        "filter": {"status_code_filter": {"comparison": {
            "op": "GE",
            "value": {"default_value": 100, "runtime_key": "soak"},
        }}},
        "headers_to_add": [{
            "header": {"key": "x-details", "value": "%RESPONSE_CODE_DETAILS%"},
        }],
    }]});
}
