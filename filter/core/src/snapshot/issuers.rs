//! The issuers of access tokens, as a worker holds them: unpacked once for each change.

use alloc::vec::Vec;

use super::{Found, Snapshot};
use crate::{
    feed::Issuer,
    jwt::VerificationKey,
    segment::{Header, Part, Table, issuers},
};

/// The issuers of both tables.
#[derive(Debug, Default)]
pub(super) struct Issuers {
    even: Unpacked,
    odd: Unpacked,
}

#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub(super) generation: u32,
    pub(super) revision: u64,
    issuers: Vec<Issuer>,
}

impl Unpacked {
    pub(super) const fn version(&self) -> KeysVersion {
        KeysVersion {
            generation: self.generation,
            revision: self.revision,
            answer: None,
        }
    }
}

impl Issuers {
    /// Takes the part as copied from shared data; empty when there is none.
    pub(super) fn fill(&mut self, table: Table, bytes: &[u8]) -> &Unpacked {
        let header = Header::read(bytes, issuers::TABLE);
        let unpacked = self.table_mut(table);
        *unpacked = Unpacked {
            generation: header.map_or(0, |header| header.generation),
            revision: header.map_or(0, |header| header.revision),
            issuers: issuers::unpack(bytes),
        };
        unpacked
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
    pub(super) generation: u32,
    pub(super) revision: u64,
    /// Up to which position in the log the answer reflects the issuer that they come from instead.
    pub(super) answer: Option<u64>,
}

/// An issuer as it is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownIssuer<'s> {
    /// As the feed tells of it.
    pub issuer: &'s Issuer,
    /// The newest of its keys: those of the feed, or of a newer answer of the registry.
    pub keys: &'s [VerificationKey],
    /// Which ones these are.
    pub version: KeysVersion,
}

impl Snapshot {
    /// The issuer with this name.
    #[must_use]
    pub fn issuer(&self, name: &str) -> Found<KnownIssuer<'_>> {
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
        let issuer = known
            .issuers
            .iter()
            .find(|issuer| known.generation == load.generation && issuer.name == name);
        issuer.map_or(Found::Absent, |issuer| {
            let of_feed = (issuer.keys.as_slice(), known.version());
            let (keys, version) = self.asked.keys(name, known).unwrap_or(of_feed);
            Found::Present(KnownIssuer {
                issuer,
                keys,
                version,
            })
        })
    }
}
