//! What the tests of this crate stand on: a registry with a clock that stands still, and a gateway that follows it.
//!
//! A registry under test keeps everything in the embedded database, or on a PostgreSQL server where `TEST_DATABASE=postgres`
//! is set: `make test` runs them both ways. Claims about the file take [`World::sqlite`], claims about several registries on
//! one database [`World::postgres`]. The server is `private_postgres`'s, which says how to bring one's own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use self::{follower::Follower, home::Home};
use crate::{
    application::{self, DefaultKey, NewApplication},
    caller::Caller,
    clock::{ManualClock, Timestamp},
    credential::{
        self, Deployed, Issued, NewCredential, NewSecret, RotatedSecret, Rotation, RotationPolicy,
        SecretType,
    },
    entropy::SeededEntropy,
    environment::Environment,
    error::Error,
    feed::Feed,
    gateway::{self, DEFAULT_GROUP},
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId},
    outgoing::{self, Outgoing},
    password::{HashedPassword, PasswordHasher, PasswordWork, PhcString, Salts},
    secret::Part,
    secret_policy::SecretPolicy,
    secrets::{Keys, MasterKey, SecretText},
    store::sql::{PostgresPlace, SqlStore},
    sweep, usage,
};
use async_trait::async_trait;

pub(crate) mod client;
pub(crate) mod follower;
pub(crate) mod home;
pub(crate) mod peer;
pub(crate) mod registrar;

pub(crate) const DATABASE: &str = "keysmith.db";
const END_OF_2099: u64 = 4_102_444_799_000;
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// A registry with a database of its own.
pub(crate) struct World {
    pub(crate) env: Environment,
    pub(crate) feed: Arc<Feed>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organization: OrganizationId,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) home: Home,
}

/// Hashes on the spot.
#[derive(Debug)]
pub(crate) struct InlinePasswords(pub(crate) PasswordHasher);

#[async_trait]
impl PasswordWork for InlinePasswords {
    async fn hash(&self, password: SecretText, salts: Salts) -> Result<HashedPassword, Error> {
        self.0.hash(&password, &salts)
    }

    async fn verify(&self, password: SecretText, phc: PhcString) -> Result<bool, Error> {
        self.0.verify(&password, &phc)
    }

    fn is_outdated(&self, phc: &PhcString) -> bool {
        self.0.is_outdated(phc)
    }
}

pub(crate) fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

pub(crate) fn master_key() -> MasterKey {
    MasterKey::generate(&SeededEntropy::new(99)).unwrap()
}

