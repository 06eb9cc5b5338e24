//! What credentials are used for, as this surface writes it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::time::Moment,
    usage::{Grace, Successor, UsageTotals},
};

/// How often a credential was used, by what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
pub(super) struct UsageBody {
    /// Requests that passed.
    allowed: u64,
    /// Requests with the credential, good, that may not do what they asked for (403).
    forbidden: u64,
    /// Requests with the credential while it, or its application, is disabled, expired or not yet valid (401).
    refused: u64,
    /// When the first of them was; null if there was none.
    since: Option<Moment>,
}

/// Whether a new secret has taken over from the one before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grace)]
pub(super) struct GraceBody {
    /// When the retiring secret ends.
    until: Moment,
    /// Which was used last; null while neither was.
    last_used: Option<SuccessorWord>,
    /// When the retiring secret was last used.
    retiring_last_used_at: Option<Moment>,
    /// How often the retiring secret was used, also before the rotation.
    retiring_used: u64,
    /// For how many seconds nobody has used the retiring secret, since it is retiring.
    quiet_for_seconds: u64,
}

/// A secret, by whether there is a newer one.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecretInGrace)]
pub(super) enum SuccessorWord {
    /// The new one.
    Current,
    /// The one before: somebody still depends on it.
    Retiring,
}

impl From<UsageTotals> for UsageBody {
    fn from(totals: UsageTotals) -> Self {
        Self {
            allowed: totals.allowed,
            forbidden: totals.forbidden,
            refused: totals.refused,
            since: totals.since.map(Moment),
        }
    }
}

impl From<Grace> for GraceBody {
    fn from(grace: Grace) -> Self {
        Self {
            until: grace.until.into(),
            last_used: grace.last_used.map(|last| match last {
                Successor::Current => SuccessorWord::Current,
                Successor::Retiring => SuccessorWord::Retiring,
            }),
            retiring_last_used_at: grace.retiring.last.map(Moment),
            retiring_used: grace.retiring.count,
            quiet_for_seconds: grace.quiet_for.as_secs(),
        }
    }
}
