//! A registry in miniature: as many credentials as a test asks for, their log, and a feed whose pages are cut as the real
//! one cuts them.

use std::collections::BTreeMap;

use filter_core::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Beginning, Body, CREDENTIAL_SEGMENTS, Change,
        ChangesPage, Credential, CredentialKind, FORMAT, Issuer, MAX_PAGE_BYTES, MAX_PAGE_RECORDS,
        Operation, Page, Records, SnapshotPage, application_bucket, credential_segment,
    },
    ids::ObjectId,
};

use crate::secrets::hash_of_key;

/// Credentials of one application.
const OWNED: u32 = 100;

/// State, log and feed.
pub struct Registry {
    epoch: u8,
    key: DigestKey,
    digester: Digester,
    revision: u64,
    log: Vec<Change>,
    applications: BTreeMap<u32, Application>,
    credentials: BTreeMap<Digest, Credential>,
    issuers: Vec<Issuer>,
}

impl Registry {
    /// With this many generated API keys, a hundred to an application.
    pub fn with_api_keys(count: u32) -> Self {
        Self::of_epoch(1, count)
    }

    /// As when the registry is started with another database: the same secrets under another log and key.
    pub fn of_epoch(epoch: u8, count: u32) -> Self {
        let key = DigestKey::from_bytes([epoch; 32]);
        let mut registry = Self {
            epoch,
            digester: Digester::new(&key),
            key,
            revision: 1,
            log: Vec::new(),
            applications: BTreeMap::new(),
            credentials: BTreeMap::new(),
            issuers: Vec::new(),
        };
        for index in 0..count.div_ceil(OWNED) {
            let application = application(index);
            registry.applications.insert(index, application);
        }
        for number in 0..count {
            let credential = registry.api_key(number);
            registry.credentials.insert(credential.digest, credential);
        }
        registry
    }

    /// The record of a numbered key.
    pub fn api_key(&self, number: u32) -> Credential {
        self.credential(number, CredentialKind::ApiKey, &hash_of_key(number))
    }

    /// A record of any kind. Its number makes its id, and tells its application.
    pub fn credential(&self, number: u32, kind: CredentialKind, hash: &SecretHash) -> Credential {
        Credential {
            digest: self.digester.digest(hash),
            kind,
            application: number / OWNED,
            id: ObjectId(u128::from(number).to_be_bytes()),
            identifier: None,
            version: 1,
            enabled: true,
            not_before: 0,
            expires_at: 0,
            scopes: Vec::new(),
            tokens_valid_from: 0,
        }
    }

    /// Which segment a numbered key is in.
    pub fn segment(&self, number: u32) -> u16 {
        credential_segment(&self.api_key(number).digest)
    }

    /// Adds or replaces a credential.
    pub fn put(&mut self, credential: Credential) {
        self.credentials
            .insert(credential.digest, credential.clone());
        self.commit(Operation::PutCredential(credential));
    }

    /// Makes an issuer of access tokens known.
    pub fn put_issuer(&mut self, issuer: Issuer) {
        self.issuers.push(issuer.clone());
        self.commit(Operation::PutIssuer(issuer));
    }

    /// Removes a numbered key.
    pub fn remove(&mut self, number: u32) {
        let digest = self.api_key(number).digest;
        if self.credentials.remove(&digest).is_some() {
            self.commit(Operation::RemoveCredential(digest));
        }
    }

    fn commit(&mut self, operation: Operation) {
        self.revision += 1;
        self.log.push(Change {
            revision: self.revision,
            operation,
        });
    }

