//! What the tests of this crate stand on: a registry with a clock that stands still, and a gateway that follows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use filter_core::{
    digest::{Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Body, CREDENTIAL_SEGMENTS, Credential, Operation, Page,
        Records, SnapshotPage, application_bucket, credential_segment,
    },
};

use crate::{
    application::{self, NewApplication},
    clock::{ManualClock, Timestamp},
    credential::{self, Issued, NewCredential, NewSecret, RotatedSecret, Rotation},
    entropy::SeededEntropy,
    environment::Environment,
    error::Error,
    feed,
    gateway::{self, DEFAULT_GROUP},
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId},
    password::{HashedPassword, PasswordHasher, PasswordWork, PhcString, Salts},
    secret_policy::SecretPolicy,
    secrets::{Keys, MasterKey, SecretText},
    store::sqlite::SqliteStore,
    sweep,
};

pub(crate) const DATABASE: &str = "keysmith.db";
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// A registry with its database in a folder of its own.
pub(crate) struct World {
    pub(crate) env: Environment,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) organization: OrganizationId,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) folder: tempfile::TempDir,
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

impl World {
    pub(crate) async fn new() -> Self {
        Self::seeded(1).await
    }

    pub(crate) async fn seeded(seed: u64) -> Self {
        Self::open(tempfile::tempdir().unwrap(), seed).await
    }

    /// The registry whose database lies in the folder.
    pub(crate) async fn open(folder: tempfile::TempDir, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_800_000_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        let keys = Arc::new(Keys::derive(&master_key()));
        let path = folder.path().join(DATABASE);
        let now = crate::clock::Clock::now(clock.as_ref());
        let store = Arc::new(
            SqliteStore::open(&path, &keys, now, entropy.as_ref())
                .await
                .unwrap(),
        );
        let env = Environment {
            store: store.clone(),
            keys,
            clock: clock.clone(),
            entropy,
            passwords: Arc::new(InlinePasswords(PasswordHasher::cheapest().unwrap())),
            policy: SecretPolicy::default(),
            log_kept: sweep::LOG_KEPT,
        };
        let mut read = env.store.read().await.unwrap();
        let organization = read.default_organization().await.unwrap().id;
        drop(read);
        Self {
            env,
            clock,
            organization,
            store,
            folder,
        }
    }

    /// The folder, with everything written into the one file of the database.
    pub(crate) async fn close(self) -> tempfile::TempDir {
        self.env.store.close().await;
        self.folder
    }

    pub(crate) fn new_application(name: &str) -> NewApplication {
        NewApplication {
            name: name.to_owned(),
            custom_id: None,
            description: String::new(),
            labels: BTreeMap::new(),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            gateway_groups: None,
            enabled: true,
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
            expires_at: None,
            scopes: Vec::new(),
            secret,
        }
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
        application::create(&self.env, self.organization, new).await
    }

    pub(crate) async fn issue(&self, new: NewCredential) -> Result<Issued, Error> {
        credential::create(&self.env, self.organization, new, None).await
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
        let rotation = Rotation { grace, secret };
        credential::rotate(&self.env, self.organization, id, None, rotation, None).await
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
        credential::delete(&self.env, self.organization, id, None)
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
        follower.catch_up(&self.env).await;
        follower
    }
}

/// A gateway that applies pages as the wire format demands, in the plainest way.
pub(crate) struct Follower {
    pub(crate) group: GroupId,
    pub(crate) cursor: Option<String>,
    pub(crate) pages: Vec<Page>,
    pub(crate) applications: BTreeMap<u32, Application>,
    pub(crate) credentials: BTreeMap<[u8; 16], Credential>,
    reflected: BTreeMap<(bool, u16), u64>,
    digester: Option<Digester>,
    covered: (u16, u16),
}

impl Follower {
    pub(crate) fn new(group: GroupId) -> Self {
        Self {
            group,
            cursor: None,
            pages: Vec::new(),
            applications: BTreeMap::new(),
            credentials: BTreeMap::new(),
            reflected: BTreeMap::new(),
            digester: None,
            covered: (0, 0),
        }
    }

    /// Polls once and applies the page. Returns whether there was more.
    pub(crate) async fn step(&mut self, env: &Environment) -> bool {
        let page = feed::page(env, self.group, self.cursor.as_deref())
            .await
            .unwrap();
        let page = Page::decode(&page.encode().unwrap()).unwrap();
        let more = page.more;
        self.apply(page);
        more
    }

