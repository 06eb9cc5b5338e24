//! The steps by which the shared snapshot follows the feed, as pure functions.
//!
//! [`plan`] turns the current [`Head`] and a page into updates of parts and the next head. The leader applies each update
//! by compare-and-swap, then swaps the head. It may be stopped, repeated or overtaken between any two of these: every
//! part carries the generation and revision that it reflects, so an update that is already in, or that is older than
//! what is there, changes nothing. A load's generation is claimed in the head before anything is written under it, so that
//! two loads never share one.

mod records;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    digest::{Digest, DigestKey},
    feed::{
        self, Application, Body, ChangesPage, Credential, Issuer, KeyPage, Operation, Page,
        Records, SnapshotPage, application_bucket, credential_segment,
    },
    head::{Head, Load, Loading, Position},
    segment::{Header, Part, Table, applications, credentials, issuers},
};
use records::{change_applications, change_credentials, change_issuers};

/// What follows from one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The parts to update, in any order, before the head is swapped.
    pub updates: Vec<Update>,
    /// The head that tells of them.
    pub next: Head,
}

/// Why a page cannot be applied to a head. The way out is [`Head::restart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The page continues a snapshot that is not being loaded, or not from here.
    #[error("a snapshot page that does not continue the one before it")]
    OutOfOrder,
    /// Changes of a log that is not the one being followed, or before a snapshot.
    #[error("changes of a log that is not being followed")]
    ForeignChanges,
    /// The first page of a snapshot, for a head that has not claimed a generation for it.
    #[error("a snapshot begins without a claim")]
    Unclaimed,
    /// A range of parts that does not exist, or records outside their range.
    #[error("a snapshot page with an impossible range")]
    BadRange,
}

/// One part's update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which part.
    pub part: Part,
    generation: u32,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    ReplaceApplications(u64, Vec<Application>),
    ReplaceCredentials(u64, Vec<Credential>),
    ReplaceIssuers(u64, Vec<Issuer>),
    Change(Vec<(u64, Operation)>),
}

/// What an update makes of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Updated {
    /// The part reflects the update already.
    Unchanged,
    /// The part becomes these bytes.
    Write(Vec<u8>),
}

/// Whether a page begins a snapshot: then the head must [claim](Head::claim) a generation before it is planned for.
#[must_use]
pub const fn begins(page: &Page) -> bool {
    matches!(&page.body, Body::Snapshot(snapshot) if snapshot.begins.is_some())
}

/// Turns a page that was polled for from `head.cursor` into updates and the next head.
///
/// # Errors
/// When the page does not follow from the head.
pub fn plan(head: &Head, page: Page) -> Result<Plan, PlanError> {
    let Page {
        epoch, body, next, ..
    } = page;
    match body {
        Body::Snapshot(snapshot) => plan_snapshot(head, epoch, snapshot, next),
        Body::Changes(changes) => plan_changes(head, epoch, changes, next),
        Body::Key(key) => plan_key(head, epoch, key, next),
    }
}

