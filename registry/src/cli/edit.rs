//! What applications and credentials have in common when they are created or changed.

use clap::Args;
use serde_json::{Map, Value};

/// For people, and what it may be used for.
#[derive(Debug, Args)]
pub(super) struct Details {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A label, as NAME=VALUE; repeat it for several. On a change, these are all
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Remove all labels
    #[arg(long, conflicts_with = "labels")]
    no_labels: bool,
    /// A scope; repeat it for several. On a change, these are all
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Remove all scopes
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
}

/// Reads `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be NAME=VALUE".to_owned())
}

/// Puts what was given into a request's body.
pub(super) fn fill_labels(body: &mut Map<String, Value>, details: Details) {
    if let Some(description) = details.description {
        body.insert("description".to_owned(), description.into());
    }
    if details.no_labels || !details.labels.is_empty() {
        let labels = details.labels.into_iter();
        let labels: Map<String, Value> = labels.map(|(name, value)| (name, value.into())).collect();
        body.insert("labels".to_owned(), labels.into());
    }
    if details.no_scopes || !details.scopes.is_empty() {
        body.insert("scopes".to_owned(), details.scopes.into());
    }
}
