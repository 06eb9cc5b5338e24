//! Along the chain, record by record.

use super::{Finding, Named, Notice, Why};
use crate::{
    audit::{
        Action, Head, KeptRecord, Record,
        chain::{Link, Mac},
    },
    secrets::Keys,
};

/// How far the chain holds, so far.
pub(in crate::audit) struct Walk<'k> {
    keys: &'k Keys,
    base: Link,
    last: Link,
    /// Those still to come to, by number.
    heads: Vec<Head>,
    /// The last record that a head proves, or the one before the first.
    proven: u64,
    findings: Vec<Finding>,
    notices: Vec<Notice>,
}

impl KeptRecord {
    /// Its number.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        match self {
            Self::Read(record) => record.sequence,
            Self::Unreadable(sequence) => *sequence,
        }
    }
}

impl<'k> Walk<'k> {
    /// From the record after `base`.
    pub(in crate::audit) fn new(keys: &'k Keys, base: Link, heads: &[Head]) -> Self {
        let mut heads = heads.to_vec();
        heads.sort_unstable_by_key(|head| (std::cmp::Reverse(head.sequence), head.at));
        let mut walk = Self {
            keys,
            base,
            last: base,
            heads,
            proven: base.sequence,
            findings: Vec::new(),
            notices: Vec::new(),
        };
        walk.meet_heads();
        walk
    }

    /// Goes over the next records; says whether one of them is broken, after which there is nothing to go on with.
    pub(in crate::audit) fn take(&mut self, batch: &[KeptRecord]) -> bool {
        for (index, kept) in batch.iter().enumerate() {
            match self.follow(kept) {
                Ok(link) => {
                    self.last = link;
                    self.meet_heads();
                    self.remark(kept);
                }
                Err(why) => {
                    let finding = self.explain(why, kept, batch.get(index..).unwrap_or_default());
                    self.findings.push(finding);
                }
            }
            if !self.findings.is_empty() {
                return true;
            }
        }
        false
    }

    pub(in crate::audit) const fn base(&self) -> Link {
        self.base
    }

    /// The last record that is intact.
    pub(in crate::audit) const fn last(&self) -> Link {
        self.last
    }

    pub(in crate::audit) const fn intact(&self) -> u64 {
        self.last.sequence.saturating_sub(self.base.sequence)
    }

    /// The next head is of the record that was come to, or it is wrong. Says whether it is.
    pub(super) fn expect(&mut self, head: Head) -> bool {
        if head.sequence > self.last.sequence {
            let next = Named::missing(self.last.sequence.saturating_add(1));
            self.find(Finding::of(next, Why::CutBeforeHead(head)));
        } else {
            self.heads.push(head);
            self.meet_heads();
        }
        !self.findings.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        if self.findings.is_empty() {
            self.findings.push(finding);
        }
    }

    /// The log goes to this record, as the registry noted.
    pub(super) fn ends_at(&mut self, end: &Link) {
        if !self.findings.is_empty() {
            return;
        }
        let next = self.last.sequence.saturating_add(1);
        let finding = if self.last.sequence < end.sequence {
            Finding::of(Named::missing(next), Why::CutOff(end.sequence))
        } else if self.last.sequence > end.sequence {
            let first = end.sequence.saturating_add(1);
            Finding::of(Named::missing(first), Why::AfterEnd)
        } else if self.last.mac != end.mac {
            Finding::of_log(Why::StateForged)
        } else {
            return;
        };
        self.findings.push(finding);
    }

    /// What becomes of the heads that were not come to.
    pub(super) fn check_heads(&mut self) {
        let is_broken = !self.findings.is_empty();
        for head in std::mem::take(&mut self.heads).into_iter().rev() {
            if is_broken {
                self.notices.push(Notice::HeadNotReached(head));
                continue;
            }
            let next = Named::missing(self.last.sequence.saturating_add(1));
            self.findings
                .push(Finding::of(next, Why::CutBeforeHead(head)));
        }
    }

    pub(super) fn finish(self) -> (u64, Vec<Finding>, Vec<Notice>) {
        (self.intact(), self.findings, self.notices)
    }

    fn follow(&self, kept: &KeptRecord) -> Result<Link, Why> {
        let next = self.last.sequence.saturating_add(1);
        let sequence = kept.sequence();
        if sequence <= self.base.sequence {
            return Err(Why::BeforeBeginning);
        }
        if sequence > next {
            return Err(Why::MissingUpTo(sequence.saturating_sub(1)));
        }
        let KeptRecord::Read(record) = kept else {
            return Err(Why::Unreadable);
        };
        let link = record.link().ok_or(Why::NotChained)?;
        let expected = record
            .expected(self.keys, &self.last.mac, link.key_version)
            .map_err(|unknown| Why::UnknownKey(unknown.0))?;
        if expected == link.mac {
            Ok(link)
        } else {
            Err(Why::Altered)
        }
    }

    /// Names the record, and looks whether an altered one is another in its place.
    fn explain(&self, why: Why, kept: &KeptRecord, rest: &[KeptRecord]) -> Finding {
        match (&why, kept) {
            (Why::MissingUpTo(_), _) => {
                let first = self.last.sequence.saturating_add(1);
                Finding::of(Named::missing(first), why)
            }
            (Why::Altered, KeptRecord::Read(record))
                if record.action == Action::AuditEndLost.word() =>
            {
                Finding::of(record.into(), Why::EndLost)
            }
            (Why::Altered, KeptRecord::Read(record)) => {
                let was = self.origin(record, rest);
                Finding::of(record.into(), was.map_or(why, Why::OutOfOrder))
            }
            _ => Finding::of(kept.into(), why),
        }
    }

    /// As which record it was written, if it is one of the next ones: it followed a record whose MAC is still there.
    fn origin(&self, record: &Record, rest: &[KeptRecord]) -> Option<u64> {
        let link = record.link()?;
        let macs: Vec<(u64, Mac)> = rest
            .iter()
            .filter_map(|kept| match kept {
                KeptRecord::Read(record) => Some((record.sequence, record.mac?)),
                KeptRecord::Unreadable(_) => None,
            })
            .collect();
        // Where two changed places, the one before it may itself lie where this one belongs.
        let before = macs
            .iter()
            .flat_map(|(sequence, mac)| [(*sequence, mac), (sequence.saturating_add(1), mac)]);
        for (sequence, mac) in before {
            let moved = Record {
                sequence,
                ..record.clone()
            };
            let expected = moved.expected(self.keys, mac, link.key_version);
            if expected == Ok(link.mac) {
                return Some(sequence);
            }
        }
        None
    }

    /// Compares the heads that were made for the record that was come to.
    fn meet_heads(&mut self) {
        while let Some(head) = self.heads.last().copied() {
            if head.sequence > self.last.sequence {
                return;
            }
            self.heads.pop();
            if head.sequence < self.base.sequence {
                self.notices.push(Notice::HeadPruned(head));
            } else if head.is_of(self.keys, &self.last) {
                self.proven = head.sequence;
            } else {
                let why = Why::RewrittenSince(self.proven, head);
                self.findings.push(Finding::of_log(why));
            }
        }
    }

    /// Two records say something of the log itself.
    fn remark(&mut self, kept: &KeptRecord) {
        let KeptRecord::Read(record) = kept else {
            return;
        };
        if record.action == Action::AuditEndLost.word() {
            self.findings.push(Finding::of(record.into(), Why::EndLost));
        } else if record.action == Action::AuditChained.word() {
            self.notices.push(Notice::ChainedLater(record.into()));
        }
    }
}
