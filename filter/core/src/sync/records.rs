//! What a change does to the records of a part.

use alloc::vec::Vec;

use crate::feed::{Application, Credential, Issuer, Operation};

pub(super) fn change_applications(records: &mut Vec<Application>, operation: &Operation) {
    let (index, put) = match operation {
        Operation::PutApplication(put) => (put.index, Some(put)),
        Operation::RemoveApplication(index) => (*index, None),
        _ => return,
    };
    records.retain(|record| record.index != index);
    records.extend(put.cloned());
}

pub(super) fn change_credentials(records: &mut Vec<Credential>, operation: &Operation) {
    let (digest, put) = match operation {
        Operation::PutCredential(put) => (put.digest, Some(put)),
        Operation::RemoveCredential(digest) => (*digest, None),
        _ => return,
    };
    records.retain(|record| record.digest != digest);
    records.extend(put.cloned());
}

pub(super) fn change_issuers(records: &mut Vec<Issuer>, operation: &Operation) {
    let (name, put) = match operation {
        Operation::PutIssuer(put) => (&put.name, Some(put)),
        Operation::RemoveIssuer(name) => (name, None),
        _ => return,
    };
    records.retain(|record| record.name != *name);
    records.extend(put.cloned());
}
