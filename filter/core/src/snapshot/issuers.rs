//! The issuers of access tokens, as a worker holds them: unpacked once for each change.

use alloc::vec::Vec;

use super::{Found, Snapshot};
use crate::{
    feed::Issuer,
    segment::{Header, Part, Table, issuers},
};

/// The issuers of both tables.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    even: Unpacked,
    odd: Unpacked,
}

#[derive(Debug, Default)]
struct Unpacked {
    generation: u32,
    revision: u64,
    issuers: Vec<Issuer>,
}

impl Issuers {
    /// Takes the part as copied from shared data; empty when there is none.
    pub(super) fn fill(&mut self, table: Table, bytes: &[u8]) {
        let header = Header::read(bytes, issuers::TABLE);
        *self.table_mut(table) = Unpacked {
            generation: header.map_or(0, |header| header.generation),
            revision: header.map_or(0, |header| header.revision),
            issuers: issuers::unpack(bytes),
        };
    }

    const fn table(&self, table: Table) -> &Unpacked {
        match table {
            Table::Even => &self.even,
            Table::Odd => &self.odd,
        }
    }

    const fn table_mut(&mut self, table: Table) -> &mut Unpacked {
        match table {
            Table::Even => &mut self.even,
            Table::Odd => &mut self.odd,
        }
    }
}

/// Which keys are known: whatever was found out with other keys is not to be believed any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeysVersion {
    generation: u32,
    revision: u64,
}

impl Snapshot {
    /// The issuer with this name, and which keys are known.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Found<(&Issuer, KeysVersion)> {
        let Some(load) = self.serving.as_ref().map(|serving| &serving.load) else {
            return Found::Changing;
        };
        let part = Part::Issuers(load.table);
        if !self.holds(part) {
            return Found::NotLoaded(part);
        }
        let known = self.issuers.table(load.table);
        // Of a load that this view does not know of yet. One of an earlier load is as good as none.
        if known.generation > load.generation {
            return Found::Changing;
        }
        let version = KeysVersion {
            generation: known.generation,
            revision: known.revision,
        };
        known
            .issuers
            .iter()
            .find(|issuer| known.generation == load.generation && issuer.name == name)
            .map_or(Found::Absent, |issuer| Found::Present((issuer, version)))
    }
}
