//! Takes an import apart into lines as it arrives, each bounded.

use std::time::Duration;

use axum::body::BodyDataStream;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::csv::Quotes;

/// Bytes at most in one line.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// Which spreadsheets write before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What is made of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A JSON object on each line.
    Ndjson,
    /// Comma-separated values (RFC 4180): between quotes a line goes on.
    Csv,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins, counting from 1.
    pub(super) number: u64,
    /// Its bytes; `None` if it was longer than [`MAX_LINE`].
    pub(super) bytes: Option<Vec<u8>>,
}

/// Why there are no further lines, though the import is not at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// More bytes than an import may have.
    TooLarge,
    /// The body ended early.
    Cut,
    /// Nothing came for too long.
    Slow,
    /// A quoted cell is so long that nothing tells where its line ends.
    Unclosed,
}

/// The lines of a body.
pub(super) struct Lines {
    body: BodyDataStream,
    splitter: Splitter,
    /// Bytes that may still come.
    left: usize,
    patience: Duration,
    /// Read, and not given out yet; the first one last.
    ready: Vec<Line>,
    ended: bool,
}

impl Lines {
    pub(super) fn new(
        body: BodyDataStream,
        format: Format,
        limit: usize,
        patience: Duration,
    ) -> Self {
        Self {
            body,
            splitter: Splitter::new(format),
            left: limit,
            patience,
            ready: Vec::new(),
            ended: false,
        }
    }

    /// The next line that is not empty. May be given up and asked again.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, Stop> {
        loop {
            if let Some(line) = self.ready.pop() {
                return Ok(Some(line));
            }
            if self.splitter.is_lost {
                return Err(Stop::Unclosed);
            }
            if self.ended {
                return Ok(None);
            }
            let waited = timeout(self.patience, self.body.next()).await;
            match waited.map_err(|_| Stop::Slow)? {
                Some(Ok(chunk)) => {
                    self.left = self.left.checked_sub(chunk.len()).ok_or(Stop::TooLarge)?;
                    self.ready = self.splitter.split(&chunk);
                }
                Some(Err(_)) => return Err(Stop::Cut),
                None => {
                    self.ended = true;
                    self.ready.extend(self.splitter.finish());
                }
            }
            self.ready.reverse();
        }
    }

    /// Where the line that is being read began.
    pub(super) const fn position(&self) -> u64 {
        self.splitter.begins_at
    }
}

/// Finds where lines end.
struct Splitter {
    format: Format,
    line: Vec<u8>,
    is_too_long: bool,
    quotes: Quotes,
    /// A line is too long and in a quoted cell: what follows may be the rest of it, and is not read as lines.
    is_lost: bool,
    /// The line in the file that is being read.
    physical: u64,
    begins_at: u64,
}

impl Splitter {
    fn new(format: Format) -> Self {
        Self {
            format,
            line: Vec::new(),
            is_too_long: false,
            quotes: Quotes::default(),
            is_lost: false,
            physical: 1,
            begins_at: 1,
        }
    }

    fn split(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut found = Vec::new();
        for byte in chunk {
            if *byte == b'\n' {
                self.physical = self.physical.saturating_add(1);
                if !self.quotes.is_open() {
                    found.extend(self.finish());
                    continue;
                }
            }
            if self.line.len() < MAX_LINE {
                self.line.push(*byte);
            } else {
                self.is_too_long = true;
            }
            if self.format == Format::Csv {
                self.quotes.read(*byte);
            }
            if self.begins_at == 1 && self.line == BYTE_ORDER_MARK {
                // The first cell begins only now.
                self.quotes = Quotes::default();
            }
            if self.is_too_long && self.quotes.is_open() {
                self.is_lost = true;
                return found;
            }
        }
        found
    }

    /// What was read since the last end, if it is not empty.
    fn finish(&mut self) -> Option<Line> {
        let number = self.begins_at;
        let is_too_long = std::mem::take(&mut self.is_too_long);
        self.begins_at = self.physical;
        self.quotes = Quotes::default();
        let mut bytes = std::mem::take(&mut self.line);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        if number == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        if bytes.iter().all(u8::is_ascii_whitespace) && !is_too_long {
            return None;
        }
        let bytes = (!is_too_long).then_some(bytes);
        Some(Line { number, bytes })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read(format: Format, chunks: &[&str]) -> (Vec<(u64, Option<String>)>, Option<Stop>) {
        let chunks: Vec<Result<String, std::io::Error>> =
            chunks.iter().map(|chunk| Ok((*chunk).to_owned())).collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks)).into_data_stream();
        let mut lines = Lines::new(body, format, 200_000, Duration::from_secs(1));
        let mut found = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => found.push((
                    line.number,
                    line.bytes.map(|bytes| String::from_utf8(bytes).unwrap()),
                )),
                Ok(None) => return (found, None),
                Err(stop) => return (found, Some(stop)),
            }
        }
    }

    fn line(number: u64, text: &str) -> (u64, Option<String>) {
        (number, Some(text.to_owned()))
    }

    #[tokio::test]
    async fn lines_are_found_however_they_arrive_and_empty_ones_are_counted() {
        let whole = read(Format::Ndjson, &["\u{feff}a\n\n  \nbc\r\nd"]).await;
        assert_eq!(whole.0, [line(1, "a"), line(4, "bc"), line(5, "d")]);
        let apart = read(
            Format::Ndjson,
            &["\u{feff}a", "\n", "\n  \nb", "c\r", "\nd", ""],
        )
        .await;
        assert_eq!(apart, whole);
    }

    #[tokio::test]
    async fn between_quotes_a_line_of_csv_goes_on() {
        let read = read(Format::Csv, &["a,\"b\nc\"\nd\n\"e\"\"\nf\""]).await;
        assert_eq!(
            read.0,
            [line(1, "a,\"b\nc\""), line(3, "d"), line(4, "\"e\"\"\nf\"")]
        );
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_left_out_and_the_next_one_read() {
        let long = "x".repeat(MAX_LINE + 1);
        let text = format!("{long}\nb\n");
        assert_eq!(
            read(Format::Ndjson, &[&text]).await.0,
            [(1, None), line(2, "b")]
        );
        assert_eq!(
            read(Format::Csv, &[&text]).await.0,
            [(1, None), line(2, "b")]
        );
    }

    #[tokio::test]
    async fn a_quoted_cell_that_is_too_long_ends_the_import_and_is_never_read_as_lines() {
        let unclosed = format!("a\n\"{}\nb,c\n\"\nd\n", "x".repeat(MAX_LINE + 1));
        assert_eq!(
            read(Format::Csv, &[&unclosed]).await,
            (vec![line(1, "a")], Some(Stop::Unclosed))
        );
    }

    #[tokio::test]
    async fn a_quote_amid_a_cell_does_not_join_lines() {
        let marked = read(Format::Csv, &["\u{feff}\"a\nb\"\nc\"d\n", "\"e\"f\"\ng\n"]).await;
        assert_eq!(
            marked.0,
            [
                line(1, "\"a\nb\""),
                line(3, "c\"d"),
                line(4, "\"e\"f\""),
                line(5, "g")
            ]
        );
    }

    #[tokio::test]
    async fn nothing_is_read_beyond_the_limit() {
        let half = format!("{}\n", "x".repeat(60_000));
        let (found, stop) = read(Format::Ndjson, &[&half, &half, &half, &half]).await;
        assert_eq!((found.len(), stop), (3, Some(Stop::TooLarge)));
    }
}
