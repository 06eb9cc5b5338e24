//! From rows to what crosses the wire.

use filter_core::{
    feed::{Application, Change, Credential, Operation},
    ids::CREDENTIAL_PREFIX,
};
use serde::Serialize;

use crate::{
    clock::Timestamp,
    store::{ApplicationRow, ChangeRow, CredentialRow, Subject},
};

pub(super) fn application(row: ApplicationRow) -> Application {
    Application {
        index: row.number,
        id: row.id,
        name: row.name,
        custom_id: row.custom_id,
        enabled: row.enabled,
    }
}

pub(super) fn credential(row: CredentialRow) -> Credential {
    let id_text = row.id.with_prefix(CREDENTIAL_PREFIX);
    // The sooner of the credential's expiry and the end of the secret's grace period.
    let end = row.expires_at.into_iter().chain(row.retiring_until).min();
    Credential {
        digest: row.digest,
        kind: row.kind,
        application: row.application,
        id: row.id,
        identifier: (row.identifier != id_text).then_some(row.identifier),
        version: row.version,
        enabled: row.enabled,
        not_before: row.not_before.map_or(0, Timestamp::as_millis),
        expires_at: end.map_or(0, Timestamp::as_millis),
        scopes: row.scopes,
    }
}

pub(super) fn change(row: ChangeRow) -> Change {
    Change {
        revision: row.revision,
        operation: match row.subject {
            Subject::Application(_, Some(now)) => Operation::PutApplication(application(now)),
            Subject::Application(number, None) => Operation::RemoveApplication(number),
            Subject::Secret(_, Some(now)) => Operation::PutCredential(credential(*now)),
            Subject::Secret(digest, None) => Operation::RemoveCredential(digest),
        },
    }
}

/// How many bytes a record takes on a page.
pub(super) fn encoded_length<T: Serialize>(record: &T) -> usize {
    postcard::to_allocvec(record).map_or(usize::MAX, |bytes| bytes.len())
}
