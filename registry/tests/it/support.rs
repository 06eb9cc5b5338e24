//! A registry in this process, and those who talk to it.
//!
//! It keeps everything in the embedded database, or on a PostgreSQL server where `TEST_DATABASE=postgres` is set: `make
//! test` runs everything both ways. [`Data::sqlite`] is for claims about the file.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use filter_core::key::{PlainSecret, SecretType};
use private_postgres::Database;
use registry::{
    clock::{ManualClock, Timestamp},
    config::Config,
    entropy::SystemEntropy,
    serve::{ServeError, Sockets, World, serve},
    shutdown::{self, Announcer},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

mod actor;
pub(crate) mod bridge;
mod client;

pub(crate) use actor::{Actor, Apisix, Reply};
pub(crate) use client::Client;

/// When every test begins: 2027-01-15T08:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A registry that runs, with a clock that stands still.
pub(crate) struct TestRegistry {
    folder: Arc<TempDir>,
    database: Option<Arc<Database>>,
    address: SocketAddr,
    operations: SocketAddr,
    announcer: Announcer,
    task: JoinHandle<Result<(), ServeError>>,
    pub(crate) clock: Arc<ManualClock>,
}

/// Where a registry keeps its data between two starts.
pub(crate) struct Data {
    folder: Arc<TempDir>,
    database: Option<Arc<Database>>,
    url: Option<String>,
    clock: Arc<ManualClock>,
}

impl Data {
    /// In the database that `TEST_DATABASE` says.
    pub(crate) async fn new() -> Self {
        if private_postgres::wanted() {
            Self::postgres().await
        } else {
            Self::sqlite()
        }
    }

    /// On a PostgreSQL server, whatever the tests are run with.
    pub(crate) async fn postgres() -> Self {
        let database = Some(Arc::new(Database::migrated().await));
        Self {
            database,
            ..Self::sqlite()
        }
    }

    /// On a PostgreSQL server, where no registry has been.
    pub(crate) async fn postgres_without_tables() -> Self {
        let database = Some(Arc::new(Database::empty().await));
        Self {
            database,
            ..Self::sqlite()
        }
    }

    /// For another registry on the same database, with the same clock.
    pub(crate) fn beside(&self) -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            database: self.database.clone(),
            url: self.url.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// In a database of this server, which may go away.
    pub(crate) fn on(url: String) -> Self {
        Self {
            url: Some(url),
            ..Self::sqlite()
        }
    }

    /// In a file, whatever the tests are run with.
    pub(crate) fn sqlite() -> Self {
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            database: None,
            url: None,
            clock: Arc::new(ManualClock::at(START)),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts a registry on the data, with these settings besides those that every test wants.
    pub(crate) async fn start(&self, settings: &[(&str, &str)]) -> TestRegistry {
        let config = self.config(settings);
        let sockets = Sockets::bind(&config).await.unwrap();
        let address = sockets.api.local_addr().unwrap();
        let operations = sockets.operations.local_addr().unwrap();
        let (announcer, shutdown) = shutdown::channel();
        let world = World {
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::new(SystemEntropy),
        };
        TestRegistry {
            folder: Arc::clone(&self.folder),
            database: self.database.clone(),
            address,
            operations,
            announcer,
            task: tokio::spawn(serve(config, sockets, world, shutdown)),
            clock: Arc::clone(&self.clock),
        }
    }

    /// What a registry or a command on the data is told.
    pub(crate) fn config(&self, settings: &[(&str, &str)]) -> Config {
        let url = self.database.as_ref().map(|database| database.url());
        config(&self.path(), url.or(self.url.as_deref()), settings)
    }

    /// What a command takes from outside.
    pub(crate) fn world(&self) -> World {
        World {
            clock: Arc::clone(&self.clock) as _,
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Tries to start a registry that should refuse.
    pub(crate) async fn refuses_to_start(&self, settings: &[(&str, &str)]) -> String {
        let registry = self.start(settings).await;
        let ended = tokio::time::timeout(Duration::from_secs(30), registry.task).await;
        let result = ended.expect("it started").unwrap();
        result.expect_err("it started").to_string()
    }
}

impl TestRegistry {
    pub(crate) async fn start() -> Self {
        Data::new().await.start(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Data::new().await.start(settings).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds the token with role `portal_admin` that the configuration brought.
    pub(crate) fn admin(&self) -> Actor {
        self.bearer(&admin_token())
    }

    /// Holds nothing.
    pub(crate) fn stranger(&self) -> Actor {
        Actor::new(self.address, None)
    }

    /// Speaks APISIX's admin API with the token that the configuration brought.
    pub(crate) fn apisix(&self) -> Apisix {
        Apisix::new(self.stranger(), &admin_token())
    }

    pub(crate) fn bearer(&self, token: &str) -> Actor {
        Actor::new(self.address, Some(token))
    }

    /// Talks to the operations listener.
    pub(crate) fn operator(&self) -> Actor {
        Actor::new(self.operations, None)
    }

    /// Holds a new token of a gateway group.
    pub(crate) async fn gateway(&self, group: &str) -> Actor {
        let path = format!("/v1/gateway-groups/{group}/tokens");
        let made = self.admin().post(&path, json!({})).await.has(201);
        self.bearer(made.json()["token"].as_str().unwrap())
    }

    /// Holds a new token, made as the body says.
    pub(crate) async fn minted(&self, body: Value) -> Actor {
        let made = self.admin().post("/v1/tokens", body).await.has(201);
        self.bearer(&text(&made.json()["token"]))
    }

    /// Holds a new token of an organization.
    pub(crate) async fn minted_in(&self, organization: &str, body: Value) -> Actor {
        let admin = self.admin().acting_in(organization);
        let made = admin.post("/v1/tokens", body).await.has(201);
        self.bearer(&text(&made.json()["token"]))
    }

    /// Makes an application and answers its id.
    pub(crate) async fn application(&self, name: &str) -> String {
        let body = json!({"name": name, "scopes": ["orders:read", "orders:write"]});
        let made = self.admin().post("/v1/applications", body).await.has(201);
        text(&made.json()["id"])
    }

    /// Makes a credential of an application and answers what was said.
    pub(crate) async fn credential(&self, application: &str, body: Value) -> Value {
        let path = format!("/v1/applications/{application}/credentials");
        self.admin().post(&path, body).await.has(201).json()
    }

    /// Announces the end without waiting for it.
    pub(crate) fn announce_end(&self) {
        self.announcer.announce();
    }

    /// Ends it, and answers what it leaves behind.
    pub(crate) async fn stop(self) -> Data {
        self.announcer.announce();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.task).await;
        ended.expect("it does not end").unwrap().unwrap();
        Data {
            folder: self.folder,
            database: self.database,
            url: None,
            clock: self.clock,
        }
    }
}

/// The token that every test registry is configured with.
pub(crate) fn admin_token() -> String {
    token(SecretType::AdminToken, 7)
}

/// A well-formed token.
pub(crate) fn token(kind: SecretType, seed: u8) -> String {
    let secret = PlainSecret::generate("ks", kind, &[seed; 64]).unwrap();
    secret.expose().to_owned()
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

fn config(data: &Path, url: Option<&str>, settings: &[(&str, &str)]) -> Config {
    let mut environment = vec![
        ("KEYSMITH_LISTEN".into(), "127.0.0.1:0".into()),
        ("KEYSMITH_OPERATIONS_LISTEN".into(), "127.0.0.1:0".into()),
        ("KEYSMITH_DATA_DIR".into(), data.as_os_str().to_owned()),
        ("KEYSMITH_ADMIN_TOKEN".into(), admin_token().into()),
        ("KEYSMITH_ARGON2_MEMORY_KIB".into(), "8".into()),
        ("KEYSMITH_ARGON2_ITERATIONS".into(), "1".into()),
    ];
    if let Some(url) = url {
        environment.push(("KEYSMITH_DATABASE_URL".into(), url.into()));
    }
    for (name, value) in settings {
        environment.retain(|(known, _): &(OsString, OsString)| known != name);
        if !value.is_empty() {
            environment.push(((*name).into(), (*value).into()));
        }
    }
    Config::load(None, environment).unwrap()
}
