//! A gateway, without Envoy.

use std::collections::{BTreeMap, BTreeSet};

use filter_core::{
    digest::{Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Body, CREDENTIAL_SEGMENTS, Credential, Issuer, Operation,
        Page, Records, SnapshotPage, application_bucket, credential_segment,
    },
};

use crate::{feed::Feed, ids::GroupId, secrets::SecretText};

/// A gateway that applies pages as the wire format demands, in the plainest way.
pub(crate) struct Follower {
    pub(crate) group: GroupId,
    pub(crate) cursor: Option<String>,
    pub(crate) pages: Vec<Page>,
    pub(crate) applications: BTreeMap<u32, Application>,
    pub(crate) credentials: BTreeMap<[u8; 16], Credential>,
    pub(crate) issuers: BTreeMap<String, Issuer>,
    issuers_at: u64,
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
            issuers: BTreeMap::new(),
            issuers_at: 0,
            reflected: BTreeMap::new(),
            digester: None,
            covered: (0, 0),
        }
    }

    /// Polls once and applies the page. Returns whether there was more.
    pub(crate) async fn step(&mut self, feed: &Feed) -> bool {
        let answer = feed.page(self.group, self.cursor.as_deref()).await.unwrap();
        let page = answer.decode().unwrap();
        assert_eq!(
            page.encode().unwrap(),
            answer.parts().concat(),
            "as if it had been encoded as a whole"
        );
        let more = page.more;
        self.apply(page);
        more
    }

    /// Polls until an empty page comes.
    pub(crate) async fn catch_up(&mut self, feed: &Feed) {
        for _ in 0..10_000 {
            self.step(feed).await;
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
            Body::Key(key) => self.digester = Some(Digester::new(&key.digest_key)),
        }
        self.pages.push(page);
    }

    fn apply_snapshot(&mut self, page: SnapshotPage) {
        if let Some(beginning) = &page.begins {
            self.digester = Some(Digester::new(&beginning.digest_key));
            self.covered = (0, 0);
        }
        let records = match page.records {
            Records::Issuers(issuers) => {
                assert_eq!((page.from, page.to), (0, 1));
                self.issuers_at = page.revision;
                self.issuers = issuers
                    .into_iter()
                    .map(|one| (one.name.clone(), one))
                    .collect();
                return;
            }
            records => records,
        };
        let credentials = matches!(records, Records::Credentials(_));
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
        match records {
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
            Records::Issuers(_) => unreachable!("taken above"),
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
            Operation::PutIssuer(_) | Operation::RemoveIssuer(_) => {
                if revision > self.issuers_at {
                    self.change_issuers(operation);
                }
                return;
            }
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
            Operation::PutIssuer(_) | Operation::RemoveIssuer(_) => unreachable!("taken above"),
        }
    }

    fn change_issuers(&mut self, operation: Operation) {
        match operation {
            Operation::PutIssuer(one) => {
                self.issuers.insert(one.name.clone(), one);
            }
            Operation::RemoveIssuer(name) => {
                self.issuers.remove(&name);
            }
            other => panic!("{other:?} is of no issuer"),
        }
    }

    fn find(&self, hash: &SecretHash) -> Option<&Credential> {
        self.credentials
            .get(&self.digester.as_ref()?.digest(hash).0)
    }

    pub(crate) fn by_value(&self, value: &SecretText) -> Option<&Credential> {
        self.find(&SecretHash::of_value(value.expose().as_bytes()))
    }

    pub(crate) fn by_client(&self, issuer: &str, client_id: &str) -> Option<&Credential> {
        self.find(&SecretHash::of_client(issuer, client_id))
    }

    pub(crate) fn by_pair(&self, value: &SecretText, shared: &SecretText) -> Option<&Credential> {
        let hash = |text: &SecretText| SecretHash::of_value(text.expose().as_bytes());
        self.find(&SecretHash::of_pair(&hash(value), &hash(shared)))
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