    /// Polls until an empty page comes.
    pub(crate) async fn catch_up(&mut self, env: &Environment) {
        for _ in 0..10_000 {
            self.step(env).await;
            let last = self.pages.last().unwrap();
            if matches!(&last.body, Body::Changes(changes) if changes.changes.is_empty()) {
                assert!(!last.more, "an empty page promises no more");
                return;
            }
        }
        panic!("the feed does not end");
    }

    pub(crate) fn apply(&mut self, page: Page) {
        self.cursor = Some(page.next.clone());
        match &page.body {
            Body::Snapshot(snapshot) => self.apply_snapshot(snapshot.clone()),
            Body::Changes(changes) => {
                let mut last = 0;
                for change in &changes.changes {
                    assert!(last <= change.revision && change.revision <= changes.revision);
                    last = change.revision;
                    self.apply_operation(change.revision, change.operation.clone());
                }
            }
        }
        self.pages.push(page);
    }

    fn apply_snapshot(&mut self, page: SnapshotPage) {
        if let Some(beginning) = &page.begins {
            self.digester = Some(Digester::new(&beginning.digest_key));
            self.covered = (0, 0);
        }
        let credentials = matches!(page.records, Records::Credentials(_));
        let covered = if credentials {
            &mut self.covered.1
        } else {
            &mut self.covered.0
        };
        assert!(page.from <= *covered, "pages leave no gap");
        *covered = page.to.max(*covered);
        assert!(
            page.to
                <= if credentials {
                    CREDENTIAL_SEGMENTS
                } else {
                    APPLICATION_BUCKETS
                }
        );
        for part in page.from..page.to {
            self.reflected.insert((credentials, part), page.revision);
        }
        let within = |part: u16| (page.from..page.to).contains(&part);
        match page.records {
            Records::Applications(records) => {
                assert!(
                    records
                        .iter()
                        .all(|one| within(application_bucket(one.index)))
                );
                self.applications
                    .retain(|index, _| !within(application_bucket(*index)));
                self.applications
                    .extend(records.into_iter().map(|one| (one.index, one)));
            }
            Records::Credentials(records) => {
                assert!(
                    records
                        .iter()
                        .all(|one| within(credential_segment(&one.digest)))
                );
                assert!(records.is_sorted_by_key(|one| one.digest.0));
                self.credentials.retain(|digest, _| {
                    !within(credential_segment(&filter_core::digest::Digest(*digest)))
                });
                self.credentials
                    .extend(records.into_iter().map(|one| (one.digest.0, one)));
            }
        }
    }

    fn apply_operation(&mut self, revision: u64, operation: Operation) {
        let part = match &operation {
            Operation::PutApplication(one) => (false, application_bucket(one.index)),
            Operation::RemoveApplication(index) => (false, application_bucket(*index)),
            Operation::PutCredential(one) => (true, credential_segment(&one.digest)),
            Operation::RemoveCredential(digest) => (true, credential_segment(digest)),
        };
        if self
            .reflected
            .get(&part)
            .is_some_and(|known| revision <= *known)
        {
            return;
        }
        match operation {
            Operation::PutApplication(one) => {
                self.applications.insert(one.index, one);
            }
            Operation::RemoveApplication(index) => {
                self.applications.remove(&index);
            }
            Operation::PutCredential(one) => {
                self.credentials.insert(one.digest.0, one);
            }
            Operation::RemoveCredential(digest) => {
                self.credentials.remove(&digest.0);
            }
        }
    }

    fn find(&self, hash: &SecretHash) -> Option<&Credential> {
        self.credentials
            .get(&self.digester.as_ref()?.digest(hash).0)
    }

    pub(crate) fn by_value(&self, value: &SecretText) -> Option<&Credential> {
        self.find(&SecretHash::of_value(value.expose().as_bytes()))
    }

    pub(crate) fn by_password(&self, username: &str, password: &SecretText) -> Option<&Credential> {
        self.find(&SecretHash::of_basic(
            username.as_bytes(),
            password.expose().as_bytes(),
        ))
    }

    pub(crate) fn by_username(&self, username: &str) -> Option<&Credential> {
        self.find(&SecretHash::of_username(username.as_bytes()))
    }

    pub(crate) fn application_names(&self) -> BTreeSet<&str> {
        self.applications
            .values()
            .map(|one| one.name.as_str())
            .collect()
    }

    /// Everything it knows, for comparing two of them.
    pub(crate) fn known(&self) -> (&BTreeMap<u32, Application>, &BTreeMap<[u8; 16], Credential>) {
        (&self.applications, &self.credentials)
    }
}