fn plan_snapshot(
    head: &Head,
    epoch: [u8; 16],
    page: SnapshotPage,
    cursor: String,
) -> Result<Plan, PlanError> {
    let mut next = head.clone();
    let mut loading = match (page.begins, head.loading.clone()) {
        (Some(_), _) if !head.has_claim() => return Err(PlanError::Unclaimed),
        (Some(beginning), _) => begin(head, epoch, beginning.digest_key),
        (None, Some(loading)) if loading.load.epoch == epoch => loading,
        (None, _) => return Err(PlanError::OutOfOrder),
    };
    let generation = loading.load.generation;
    let updates = match page.records {
        Records::Applications(records) => {
            expect(loading.next, Position::Applications(page.from))?;
            loading.next = Position::after_applications(page.to);
            let table = loading.load.table;
            divide(
                page.from,
                page.to,
                feed::APPLICATION_BUCKETS,
                records,
                |record| application_bucket(record.index),
            )?
            .map(|(bucket, records)| Update {
                part: Part::Applications(table, bucket),
                generation,
                content: Content::ReplaceApplications(page.revision, records),
            })
            .collect::<Vec<_>>()
        }
        Records::Credentials(records) => {
            expect(loading.next, Position::Credentials(page.from))?;
            loading.next = Position::after_credentials(page.to);
            divide(
                page.from,
                page.to,
                feed::CREDENTIAL_SEGMENTS,
                records,
                |record| credential_segment(&record.digest),
            )?
            .map(|(segment, records)| Update {
                part: Part::Credentials(segment),
                generation,
                content: Content::ReplaceCredentials(page.revision, records),
            })
            .collect()
        }
        Records::Issuers(records) => {
            expect(loading.next, Position::Issuers)?;
            if (page.from, page.to) != (0, 1) {
                return Err(PlanError::BadRange);
            }
            loading.next = Position::Changes;
            alloc::vec![Update {
                part: Part::Issuers(loading.load.table),
                generation,
                content: Content::ReplaceIssuers(page.revision, records),
            }]
        }
    };
    loading.target = loading.target.max(page.revision);
    next.loading = Some(loading);
    next.cursor = cursor;
    next.announce(updates.iter().map(|update| update.part));
    Ok(Plan { updates, next })
}

/// A new load beside whatever serves, under the generation that was claimed for it.
fn begin(head: &Head, epoch: [u8; 16], key: DigestKey) -> Loading {
    Loading {
        load: Load {
            epoch,
            generation: head.last_generation,
            table: head
                .serving
                .as_ref()
                .map_or(Table::Even, |load| load.table.other()),
            key,
        },
        next: Position::Applications(0),
        target: 0,
    }
}

fn expect(awaited: Position, actual: Position) -> Result<(), PlanError> {
    if awaited == actual {
        Ok(())
    } else {
        Err(PlanError::OutOfOrder)
    }
}

/// Gives each part of `from..to` its records, in order; parts without a record get none.
fn divide<R>(
    from: u16,
    to: u16,
    parts: u16,
    records: Vec<R>,
    part_of: impl Fn(&R) -> u16,
) -> Result<impl Iterator<Item = (u16, Vec<R>)>, PlanError> {
    if from >= to || to > parts {
        return Err(PlanError::BadRange);
    }
    let mut divided: BTreeMap<u16, Vec<R>> = (from..to).map(|part| (part, Vec::new())).collect();
    for record in records {
        divided
            .get_mut(&part_of(&record))
            .ok_or(PlanError::BadRange)?
            .push(record);
    }
    Ok(divided.into_iter())
}

fn plan_changes(
    head: &Head,
    epoch: [u8; 16],
    page: ChangesPage,
    cursor: String,
) -> Result<Plan, PlanError> {
    let load = match (&head.loading, &head.serving) {
        (Some(loading), _) if loading.next == Position::Changes => Some(&loading.load),
        (None, serving) => serving.as_ref(),
        (Some(_), _) => None,
    };
    let load = load
        .filter(|load| load.epoch == epoch)
        .ok_or(PlanError::ForeignChanges)?;
    let mut divided: BTreeMap<Part, Vec<(u64, Operation)>> = BTreeMap::new();
    for change in page.changes {
        let part = part_of(&change.operation, load.table);
        divided
            .entry(part)
            .or_default()
            .push((change.revision, change.operation));
    }
    let generation = load.generation;
    let updates: Vec<Update> = divided
        .into_iter()
        .map(|(part, changes)| Update {
            part,
            generation,
            content: Content::Change(changes),
        })
        .collect();
    let mut next = head.clone();
    next.cursor = cursor;
    next.announce(updates.iter().map(|update| update.part));
    match next.loading.take() {
        Some(loading) if page.revision < loading.target => next.loading = Some(loading),
        Some(loading) => {
            next.revision = page.revision;
            next.serving = Some(loading.load);
        }
        None => next.revision = page.revision,
    }
    Ok(Plan { updates, next })
}

