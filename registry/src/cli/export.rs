//! `keysmith export`.

use clap::Args;

use super::{client::Ask, connection::Connection, console::Console, failure::Failure};

/// Writes everything but the secrets, one JSON object a line.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    connection: Connection,
}

impl Export {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Failure> {
        let mut client = self.connection.open(console)?;
        client.stream(&Ask::get("/v1/export"), |bytes| {
            console
                .out
                .write_all(bytes)
                .map_err(Failure::io("standard output"))
        })
    }
}
