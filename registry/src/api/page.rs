//! Lists, one page at a time.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::listing::Listing;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Items at most on the page.
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    pub(crate) limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    pub(crate) cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, in the order of the list.
    pub(crate) items: Vec<T>,
    /// Names the next page; null on the last. Items that are added or removed meanwhile neither repeat nor hide others.
    pub(crate) next_cursor: Option<String>,
}

/// The page a list is asked for, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice<Id> {
    pub(crate) after: Option<Id>,
    pub(crate) limit: usize,
}

/// Checks a query.
pub(crate) fn slice<Id: FromStr>(
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Result<Slice<Id>, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid(
            "limit",
            format!("must be 1 to {MAX_LIMIT}"),
        ));
    }
    let after = cursor
        .map(str::parse)
        .transpose()
        .map_err(|_| Problem::invalid("cursor", "must be a next_cursor of this list"))?;
    Ok(Slice { after, limit })
}

impl<T> Page<T> {
    /// The page that shows `listing`, whose items are named by `id`.
    pub(crate) fn new<S, Id: ToString>(
        listing: Listing<S>,
        id: impl Fn(&S) -> Id,
        show: impl Fn(S) -> T,
    ) -> Self {
        let last = listing.items.last().filter(|_| listing.more);
        let next_cursor = last.map(|item| id(item).to_string());
        Self {
            items: listing.items.into_iter().map(show).collect(),
            next_cursor,
        }
    }

    /// A list that is short enough for one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next_cursor: None,
        }
    }
}
