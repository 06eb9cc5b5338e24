//! Where the records of comma-separated values end (RFC 4180).

/// Reads records byte by byte, and knows whether a quoted cell is open.
///
/// A quote opens a cell only where the cell begins, and closes it only where a comma or the end of the line follows: what
/// is neither is malformed, and must not join the lines after it to the record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quotes(Place);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Where a cell begins.
    #[default]
    Begin,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first half of a quote that is meant.
    Quote,
}

impl Quotes {
    /// Goes on by a byte.
    pub(crate) const fn read(&mut self, byte: u8) {
        self.0 = match (self.0, byte) {
            (Place::Quoted, b'"') => Place::Quote,
            (Place::Quoted, _) | (Place::Begin | Place::Quote, b'"') => Place::Quoted,
            (_, b',' | b'\n') => Place::Begin,
            (_, _) => Place::Plain,
        };
    }

    /// Whether the record goes on, whatever comes: a quoted cell is open.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self.0, Place::Quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_open: bool) {
        let mut quotes = Quotes::default();
        text.bytes().for_each(|byte| quotes.read(byte));
        assert_eq!(quotes.is_open(), is_open, "{text}");
    }

    #[test]
    fn a_quote_opens_and_closes_a_cell_only_at_its_borders() {
        check("a,\"b", true);
        check("\"a\"\"b", true);
        check("\"a\"\"", true);
        check("\"a\"\"\"", false);
        check("\"a\",\"", true);
        check("\"a\"\n\"", true);
        check("a\"b", false);
        check("a\"b,\"c\nd", true);
        check("\"a\"b\"", false);
    }
}
