//! Lists of credentials.

use clap::Args;
use serde_json::Value;

use crate::cli::{
    console::Console,
    desk::Desk,
    failure::Failure,
    names::application_id,
    output::{Table, ago, enabled, or, text},
};

#[derive(Debug, Args)]
pub(super) struct List {
    /// The application's name or id
    application: String,
    /// Show so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let application = application_id(&mut desk.client, &self.application)?;
        let path = format!("/v1/applications/{application}/credentials");
        let items = desk.client.list(&path, &[], self.limit)?;
        desk.print_list(items, table)
    }
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let mut table = Table::new([
        "NAME", "ID", "TYPE", "STATUS", "SECRET", "EXPIRES", "CREATED",
    ]);
    for item in items {
        table.row([
            text(item, "name"),
            text(item, "id"),
            text(item, "type"),
            enabled(item),
            or(super::show::masked(item), "-"),
            or(ago(item, "expires_at", console), "never"),
            ago(item, "created_at", console),
        ]);
    }
    table.print(console)
}
