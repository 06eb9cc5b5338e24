//! Proxy-Wasm's serialised header map, read in place.
//!
//! ```text
//! count u32 | (name length u32, value length u32) × count | (name, 0, value, 0) × count      (little endian)
//! ```

/// Header pairs in the order of the request.
#[derive(Clone, Copy)]
pub struct Pairs<'a> {
    lengths: &'a [u8],
    data: &'a [u8],
}

/// The bytes are not a serialised header map. The host never sends such a thing; a request whose headers cannot be read
/// must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host's header pairs are malformed")]
pub struct MalformedPairs;

impl<'a> Pairs<'a> {
    /// Checks every length, so that iteration meets all pairs. No bytes at all are an empty map.
    ///
    /// # Errors
    /// When the lengths do not add up to the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MalformedPairs> {
        if bytes.is_empty() {
            return Ok(Self {
                lengths: &[],
                data: &[],
            });
        }
        Self::split(bytes).ok_or(MalformedPairs)
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let table = length(*count)?.checked_mul(8)?;
        let (lengths, data) = rest.split_at_checked(table)?;
        let mut remaining = data.len();
        let (entries, _) = lengths.as_chunks::<4>();
        for entry in entries {
            remaining = remaining.checked_sub(length(*entry)?)?.checked_sub(1)?;
        }
        (remaining == 0).then_some(Self { lengths, data })
    }
}

impl<'a> IntoIterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter(self)
    }
}

/// Goes through [`Pairs`].
#[derive(Debug)]
pub struct Iter<'a>(Pairs<'a>);

impl<'a> Iter<'a> {
    fn take_text(&mut self) -> Option<&'a [u8]> {
        let (entry, lengths) = self.0.lengths.split_first_chunk::<4>()?;
        let (text, rest) = self.0.data.split_at_checked(length(*entry)?)?;
        self.0 = Pairs {
            lengths,
            data: rest.get(1..)?,
        };
        Some(text)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.take_text()?, self.take_text()?))
    }
}

impl core::fmt::Debug for Pairs<'_> {
    /// Headers may be secret: only their number is shown.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Pairs({})", self.lengths.len() / 8)
    }
}

fn length(bytes: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
