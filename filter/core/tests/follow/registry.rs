//! A registry in miniature: its state, its log and its feed, with pages cut small.

use std::collections::BTreeMap;

use filter_core::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Beginning, Body, CREDENTIAL_SEGMENTS, Change,
        ChangesPage, Credential, CredentialKind, FORMAT, Issuer, KeyPage, Operation, Page, Records,
        SnapshotPage, application_bucket, credential_segment,
    },
    ids::ObjectId,
    jwt::{Algorithm, ClientClaim, PublicKey, VerificationKey},
};

/// The secret of a numbered credential.
pub(crate) fn secret(number: u32) -> String {
    format!("secret-{number}")
}

/// The name of a numbered issuer.
pub(crate) fn issuer(number: u32) -> String {
    format!("https://issuer-{number}.example")
}

/// Records by the number of the credential and the version of the key that they are found under.
type Keyed = BTreeMap<(u32, u8), Credential>;

/// Issuers by name.
pub(crate) type Issuers = BTreeMap<String, Issuer>;

#[derive(Debug)]
enum Entry {
    Change(Change),
    /// The group goes over to the next key.
    Key(u64),
}

impl Entry {
    const fn revision(&self) -> u64 {
        match self {
            Self::Change(change) => change.revision,
            Self::Key(revision) => *revision,
        }
    }
}

/// How far a rotation of the key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rekeying {
    /// Records are added under the next key.
    Adding,
    /// Gateways are told of it at this revision.
    Switched(u64),
    /// Records under the old key are removed.
    Removing,
}