/// The head goes over to another key, and nothing else changes: the parts hold what is found under either.
fn plan_key(
    head: &Head,
    epoch: [u8; 16],
    page: KeyPage,
    cursor: String,
) -> Result<Plan, PlanError> {
    let mut head = head.clone();
    let load = match (&mut head.loading, &mut head.serving) {
        (Some(loading), _) => Some(&mut loading.load),
        (None, serving) => serving.as_mut(),
    };
    load.ok_or(PlanError::ForeignChanges)?.key = page.digest_key;
    let changes = ChangesPage {
        revision: page.revision,
        changes: Vec::new(),
    };
    plan_changes(&head, epoch, changes, cursor)
}

fn part_of(operation: &Operation, table: Table) -> Part {
    let application = |index| Part::Applications(table, application_bucket(index));
    let credential = |digest: &Digest| Part::Credentials(credential_segment(digest));
    match operation {
        Operation::PutApplication(put) => application(put.index),
        Operation::RemoveApplication(index) => application(*index),
        Operation::PutCredential(put) => credential(&put.digest),
        Operation::RemoveCredential(digest) => credential(digest),
        Operation::PutIssuer(_) | Operation::RemoveIssuer(_) => Part::Issuers(table),
    }
}

impl Update {
    /// What the update makes of the part as it is (`None`: it was never written).
    #[must_use]
    pub fn apply(&self, existing: Option<&[u8]>) -> Updated {
        let table = match self.part {
            Part::Credentials(_) => credentials::TABLE,
            Part::Applications(..) => applications::TABLE,
            Part::Issuers(_) => issuers::TABLE,
        };
        let header = existing.and_then(|bytes| Header::read(bytes, table));
        if header.is_some_and(|header| header.generation > self.generation) {
            return Updated::Unchanged;
        }
        // What an earlier load left is not part of this one.
        let header = header.filter(|header| header.generation == self.generation);
        let current = existing.filter(|_| header.is_some()).unwrap_or_default();
        match &self.content {
            Content::ReplaceApplications(revision, records) => {
                replace(existing, header, *revision, records.is_empty(), || {
                    applications::pack(self.generation, *revision, records.clone())
                })
            }
            Content::ReplaceCredentials(revision, records) => {
                replace(existing, header, *revision, records.is_empty(), || {
                    credentials::pack(self.generation, *revision, records.clone())
                })
            }
            Content::ReplaceIssuers(revision, records) => {
                replace(existing, header, *revision, records.is_empty(), || {
                    issuers::pack(self.generation, *revision, records.clone())
                })
            }
            Content::Change(changes) => self.change(current, header, changes),
        }
    }

    fn change(
        &self,
        current: &[u8],
        header: Option<Header>,
        changes: &[(u64, Operation)],
    ) -> Updated {
        let reflected = header.map_or(0, |header| header.revision);
        let new: Vec<_> = changes
            .iter()
            .filter(|(revision, _)| *revision > reflected)
            .collect();
        let Some((last, _)) = new.last() else {
            return Updated::Unchanged;
        };
        let operations = new.iter().map(|(_, operation)| operation);
        Updated::Write(match self.part {
            Part::Applications(..) => {
                let mut records = applications::unpack(current);
                operations.for_each(|operation| change_applications(&mut records, operation));
                applications::pack(self.generation, *last, records)
            }
            Part::Credentials(_) => {
                let mut records = credentials::unpack(current);
                operations.for_each(|operation| change_credentials(&mut records, operation));
                credentials::pack(self.generation, *last, records)
            }
            Part::Issuers(_) => {
                let mut records = issuers::unpack(current);
                operations.for_each(|operation| change_issuers(&mut records, operation));
                issuers::pack(self.generation, *last, records)
            }
        })
    }
}

fn replace(
    existing: Option<&[u8]>,
    header: Option<Header>,
    revision: u64,
    is_empty: bool,
    pack: impl FnOnce() -> Vec<u8>,
) -> Updated {
    let is_in = header.is_some_and(|header| header.revision >= revision);
    // A part that was never written is empty already, and need not exist.
    if is_in || (is_empty && existing.is_none()) {
        Updated::Unchanged
    } else {
        Updated::Write(pack())
    }
}
