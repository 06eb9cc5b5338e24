//! From rows to what crosses the wire.

use filter_core::feed::{Application, Change, Operation};
use serde::Serialize;

use crate::{
    error::Error,
    store::{ApplicationRow, ChangeRow, Subject},
};

/// What is told of an application. `store/visible.rs` lists what of it may change: keep the two alike.
pub(super) fn application(row: ApplicationRow) -> Application {
    Application {
        index: row.number,
        id: row.id,
        name: row.name,
        custom_id: row.custom_id,
        enabled: row.enabled,
    }
}

/// A change of what gateways hold; `None` for one of the key, which is told on a page of its own.
pub(super) fn change(row: ChangeRow) -> Result<Option<Change>, Error> {
    let operation = match row.subject {
        Subject::Application(_, Some(now)) => Operation::PutApplication(application(now)),
        Subject::Application(number, None) => Operation::RemoveApplication(number),
        Subject::Secret(_, Some(now)) => Operation::PutCredential(now.decode()?),
        Subject::Secret(digest, None) => Operation::RemoveCredential(digest),
        Subject::Issuer(_, Some(now)) => Operation::PutIssuer(now),
        Subject::Issuer(name, None) => Operation::RemoveIssuer(name),
        Subject::Key(_) => return Ok(None),
    };
    Ok(Some(Change {
        revision: row.revision,
        operation,
    }))
}

/// How many bytes a record takes on a page.
pub(super) fn encoded_length<T: Serialize>(record: &T) -> usize {
    postcard::to_allocvec(record).map_or(usize::MAX, |bytes| bytes.len())
}
