//! A gateway without Envoy: follows the feed over HTTP, and applies pages as the wire format demands, in the plainest way.

use std::collections::BTreeMap;

use e2e::http::Client;
use filter_core::{
    digest::{Digester, SecretHash},
    feed::{
        Application, Body, Credential, Operation, Page, Records, SnapshotPage, application_bucket,
        credential_segment,
    },
};

/// What a page is asked for as.
const PAGE: &str = "application/vnd.keysmith.feed.v1";

/// Credentials and applications: a part of either is one of these.
type Part = (bool, u16);

/// A gateway's view.
pub(crate) struct Follower {
    client: Client,
    token: String,
    cursor: Option<String>,
    digester: Option<Digester>,
    applications: BTreeMap<u32, Application>,
    credentials: BTreeMap<[u8; 16], Credential>,
    /// The revision that each part reflects since the snapshot.
    reflected: BTreeMap<Part, u64>,
    /// How many snapshots began. More than one is a reset.
    pub(crate) snapshots: usize,
    /// The last position in the log.
    pub(crate) revision: u64,
    /// Whether it is one of the on-demand group.
    pub(crate) is_edge: bool,
}

impl Follower {
    pub(crate) fn new(client: Client, token: &str, is_edge: bool) -> Self {
        Self {
            client,
            token: token.to_owned(),
            cursor: None,
            digester: None,
            applications: BTreeMap::new(),
            credentials: BTreeMap::new(),
            reflected: BTreeMap::new(),
            snapshots: 0,
            revision: 0,
            is_edge,
        }
    }

    /// Another gateway of the same group, which knows nothing yet.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.client.clone(), &self.token, self.is_edge)
    }

    /// Follows until there is nothing new.
    ///
    /// # Errors
    /// When a page does not come, or contradicts one before.
    pub(crate) async fn catch_up(&mut self) -> Result<(), String> {
        while self.step(0).await? {}
        Ok(())
    }

    /// Follows until the registry is gone.
    pub(crate) async fn follow(mut self) -> Result<Self, String> {
        loop {
            match self.step(5).await {
                Ok(_) => {}
                Err(error) if error.contains("the log") => return Err(error),
                Err(_) => return Ok(self),
            }
        }
    }

    /// Asks for one page and applies it. Whether there was something in it.
    async fn step(&mut self, wait: u32) -> Result<bool, String> {
        let mut path = format!("/v1/feed?wait={wait}");
        if let Some(cursor) = &self.cursor {
            path.push_str("&after=");
            path.push_str(cursor);
        }
        let call = self.client.get(&path).bearer(&self.token);
        let answer = call.header("accept", PAGE).try_send().await?;
        if answer.status != 200 {
            return Err(format!("{path}: {answer:?}"));
        }
        let page = Page::decode(&answer.body).map_err(|error| format!("{path}: {error}"))?;
        let news = match &page.body {
            Body::Snapshot(_) | Body::Key(_) => true,
            Body::Changes(changes) => page.more || !changes.changes.is_empty(),
        };
        self.apply(page)?;
        Ok(news)
    }

    fn apply(&mut self, page: Page) -> Result<(), String> {
        self.cursor = Some(page.next);
        match page.body {
            Body::Snapshot(snapshot) => self.load(snapshot),
            Body::Key(key) => self.digester = Some(Digester::new(&key.digest_key)),
            Body::Changes(changes) => {
                if changes.revision < self.revision {
                    return Err(format!(
                        "the log went back from {} to {}",
                        self.revision, changes.revision
                    ));
                }
                self.revision = changes.revision;
                for change in changes.changes {
                    self.operate(change.revision, change.operation);
                }
            }
        }
        Ok(())
    }

    fn load(&mut self, page: SnapshotPage) {
        if let Some(beginning) = &page.begins {
            self.digester = Some(Digester::new(&beginning.digest_key));
            self.snapshots += 1;
        }
        // There are no clients here that an issuer could give a token to.
        if matches!(page.records, Records::Issuers(_)) {
            return;
        }
        let is_credentials = matches!(page.records, Records::Credentials(_));
        let within = |part: u16| (page.from..page.to).contains(&part);
        for part in page.from..page.to {
            self.reflected.insert((is_credentials, part), page.revision);
        }
        match page.records {
            Records::Applications(records) => {
                self.applications
                    .retain(|index, _| !within(application_bucket(*index)));
                let records = records.into_iter().map(|one| (one.index, one));
                self.applications.extend(records);
            }
            Records::Credentials(records) => {
                self.credentials
                    .retain(|_, one| !within(credential_segment(&one.digest)));
                let records = records.into_iter().map(|one| (one.digest.0, one));
                self.credentials.extend(records);
            }
            Records::Issuers(_) => {}
        }
    }

    fn operate(&mut self, revision: u64, operation: Operation) {
        let part = match &operation {
            Operation::PutApplication(one) => (false, application_bucket(one.index)),
            Operation::RemoveApplication(index) => (false, application_bucket(*index)),
            Operation::PutCredential(one) => (true, credential_segment(&one.digest)),
            Operation::RemoveCredential(digest) => (true, credential_segment(digest)),
            Operation::PutIssuer(_) | Operation::RemoveIssuer(_) => return,
        };
        let reflected = self.reflected.get(&part);
        if reflected.is_some_and(|known| revision <= *known) {
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
            Operation::PutIssuer(_) | Operation::RemoveIssuer(_) => {}
        }
    }

    fn find(&self, value: &str) -> Option<&Credential> {
        self.found_by(&SecretHash::of_value(value.as_bytes()))
    }

    fn found_by(&self, hash: &SecretHash) -> Option<&Credential> {
        self.credentials
            .get(&self.digester.as_ref()?.digest(hash).0)
    }

    /// Whether it knows the value at all.
    pub(crate) fn knows(&self, value: &str) -> bool {
        self.find(value).is_some()
    }

    /// Whether a request with this value would pass.
    pub(crate) fn admits(&self, value: &str) -> bool {
        let found = self.find(value);
        found.is_some_and(|credential| self.is_enabled(credential))
    }

    /// Whether a token of this client would pass.
    pub(crate) fn accepts_client(&self, issuer: &str, client_id: &str) -> bool {
        let hash = SecretHash::of_client(issuer, client_id);
        let found = self.found_by(&hash);
        found.is_some_and(|credential| self.is_enabled(credential))
    }

    fn is_enabled(&self, credential: &Credential) -> bool {
        let application = self.applications.get(&credential.application);
        credential.enabled && application.is_some_and(|one| one.enabled)
    }

    /// How many secrets it has.
    pub(crate) fn secrets(&self) -> usize {
        self.credentials.len()
    }

    /// Whether both know the same.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.applications == other.applications && self.credentials == other.credentials
    }
}
