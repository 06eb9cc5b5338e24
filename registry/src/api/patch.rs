//! Fields of a partial update (a JSON merge patch, RFC 7396): absent keeps, a value sets, null clears.

use serde::{Deserialize, Deserializer};

use crate::edit::Edit;

/// For a field that null clears.
pub(crate) fn edit<'de, D, T>(deserializer: D) -> Result<Edit<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Edit::Set)
}

/// For a field that may be absent but not null.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The same edit of another type.
pub(crate) fn map<T, U>(edit: Edit<Option<T>>, with: impl FnOnce(T) -> U) -> Edit<Option<U>> {
    match edit {
        Edit::Keep => Edit::Keep,
        Edit::Set(value) => Edit::Set(value.map(with)),
    }
}