/// Requests to this machine alone, whose certificates nobody trusts.
fn to_this_machine() -> Outgoing {
    let policy = outgoing::Policy {
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
    };
    let tls = outgoing::trust(None).unwrap();
    Outgoing::new(policy, Arc::new(outgoing::SystemResolver), tls)
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::seeded(1).await
    }

    pub(crate) async fn seeded(seed: u64) -> Self {
        Self::open(Home::any().await, seed).await
    }

    /// With the embedded database, whatever the tests are run with.
    pub(crate) async fn sqlite() -> Self {
        Self::open(Home::sqlite(), 1).await
    }

    /// With a database on a PostgreSQL server, whatever the tests are run with.
    pub(crate) async fn postgres() -> Self {
        Self::open(Home::postgres().await, 1).await
    }

    /// With the database `postgres` of this server, which may go away.
    pub(crate) async fn on_server(url: &str) -> Self {
        let model = Self::sqlite().await;
        let place = PostgresPlace { url, readers: 2 };
        let env = &model.env;
        let store = SqlStore::open_postgres(place, &env.keys, env.now(), env.entropy.as_ref());
        let store = Arc::new(store.await.unwrap());
        let env = Environment {
            store: store.clone(),
            ..env.clone()
        };
        let mut read = env.store.read().await.unwrap();
        let organization = read.default_organization().await.unwrap().id;
        drop(read);
        Self {
            feed: Arc::new(Feed::new(env.clone())),
            env,
            organization,
            store,
            ..model
        }
    }

    /// Another registry on the same database of a PostgreSQL server.
    pub(crate) async fn beside(&self, seed: u64) -> Self {
        Self::open(self.home.beside(), seed).await
    }

    /// The registry that was closed.
    pub(crate) async fn open(home: Home, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let keys = Arc::new(Keys::derive(&master_key()));
        let now = crate::clock::Clock::now(clock.as_ref());
        let store = Arc::new(home.open(&keys, now, entropy.as_ref()).await.unwrap());
        let env = Environment {
            store: store.clone(),
            keys,
            clock: clock.clone(),
            entropy,
            passwords: Arc::new(InlinePasswords(PasswordHasher::cheapest().unwrap())),
            policy: SecretPolicy::default(),
            rotation: RotationPolicy::default(),
            lifetimes: crate::lifetime::Lifetimes::default(),
            quotas: crate::organization::Quotas::default(),
            log_kept: sweep::LOG_KEPT,
            usage_kept: usage::USAGE_KEPT,
            audit_kept: None,
            public_url: Some("https://keys.example".into()),
            access_tokens: crate::oauth::upkeep::AccessTokens::default(),
            outgoing: to_this_machine(),
            fetched_tokens: crate::provider::oidc::FetchedTokens::default(),
            client_proofs: crate::oauth_client::Proofs::default(),
            registrars: Arc::new(crate::provider::registrars::Configured),
        };
        let mut read = env.store.read().await.unwrap();
        let organization = read.default_organization().await.unwrap().id;
        drop(read);
        Self {
            feed: Arc::new(Feed::new(env.clone())),
            env,
            clock,
            organization,
            store,
            home,
        }
    }

    /// Where everything is kept; the embedded database in its one file.
    pub(crate) async fn close(self) -> Home {
        self.env.store.close().await;
        self.home
    }

    /// Does to the database what another program would do.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        self.store
            .tamper((statement, statement), None)
            .await
            .unwrap();
    }

    pub(crate) fn new_application(name: &str) -> NewApplication {
        NewApplication {
            name: name.to_owned(),
            owner: None,
            custom_id: None,
            description: String::new(),
            labels: BTreeMap::new(),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            gateway_groups: None,
            enabled: true,
            default_key: DefaultKey::None,
        }
    }

    pub(crate) fn new_credential(
        application: ApplicationId,
        name: &str,
        secret: NewSecret,
    ) -> NewCredential {
        NewCredential {
            application,
            name: name.to_owned(),
            identifier: None,
            description: String::new(),
            labels: BTreeMap::new(),
            enabled: true,
            not_before: None,
            // Only where it must be: what never ends needs no attention from a test.
            expires_at: matches!(secret, NewSecret::BearerToken)
                .then(|| Timestamp::from_millis(END_OF_2099)),
            scopes: Vec::new(),
            gateway_groups: None,
            rotate_every: None,
            secret_type: SecretType::Hashed,
            is_paired: false,
            secret,
        }
    }

    /// The registry itself.
    pub(crate) const fn caller(&self) -> Caller {
        Caller::registry(self.organization)
    }

    pub(crate) async fn application(&self, name: &str) -> ApplicationId {
        self.try_application(Self::new_application(name))
            .await
            .unwrap()
            .id
    }

    pub(crate) async fn try_application(
        &self,
        new: NewApplication,
    ) -> Result<application::Application, Error> {
        let created = application::create(&self.env, self.caller(), new, None).await?;
        Ok(created.value.application)
    }

    pub(crate) async fn issue(&self, new: NewCredential) -> Result<Issued, Error> {
        let created = credential::create(&self.env, self.caller(), new, None).await?;
        Ok(created.value)
    }

    /// A credential of an application of its own.
    pub(crate) async fn credential(&self, name: &str, secret: NewSecret) -> Issued {
        let application = self.application(name).await;
        self.issue(Self::new_credential(application, name, secret))
            .await
            .unwrap()
    }

    pub(crate) async fn rotate(
        &self,
        id: CredentialId,
        grace: Duration,
        secret: RotatedSecret,
    ) -> Result<Issued, Error> {
        let rotation = Rotation {
            part: Part::Value,
            grace,
            end_after_silence: None,
            expires_at: crate::edit::Edit::Keep,
            secret,
        };
        let rotated =
            credential::rotate(&self.env, self.caller(), id, None, rotation, None).await?;
        Ok(rotated.value)
    }

    pub(crate) async fn rotate_now(&self, id: CredentialId) -> Issued {
        let secret = RotatedSecret::Generated { username: None };
        self.rotate(id, Duration::ZERO, secret).await.unwrap()
    }

    /// Returns how many credentials had something to end.
    pub(crate) async fn sweep(&self) -> usize {
        sweep::sweep(&self.env).await.unwrap()
    }

    pub(crate) async fn delete_credential(&self, id: CredentialId) {
        credential::delete(&self.env, self.caller(), id, None, Deployed::Keep)
            .await
            .unwrap();
    }

    pub(crate) async fn default_group(&self) -> GroupId {
        gateway::group(&self.env, DEFAULT_GROUP).await.unwrap().id
    }

    /// A gateway that has followed the feed of the default group to its end.
    pub(crate) async fn gateway(&self) -> Follower {
        self.gateway_of(self.default_group().await).await
    }

    pub(crate) async fn gateway_of(&self, group: GroupId) -> Follower {
        let mut follower = Follower::new(group);
        follower.catch_up(&self.feed).await;
        follower
    }
}
