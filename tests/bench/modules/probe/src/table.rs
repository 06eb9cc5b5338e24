//! The credentials, in buckets of neighbouring digests.

use filter_core::digest::{Digest, DigestKey, Digester, SecretHash};

/// Of two per bucket on average for 100,000 credentials.
const BUCKETS: usize = 1 << 16;

/// Every credential's digest, sorted, and where each bucket begins.
pub(crate) struct Table {
    digester: Digester,
    digests: Vec<Digest>,
    starts: Vec<usize>,
}

impl Table {
    /// Of the keys that stand in `text`, one a line.
    pub(crate) fn of_keys(text: &[u8]) -> Self {
        let digester = Digester::new(&DigestKey::from_bytes([7; 32]));
        let keys = text
            .split(|byte| *byte == b'\n')
            .filter(|key| !key.is_empty());
        let mut digests: Vec<Digest> = keys
            .map(|key| digester.digest(&SecretHash::of_value(key)))
            .collect();
        digests.sort_unstable();
        let starts = (0..=BUCKETS)
            .map(|number| digests.partition_point(|digest| bucket(digest) < number))
            .collect();
        Self {
            digester,
            digests,
            starts,
        }
    }

    /// Whether the key is one of them; its place stands for its record.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        let wanted = self.digester.digest(&SecretHash::of_value(key));
        let number = bucket(&wanted);
        let (start, end) = (*self.starts.get(number)?, *self.starts.get(number + 1)?);
        let bucket = self.digests.get(start..end)?;
        // Digests are compared in constant time.
        Some(start + bucket.iter().position(|digest| *digest == wanted)?)
    }
}

fn bucket(digest: &Digest) -> usize {
    let [first, second, ..] = digest.0;
    usize::from(u16::from_be_bytes([first, second]))
}
