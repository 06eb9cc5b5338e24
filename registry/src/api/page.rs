//! Lists, one page at a time.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::listing::Listing;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

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

/// Checks how many items are asked for.
pub(crate) fn limit(text: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit = text
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Problem::invalid("limit", format!("must be 1 to {MAX_LIMIT}")))
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

    /// A page with the cursor of the next one.
    pub(crate) const fn with_cursor(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { items, next_cursor }
    }

    /// A list that is short enough for one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next_cursor: None,
        }
    }
}
