//! Opening what the service works on: the data directory, its keys and the store.

use std::sync::Arc;

use super::{ServeError, World};
use crate::{
    audit,
    config::Config,
    environment::Environment,
    idempotency, journal,
    keys::KeySource,
    oauth_client::Proofs,
    outgoing::{self, Outgoing, SystemResolver},
    password::{Cost, PasswordHasher},
    provider::{self, oidc::FetchedTokens, registrars::Configured},
    secret_policy::SecretPolicy,
    secrets::Keys,
    start::{DataDir, StartError},
    store::{
        Store,
        sql::{Location, PostgresPlace, SqlStore},
    },
    telemetry::Metrics,
    verification::Pool,
};

/// The keys of a database that exists.
pub(crate) fn known_keys(
    config: &Config,
    data: &DataDir,
    of: &str,
) -> Result<Arc<Keys>, StartError> {
    Ok(Arc::new(data.known_keys(&config.secrets, of)?))
}

/// What use cases need on a database that was just filled from a backup, and on which no registry starts yet.
pub(crate) async fn open_restored(
    config: &Config,
    data: &DataDir,
    keys: Arc<Keys>,
    world: &World,
) -> Result<Environment, ServeError> {
    let path = data.database_path();
    let (now, entropy) = (world.clock.now(), &*world.entropy);
    let location = match &config.database.url {
        Some(url) => Location::Server(url.expose()),
        None => Location::File(&path),
    };
    let store = SqlStore::open_restored(location, &keys, now, entropy).await;
    let store = store.map_err(|source| ServeError::Open {
        path: path.display().to_string(),
        source,
    })?;
    let hasher = PasswordHasher::new(cost(config))?;
    let pool = Arc::new(Pool::new(
        hasher,
        &config.passwords,
        Arc::new(Metrics::new()),
    ));
    let environment = environment(config, world, keys, Arc::new(store), pool)?;
    audit::adopt(&environment).await?;
    Ok(environment)
}

/// The data directory, what use cases need, and where the next master key comes from.
pub(super) async fn open(
    config: &Config,
    world: &World,
    pool: Arc<Pool>,
) -> Result<(DataDir, Environment, KeySource), ServeError> {
    let data = DataDir::open(&config.data_dir)?;
    let kept = is_kept_by_a_server(config).await?;
    let (keys, source) = data.keys(&config.secrets, kept, &*world.entropy)?;
    let keys = Arc::new(keys);
    let store = open_store(config, &data, &keys, world).await?;
    let store = Arc::new(store);
    let environment = environment(config, world, keys, Arc::clone(&store) as _, pool)?;
    // Before anything can be noted.
    audit::adopt(&environment).await?;
    let journal = journal::open(&environment, &config.revocation_journal).await?;
    store.keep_journal(journal);
    if config.database.url.is_none() {
        // One registry at a time has the directory, and this one has begun nothing yet.
        idempotency::abandon_all(&environment).await?;
        provider::worker::take_over(&environment).await?;
    }
    provider::adopt(&environment).await?;
    Ok((data, environment, source))
}

fn environment(
    config: &Config,
    world: &World,
    keys: Arc<Keys>,
    store: Arc<dyn Store>,
    pool: Arc<Pool>,
) -> Result<Environment, ServeError> {
    let tls = outgoing::trust(config.outgoing.ca_file.as_deref())?;
    let policy = outgoing::Policy {
        allowed: config.outgoing.allowed.clone(),
    };
    Ok(Environment {
        store,
        keys,
        clock: Arc::clone(&world.clock),
        entropy: Arc::clone(&world.entropy),
        passwords: pool,
        policy: SecretPolicy {
            brand: config.policy.brand.clone(),
            minimum_own_key_length: config.policy.minimum_own_key_length,
            minimum_password_length: config.policy.minimum_password_length,
            retrievable_allowed: config.policy.retrievable_allowed,
        },
        rotation: config.rotation,
        lifetimes: config.lifetimes,
        quotas: config.quotas,
        log_kept: config.change_retention,
        usage_kept: config.usage_kept,
        audit_kept: config.audit.kept,
        public_url: config.public_url.as_deref().map(Into::into),
        access_tokens: config.access_tokens,
        outgoing: Outgoing::new(policy, Arc::new(SystemResolver), tls),
        fetched_tokens: FetchedTokens::default(),
        client_proofs: Proofs::default(),
        registrars: Arc::new(Configured),
    })
}

/// How an error names a database that no file holds.
const ON_A_SERVER: &str = "the PostgreSQL database";

/// What a server keeps already, if a server is to keep it.
async fn is_kept_by_a_server(config: &Config) -> Result<Option<&'static str>, ServeError> {
    let Some(url) = &config.database.url else {
        return Ok(None);
    };
    let filled = SqlStore::is_filled(url.expose()).await;
    let filled = filled.map_err(|source| ServeError::Server {
        origin: url.origin().to_owned(),
        source,
    })?;
    Ok(filled.then_some(ON_A_SERVER))
}

async fn open_store(
    config: &Config,
    data: &DataDir,
    keys: &Keys,
    world: &World,
) -> Result<SqlStore, ServeError> {
    let (now, entropy) = (world.clock.now(), &*world.entropy);
    let Some(url) = &config.database.url else {
        let path = data.database()?;
        let opened = SqlStore::open_sqlite(&path, keys, now, entropy).await;
        return opened.map_err(|source| ServeError::Open {
            path: path.display().to_string(),
            source,
        });
    };
    let place = PostgresPlace {
        url: url.expose(),
        readers: config.database.readers,
    };
    let opened = SqlStore::open_postgres(place, keys, now, entropy).await;
    opened.map_err(|source| ServeError::Server {
        origin: url.origin().to_owned(),
        source,
    })
}

/// What a hash of a chosen password costs.
pub(super) fn cost(config: &Config) -> Cost {
    Cost {
        memory_kib: config.passwords.memory_kib,
        passes: config.passwords.iterations,
        ..Cost::default()
    }
}