    /// How far the log goes.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What `GET /v1/feed` answers after this cursor.
    pub fn page(&self, cursor: &str) -> Page {
        let parts: Vec<&str> = cursor.split('.').collect();
        let number = |text: &str| text.parse::<u64>().expect("an own cursor");
        let is_own = |epoch: &str| number(epoch) == u64::from(self.epoch);
        let page = match parts.as_slice() {
            ["c", epoch, after] if is_own(epoch) => self.changes(number(after)),
            ["s", epoch, start, table, from] if is_own(epoch) => {
                let from = u16::try_from(number(from)).expect("a part");
                self.snapshot(number(start), table, from, false)
            }
            _ => self.snapshot(self.revision, "a", 0, true),
        };
        let length = page.encode().expect("memory").len();
        assert!(length <= MAX_PAGE_BYTES + 1024, "a page of {length} bytes");
        page
    }

    fn changes(&self, after: u64) -> Page {
        let later = self.log.iter().filter(|change| change.revision > after);
        let changes: Vec<Change> = later.take(MAX_PAGE_RECORDS).cloned().collect();
        let last = changes.last().map_or(self.revision, |last| last.revision);
        let next = format!("c.{}.{last}", self.epoch);
        let body = ChangesPage {
            revision: last,
            changes,
        };
        self.wrap(Body::Changes(body), next, last < self.revision)
    }

    /// A page of applications (`a`), credentials (`c`) or issuers (`i`).
    fn snapshot(&self, start: u64, table: &str, from: u16, begins: bool) -> Page {
        let epoch = self.epoch;
        let (records, to, parts) = match table {
            "a" => {
                let mut all: Vec<_> = self.applications.values().cloned().collect();
                all.sort_by_key(|record| application_bucket(record.index));
                let part = |record: &Application| application_bucket(record.index);
                let (records, to) = cut(all.into_iter(), from, APPLICATION_BUCKETS, part);
                (Records::Applications(records), to, APPLICATION_BUCKETS)
            }
            "c" => {
                let first = Digest(u128::from(from).rotate_right(12).to_be_bytes());
                let all = self.credentials.range(first..).map(|(_, record)| record);
                let part = |record: &Credential| credential_segment(&record.digest);
                let (records, to) = cut(all.cloned(), from, CREDENTIAL_SEGMENTS, part);
                (Records::Credentials(records), to, CREDENTIAL_SEGMENTS)
            }
            _ => (Records::Issuers(self.issuers.clone()), 1, 1),
        };
        let next = match (table, to == parts) {
            (_, false) => format!("s.{epoch}.{start}.{table}.{to}"),
            ("a", true) => format!("s.{epoch}.{start}.c.0"),
            ("c", true) => format!("s.{epoch}.{start}.i.0"),
            (_, true) => format!("c.{epoch}.{start}"),
        };
        let body = SnapshotPage {
            begins: begins.then(|| Beginning {
                digest_key: self.key.clone(),
            }),
            revision: self.revision,
            from,
            to,
            records,
        };
        self.wrap(Body::Snapshot(body), next, true)
    }

    fn wrap(&self, body: Body, next: String, more: bool) -> Page {
        Page {
            format: FORMAT,
            epoch: [self.epoch; 16],
            group: "default".to_owned(),
            body,
            next,
            more,
        }
    }
}

/// The name of the application that a numbered key belongs to.
pub fn owner_of(number: u32) -> String {
    application(number / OWNED).name
}

fn application(index: u32) -> Application {
    Application {
        index,
        id: ObjectId(u128::from(index).to_be_bytes()),
        name: format!("application-{index}"),
        custom_id: None,
        enabled: true,
    }
}

/// Whole parts from `from` on until a page is full; the first is taken even if it does not fit.
fn cut<R>(
    records: impl Iterator<Item = R>,
    from: u16,
    parts: u16,
    part: impl Fn(&R) -> u16,
) -> (Vec<R>, u16) {
    let mut records = records.skip_while(|record| part(record) < from);
    let mut page: Vec<R> = records.by_ref().take(MAX_PAGE_RECORDS).collect();
    let Some(beyond) = records.next().map(|record| part(&record)) else {
        return (page, parts);
    };
    page.retain(|record| part(record) < beyond);
    (page, beyond)
}
