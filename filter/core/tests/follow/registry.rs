//! A registry in miniature: its state, its log and its feed, with pages cut small.

use std::collections::BTreeMap;

use filter_core::{
    digest::{Digest, DigestKey, Digester, SecretHash},
    feed::{
        APPLICATION_BUCKETS, Application, Beginning, Body, CREDENTIAL_SEGMENTS, Change,
        ChangesPage, Credential, CredentialKind, FORMAT, Operation, Page, Records, SnapshotPage,
        application_bucket, credential_segment,
    },
    ids::ObjectId,
};

/// The secret of a numbered credential.
pub(crate) fn secret(number: u32) -> String {
    format!("secret-{number}")
}

#[derive(Debug)]
pub(crate) struct Registry {
    epoch: u8,
    key: DigestKey,
    revision: u64,
    pruned: u64,
    log: Vec<Change>,
    applications: BTreeMap<u32, Application>,
    credentials: BTreeMap<u32, Credential>,
    /// What was true at each revision: pages that are shared between gateways may be older than the log's end.
    past: Vec<(BTreeMap<u32, Application>, BTreeMap<u32, Credential>)>,
    deleted: BTreeMap<u32, u64>,
    ever: Vec<u32>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            epoch: 1,
            key: DigestKey::from_bytes([1; 32]),
            revision: 0,
            pruned: 0,
            log: Vec::new(),
            applications: BTreeMap::new(),
            credentials: BTreeMap::new(),
            past: vec![Default::default()],
            deleted: BTreeMap::new(),
            ever: Vec::new(),
        }
    }

    fn digest(&self, number: u32) -> Digest {
        Digester::new(&self.key).digest(&SecretHash::of_value(secret(number).as_bytes()))
    }

    fn commit(&mut self, operation: Operation) {
        self.revision += 1;
        self.log.push(Change {
            revision: self.revision,
            operation,
        });
        self.past
            .push((self.applications.clone(), self.credentials.clone()));
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
        let credential = Credential {
            digest: self.digest(number),
            kind: CredentialKind::ApiKey,
            application,
            id: ObjectId([u8::try_from(number % 256).unwrap_or(0); 16]),
            identifier: None,
            version: 1,
            enabled: true,
            not_before: 0,
            expires_at: 0,
            scopes: Vec::new(),
        };
        self.credentials.insert(number, credential.clone());
        self.deleted.remove(&number);
        if !self.ever.contains(&number) {
            self.ever.push(number);
        }
        self.commit(Operation::PutCredential(credential));
    }

    pub(crate) fn remove_credential(&mut self, number: u32) {
        if let Some(credential) = self.credentials.remove(&number) {
            self.commit(Operation::RemoveCredential(credential.digest));
            self.deleted.insert(number, self.revision);
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
            key: DigestKey::from_bytes([epoch; 32]),
            ever,
            ..Self::new()
        };
    }

    pub(crate) fn is_current_epoch(&self, epoch: &[u8; 16]) -> bool {
        *epoch == [self.epoch; 16]
    }

    pub(crate) fn is_reached_by(&self, cursor: &str) -> bool {
        cursor == format!("c/{}/{}", self.epoch, self.revision)
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
            let credential = self.credentials.get(number)?;
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
        let own = |epoch: &str, revision: &str| {
            number(epoch) == u64::from(self.epoch)
                && number(revision) >= self.pruned
                && number(revision) <= self.revision
        };
        match parts.as_slice() {
            ["c", epoch, revision] if own(epoch, revision) => self.changes(number(revision)),
            ["s", epoch, start, table, from] if own(epoch, start) => self.snapshot(
                number(start),
                *table == "a",
                u16::try_from(number(from)).expect("small"),
                false,
            ),
            _ => self.snapshot(self.revision, true, 0, true),
        }
    }

    fn changes(&self, after: u64) -> Page {
        let mut changes: Vec<Change> = self
            .log
            .iter()
            .filter(|change| change.revision > after)
            .cloned()
            .collect();
        let more = changes.len() > 3;
        changes.truncate(3);
        let revision = if more {
            changes.last().map_or(after, |last| last.revision)
        } else {
            self.revision
        };
        let next = format!("c/{}/{revision}", self.epoch);
        self.wrap(Body::Changes(ChangesPage { revision, changes }), next, more)
    }

    fn snapshot(&self, start: u64, applications: bool, from: u16, begins: bool) -> Page {
        let (parts, width) = if applications {
            (APPLICATION_BUCKETS, 700)
        } else {
            (CREDENTIAL_SEGMENTS, 1500)
        };
        let to = from.saturating_add(width).min(parts);
        let range = from..to;
        // Any revision since the snapshot's beginning, and a lower one than of the page before.
        let age = u64::from(from / width) % (self.revision - start + 1);
        let revision = self.revision - age;
        let (known, honoured) = &self.past[usize::try_from(revision).expect("small")];
        let records = if applications {
            let mut records: Vec<_> = known.values().cloned().collect();
            records.retain(|record| range.contains(&application_bucket(record.index)));
            Records::Applications(records)
        } else {
            let mut records: Vec<_> = honoured.values().cloned().collect();
            records.retain(|record| range.contains(&credential_segment(&record.digest)));
            records.sort_by_key(|record| record.digest.0);
            Records::Credentials(records)
        };
        let epoch = self.epoch;
        let next = match (applications, to == parts) {
            (true, false) => format!("s/{epoch}/{start}/a/{to}"),
            (true, true) => format!("s/{epoch}/{start}/c/0"),
            (false, false) => format!("s/{epoch}/{start}/c/{to}"),
            (false, true) => format!("c/{epoch}/{start}"),
        };
        let begins = begins.then(|| Beginning {
            digest_key: self.key.clone(),
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
