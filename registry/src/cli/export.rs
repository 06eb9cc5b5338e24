//! `keysmith export`.

use clap::{Args, ValueEnum};

use super::{client::Ask, connection::Connection, console::Console, failure::Failure};

/// Writes everything about credentials but their secrets.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    connection: Connection,
    /// How credentials are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// How credentials are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line
    #[default]
    Ndjson,
    /// For spreadsheets, the names of the fields in the first line
    Csv,
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

impl Export {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut client = self.connection.open(console)?;
        let path = format!("/v1/export?format={}", self.format.word());
        client.stream(&Ask::get(path), |bytes| {
            console
                .out
                .write_all(bytes)
                .map_err(Failure::io("standard output"))
        })
    }
}
