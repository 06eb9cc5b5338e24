//! Headers as they cross between host and module: the count, all lengths, then all texts with a NUL behind each.

/// A name and a value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Serializes headers.
pub fn serialize(pairs: &[Pair]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).expect("short").to_le_bytes();
    let mut out = number(pairs.len()).to_vec();
    for (name, value) in pairs {
        out.extend(number(name.len()));
        out.extend(number(value.len()));
    }
    for text in pairs.iter().flat_map(|(name, value)| [name, value]) {
        out.extend(text);
        out.push(0);
    }
    out
}

/// Reads what the module serialized; `None` when it is not pairs.
pub fn parse(bytes: &[u8]) -> Option<Vec<Pair>> {
    let number = |at: usize| -> Option<usize> {
        let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let count = number(0)?;
    let mut at = count.checked_mul(8)?.checked_add(4)?;
    let mut text = |length: usize| -> Option<Vec<u8>> {
        let text = bytes.get(at..at.checked_add(length)?)?.to_vec();
        at += length + 1;
        Some(text)
    };
    (0..count)
        .map(|index| {
            let lengths = 4 + index * 8;
            Some((text(number(lengths)?)?, text(number(lengths + 4)?)?))
        })
        .collect()
}
