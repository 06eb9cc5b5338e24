//! Part of a list.

/// Entries at most in one part.
pub const MAX_LIMIT: usize = 500;

/// Some entries, and whether more follow them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// In order of creation.
    pub items: Vec<T>,
    /// Whether there are more after the last.
    pub more: bool,
}

impl<T> Listing<T> {
    /// From what was read with a limit of one more than was asked for.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, more }
    }

    /// The same entries as something else.
    pub fn map<U>(self, with: impl FnMut(T) -> U) -> Listing<U> {
        Listing {
            items: self.items.into_iter().map(with).collect(),
            more: self.more,
        }
    }
}
