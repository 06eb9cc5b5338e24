//! Header pairs as the host wants them: the count, all lengths, then all texts with a NUL behind each.

/// Serializes headers for a call or a local reply.
pub(crate) fn serialize(headers: &[(&str, &str)]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap_or(0).to_le_bytes();
    let mut out = Vec::with_capacity(256);
    out.extend(number(headers.len()));
    for (name, value) in headers {
        out.extend(number(name.len()));
        out.extend(number(value.len()));
    }
    for (name, value) in headers {
        for text in [name, value] {
            out.extend(text.as_bytes());
            out.push(0);
        }
    }
    out
}
