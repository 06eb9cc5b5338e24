//! What applications and credentials have in common when they are created or changed.

use clap::Args;
use serde_json::{Map, Value};

/// For people, and what it may be used for.
#[derive(Debug, Args)]
pub(super) struct Details {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A label, as NAME=VALUE; repeat it for several. These are all it has
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// A scope; repeat it for several. These are all it has
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
}

/// What a change takes away.
#[derive(Debug, Args)]
pub(super) struct Removal {
    /// Remove all labels
    #[arg(long, conflicts_with = "labels")]
    no_labels: bool,
    /// Remove all scopes
    #[arg(long, conflicts_with = "scopes")]
    no_scopes: bool,
}

impl Removal {
    /// Puts what was given into a request's body.
    pub(super) fn fill(&self, body: &mut Map<String, Value>) {
        if self.no_labels {
            body.insert("labels".to_owned(), Map::new().into());
        }
        if self.no_scopes {
            body.insert("scopes".to_owned(), Vec::<Value>::new().into());
        }
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "must be NAME=VALUE".to_owned())
}

impl Details {
    /// Puts what was given into a request's body.
    pub(super) fn fill(self, body: &mut Map<String, Value>) {
        if let Some(description) = self.description {
            body.insert("description".to_owned(), description.into());
        }
        if !self.labels.is_empty() {
            let labels = self.labels.into_iter();
            let labels: Map<String, Value> =
                labels.map(|(name, value)| (name, value.into())).collect();
            body.insert("labels".to_owned(), labels.into());
        }
        if !self.scopes.is_empty() {
            body.insert("scopes".to_owned(), self.scopes.into());
        }
    }
}
