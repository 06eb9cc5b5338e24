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
    /// Only of the application with this name or id
    application: Option<String>,
    /// Only with this in the name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only with this label: NAME, or NAME:VALUE; repeat it for several
    #[arg(long, value_name = "LABEL")]
    label: Vec<String>,
    /// Only with a secret that begins so, for example `ks_ak_`
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only with a secret that ends in these four characters
    #[arg(long, value_name = "TEXT")]
    last_four: Option<String>,
    /// Only of this type: `api_key`, `basic`, `bearer_token` or `oauth_client`
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only with this status: `enabled`, `disabled`, `expired`, `not_yet_valid` or `application_disabled`
    #[arg(long)]
    status: Option<String>,
    /// Only those that expire within this time, for example 30d
    #[arg(long, value_name = "DURATION")]
    expiring_within: Option<String>,
    /// Only those that nobody used for this time, for example 30d
    #[arg(long, value_name = "DURATION")]
    unused_for: Option<String>,
    /// Only those whose rotation is `due` or `due_soon`
    #[arg(long, value_name = "STATE")]
    rotation: Option<String>,
    /// Only those that gateways of this group have
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// The order, for example `expires_at`; descending with `-` before it, as in --sort=-last_used_at
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// Show so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) fn run(self, desk: &mut Desk<'_, '_>) -> Result<(), Failure> {
        let application = self.application.as_deref();
        // An application that does not exist is a mistake, not one without credentials.
        let application = application.map(|named| application_id(&mut desk.client, named));
        let mut query: Vec<(&str, String)> = [
            ("application", application.transpose()?),
            ("name", self.name),
            ("prefix", self.prefix),
            ("last_four", self.last_four),
            ("type", self.kind),
            ("status", self.status),
            ("expiring_within", self.expiring_within),
            ("unused_for", self.unused_for),
            ("rotation", self.rotation),
            ("gateway_group", self.group),
            ("sort", self.sort),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        query.extend(self.label.into_iter().map(|label| ("label", label)));
        let items = desk.client.list("/v1/credentials", &query, self.limit)?;
        desk.print_list(items, table)
    }
}

fn table(console: &mut Console<'_>, items: &[Value]) -> Result<(), Failure> {
    let headings = [
        "NAME",
        "ID",
        "TYPE",
        "STATUS",
        "SECRET",
        "LAST USED",
        "EXPIRES",
    ];
    let mut table = Table::new(headings);
    for item in items {
        table.row([
            text(item, "name"),
            text(item, "id"),
            text(item, "type"),
            enabled(item),
            or(super::show::masked(item), "-"),
            or(ago(item, "last_used_at", console), "never"),
            or(ago(item, "expires_at", console), "never"),
        ]);
    }
    table.print(console)
}