#[derive(Debug)]
pub(crate) struct Registry {
    epoch: u8,
    /// The version of the key that a snapshot begins with.
    key: u8,
    pub(crate) rekeying: Option<Rekeying>,
    revision: u64,
    pruned: u64,
    log: Vec<Entry>,
    applications: BTreeMap<u32, Application>,
    credentials: Keyed,
    issuers: Issuers,
    /// What was true at each revision: pages that are shared between gateways may be older than the log's end.
    past: Vec<(BTreeMap<u32, Application>, Keyed, Issuers)>,
    deleted: BTreeMap<u32, u64>,
    /// From which revision on each credential has been there.
    since: BTreeMap<u32, u64>,
    ever: Vec<u32>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            epoch: 1,
            key: 1,
            rekeying: None,
            revision: 0,
            pruned: 0,
            log: Vec::new(),
            applications: BTreeMap::new(),
            credentials: BTreeMap::new(),
            issuers: Issuers::new(),
            past: vec![Default::default()],
            deleted: BTreeMap::new(),
            since: BTreeMap::new(),
            ever: Vec::new(),
        }
    }

    fn key(&self, version: u8) -> DigestKey {
        let mut bytes = [self.epoch; 32];
        bytes[0] = version;
        DigestKey::from_bytes(bytes)
    }

    fn digest(&self, number: u32, version: u8) -> Digest {
        let hash = SecretHash::of_value(secret(number).as_bytes());
        Digester::new(&self.key(version)).digest(&hash)
    }

    /// Under which keys what is new is found.
    fn keys(&self) -> Vec<u8> {
        match self.rekeying {
            Some(Rekeying::Adding) => vec![self.key, self.key + 1],
            Some(Rekeying::Switched(_)) => vec![self.key - 1, self.key],
            Some(Rekeying::Removing) | None => vec![self.key],
        }
    }

    /// The next step of a rotation, or its beginning.
    pub(crate) fn rekey(&mut self) {
        let (old, new) = (self.key, self.key + 1);
        match self.rekeying {
            None => self.rekeying = Some(Rekeying::Adding),
            Some(Rekeying::Adding) => {
                let under = |version| {
                    let keyed = self.credentials.keys();
                    keyed.filter(move |place| place.1 == version)
                };
                let known: Vec<u32> = under(new).map(|place| place.0).collect();
                let missing = under(old).find(|place| !known.contains(&place.0));
                let Some(missing) = missing.copied() else {
                    self.key = new;
                    self.write(Entry::Key(self.revision + 1));
                    self.rekeying = Some(Rekeying::Switched(self.revision));
                    return;
                };
                let record = Credential {
                    digest: self.digest(missing.0, new),
                    ..self.credentials[&missing].clone()
                };
                self.credentials.insert((missing.0, new), record.clone());
                self.commit(Operation::PutCredential(record));
            }
            Some(Rekeying::Switched(_)) => self.rekeying = Some(Rekeying::Removing),
            Some(Rekeying::Removing) => {
                let left = self.credentials.keys().find(|place| place.1 != self.key);
                match left
                    .copied()
                    .and_then(|left| self.credentials.remove(&left))
                {
                    Some(record) => self.commit(Operation::RemoveCredential(record.digest)),
                    None => self.rekeying = None,
                }
            }
        }
    }

    /// From which revision on the credential has been there, if it is.
    pub(crate) fn since(&self, number: u32) -> Option<u64> {
        self.since.get(&number).copied()
    }

    fn commit(&mut self, operation: Operation) {
        let revision = self.revision + 1;
        self.write(Entry::Change(Change {
            revision,
            operation,
        }));
    }

    fn write(&mut self, entry: Entry) {
        self.revision = entry.revision();
        self.log.push(entry);
        self.past.push((
            self.applications.clone(),
            self.credentials.clone(),
            self.issuers.clone(),
        ));
    }

    /// As when an issuer is made known, or changes its keys.
    pub(crate) fn put_issuer(&mut self, number: u32, key: u8) {
        let issuer = Issuer {
            name: issuer(number),
            client_claim: ClientClaim::ClientId,
            types_its_tokens: true,
            introspects: false,
            keys: vec![VerificationKey {
                id: None,
                algorithm: Algorithm::Ed25519,
                key: PublicKey::Ed25519([key; 32]),
            }],
            revoked: Vec::new(),
        };
        self.issuers.insert(issuer.name.clone(), issuer.clone());
        self.commit(Operation::PutIssuer(issuer));
    }

    pub(crate) fn remove_issuer(&mut self, number: u32) {
        if let Some(removed) = self.issuers.remove(&issuer(number)) {
            self.commit(Operation::RemoveIssuer(removed.name));
        }
    }

    /// The issuers that there are.
    pub(crate) fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// Whether these were the issuers at this revision, or a later one.
    pub(crate) fn had_issuers(&self, found: &Issuers, revision: u64) -> bool {
        let first = usize::try_from(revision).expect("small");
        self.past[first..].iter().any(|(.., past)| past == found)
    }

    pub(crate) fn put_application(&mut self, index: u32) {
        let application = Application {
            index,
            id: ObjectId([u8::try_from(index).unwrap_or(0); 16]),
            name: format!("app-{index}-{}", self.epoch),
            custom_id: None,
            enabled: true,
        };
        self.applications.insert(index, application.clone());
        self.commit(Operation::PutApplication(application));
    }

    fn change_application(&mut self, index: u32, change: impl FnOnce(&mut Application)) {
        if let Some(application) = self.applications.get_mut(&index) {
            change(application);
            let application = application.clone();
            self.commit(Operation::PutApplication(application));
        }
    }

    pub(crate) fn disable_application(&mut self, index: u32) {
        self.change_application(index, |application| application.enabled = false);
    }

    pub(crate) fn rename_application(&mut self, index: u32, name: &str) {
        self.change_application(index, |application| name.clone_into(&mut application.name));
    }

    pub(crate) fn put_credential(&mut self, number: u32, application: u32) {
        if !self.applications.contains_key(&application) {
            return;
        }
        for version in self.keys() {
            self.put_under(version, number, application);
        }
        self.deleted.remove(&number);
        self.since.entry(number).or_insert(self.revision);
        if !self.ever.contains(&number) {
            self.ever.push(number);
        }
    }

    fn put_under(&mut self, version: u8, number: u32, application: u32) {
        let credential = Credential {
            digest: self.digest(number, version),
            kind: CredentialKind::ApiKey,
            application,
            id: ObjectId([u8::try_from(number % 256).unwrap_or(0); 16]),
            identifier: None,
            version: 1,
            enabled: true,
            not_before: 0,
            expires_at: 0,
            scopes: Vec::new(),
            tokens_valid_from: 0,
        };
        self.credentials
            .insert((number, version), credential.clone());
        self.commit(Operation::PutCredential(credential));
    }

    pub(crate) fn remove_credential(&mut self, number: u32) {
        for version in 0..=self.key + 1 {
            if let Some(credential) = self.credentials.remove(&(number, version)) {
                self.commit(Operation::RemoveCredential(credential.digest));
                self.deleted.insert(number, self.revision);
                self.since.remove(&number);
            }
        }
    }

    /// As when the log is kept for less time than a gateway was away.
    pub(crate) fn forget_log(&mut self) {
        self.log.clear();
        self.pruned = self.revision;
    }

    /// As when the registry is started with another database.
    pub(crate) fn replace_database(&mut self) {
        let ever = std::mem::take(&mut self.ever);
        let epoch = self.epoch + 1;
        *self = Self {
            epoch,
            ever,
            ..Self::new()
        };
    }

    pub(crate) fn is_current_epoch(&self, epoch: &[u8; 16]) -> bool {
        *epoch == [self.epoch; 16]
    }

    pub(crate) fn is_reached_by(&self, cursor: &str) -> bool {
        cursor == format!("c/{}/{}/{}", self.epoch, self.key, self.revision)
    }

    pub(crate) fn deleted(&self) -> Vec<(String, u64)> {
        self.deleted
            .iter()
            .map(|(number, at)| (secret(*number), *at))
            .collect()
    }

    /// Every secret that ever was, with its application's name and state if it is there now.
    pub(crate) fn everything(&self) -> Vec<(String, Option<(String, bool)>)> {
        let now = |number: &u32| {
            let credential = self.credentials.get(&(*number, self.key))?;
            let application = self.applications.get(&credential.application)?;
            Some((application.name.clone(), application.enabled))
        };
        self.ever
            .iter()
            .map(|number| (secret(*number), now(number)))
            .collect()
    }

    pub(crate) fn page(&self, cursor: &str) -> Page {
        let parts: Vec<&str> = cursor.split('/').collect();
        let number = |text: &str| text.parse::<u64>().expect("own cursor");
        let has_key = |key: u8, revision: u64| match self.rekeying {
            Some(Rekeying::Switched(at)) if key + 1 == self.key => revision < at,
            _ => key == self.key,
        };
        let own = |epoch: &str, key: &str, revision: &str| {
            number(epoch) == u64::from(self.epoch)
                && has_key(key.parse().expect("own cursor"), number(revision))
                && number(revision) >= self.pruned
                && number(revision) <= self.revision
        };
        let at = |key: &str, revision: &str| (key.parse().expect("own cursor"), number(revision));
        match parts.as_slice() {
            ["c", epoch, key, revision] if own(epoch, key, revision) => {
                self.changes(at(key, revision))
            }
            ["s", epoch, key, start, table, from] if own(epoch, key, start) => self.snapshot(
                at(key, start),
                table,
                u16::try_from(number(from)).expect("small"),
                false,
            ),
            _ => self.snapshot((self.key, self.revision), "a", 0, true),
        }
    }

    fn changes(&self, (key, after): (u8, u64)) -> Page {
        let rest = || self.log.iter().filter(|entry| entry.revision() > after);
        if let Some(Entry::Key(revision)) = rest().next() {
            let body = KeyPage {
                revision: *revision,
                digest_key: self.key(key + 1),
            };
            let next = format!("c/{}/{}/{revision}", self.epoch, key + 1);
            return self.wrap(Body::Key(body), next, *revision < self.revision);
        }
        let changes = rest().take(3).map_while(|entry| match entry {
            Entry::Change(change) => Some(change.clone()),
            Entry::Key(_) => None,
        });
        let changes: Vec<Change> = changes.collect();
        let more = rest().count() > changes.len();
        let revision = if more {
            changes.last().map_or(after, |last| last.revision)
        } else {
            self.revision
        };
        let next = format!("c/{}/{key}/{revision}", self.epoch);
        self.wrap(Body::Changes(ChangesPage { revision, changes }), next, more)
    }

    /// A page of applications (`a`), credentials (`c`) or issuers (`i`).
    fn snapshot(&self, at: (u8, u64), table: &str, from: u16, begins: bool) -> Page {
        let (key, start) = at;
        let (parts, width) = match table {
            "a" => (APPLICATION_BUCKETS, 700),
            "c" => (CREDENTIAL_SEGMENTS, 1500),
            _ => (1, 1),
        };
        let to = from.saturating_add(width).min(parts);
        let range = from..to;
        // Any revision since the snapshot's beginning, and a lower one than of the page before.
        let age = u64::from(from / width) % (self.revision - start + 1);
        let revision = self.revision - age;
        let (known, honoured, issuers) = &self.past[usize::try_from(revision).expect("small")];
        let records = match table {
            "a" => {
                let mut records: Vec<_> = known.values().cloned().collect();
                records.retain(|record| range.contains(&application_bucket(record.index)));
                Records::Applications(records)
            }
            "c" => {
                let mut records: Vec<_> = honoured.values().cloned().collect();
                records.retain(|record| range.contains(&credential_segment(&record.digest)));
                records.sort_by_key(|record| record.digest.0);
                Records::Credentials(records)
            }
            _ => Records::Issuers(issuers.values().cloned().collect()),
        };
        let epoch = self.epoch;
        let next = match (table, to == parts) {
            (_, false) => format!("s/{epoch}/{key}/{start}/{table}/{to}"),
            ("a", true) => format!("s/{epoch}/{key}/{start}/c/0"),
            ("c", true) => format!("s/{epoch}/{key}/{start}/i/0"),
            (_, true) => format!("c/{epoch}/{key}/{start}"),
        };
        let begins = begins.then(|| Beginning {
            digest_key: self.key(key),
        });
        self.wrap(
            Body::Snapshot(SnapshotPage {
                begins,
                revision,
                from,
                to,
                records,
            }),
            next,
            true,
        )
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
