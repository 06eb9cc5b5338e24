//! How far an import has come, drawn on a terminal.

use crate::cli::console::Console;

const WIDTH: u64 = 30;

/// Draws over itself. Without a terminal it draws nothing.
pub(super) struct Progress {
    /// Bytes of the file; unknown for standard input.
    pub(super) total: Option<u64>,
}

impl Progress {
    /// So many bytes were read, and so many records imported.
    pub(super) fn draw(&self, console: &mut Console<'_>, taken: u64, records: u64) {
        if !console.draws_progress {
            return;
        }
        let line = match self.total.filter(|total| *total > 0) {
            Some(total) => {
                let taken = taken.min(total);
                let full = taken * WIDTH / total;
                let bar: String = (0..WIDTH)
                    .map(|at| if at < full { '#' } else { '.' })
                    .collect();
                format!("[{bar}] {:3} %  {records} records", taken * 100 / total)
            }
            None => format!("{records} records"),
        };
        let _ = write!(console.err, "\r\x1b[2K{line}");
        let _ = console.err.flush();
    }

    /// Leaves the line to others.
    pub(super) fn clear(console: &mut Console<'_>) {
        if console.draws_progress {
            let _ = write!(console.err, "\r\x1b[2K");
            let _ = console.err.flush();
        }
    }
}
