//! Between columns and values.

use std::{str::FromStr, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::connection::Row;
use crate::{clock::Timestamp, store::StoreError};

/// A row, read by column name. What cannot be read names the column.
pub(super) struct Columns<'r>(pub(super) &'r Row);

impl Columns<'_> {
    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.0.try_get(column)
    }

    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.0.try_get(column)
    }

    pub(super) fn bytes(&self, column: &'static str) -> Result<Vec<u8>, StoreError> {
        self.0.try_get(column)
    }

    pub(super) fn optional_bytes(
        &self,
        column: &'static str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.try_get(column)
    }

    pub(super) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.0.try_get(column)
    }

    pub(super) fn array<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<[u8; N], StoreError> {
        self.0
            .try_get::<&[u8]>(column)?
            .try_into()
            .map_err(|_| StoreError::Unreadable(column))
    }

    pub(super) fn number<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        T::try_from(self.0.try_get::<i64>(column)?).map_err(|_| StoreError::Unreadable(column))
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.0
            .try_get::<Option<i64>>(column)?
            .map(T::try_from)
            .transpose()
            .map_err(|_| StoreError::Unreadable(column))
    }

    pub(super) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.number(column).map(Timestamp::from_millis)
    }

    pub(super) fn optional_time(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.optional_number(column)
            .map(|millis| millis.map(Timestamp::from_millis))
    }

    pub(super) fn optional_duration(
        &self,
        column: &'static str,
    ) -> Result<Option<Duration>, StoreError> {
        self.optional_number(column)
            .map(|millis| millis.map(Duration::from_millis))
    }

    /// A value that is kept as its text: an id, or one of a few words.
    pub(super) fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.0
            .try_get::<&str>(column)?
            .parse()
            .map_err(|_| StoreError::Unreadable(column))
    }

    pub(super) fn optional_parsed<T: FromStr>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.0
            .try_get::<Option<&str>>(column)?
            .map(str::parse)
            .transpose()
            .map_err(|_| StoreError::Unreadable(column))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(self.0.try_get::<&str>(column)?)
            .map_err(|_| StoreError::Unreadable(column))
    }
}

pub(super) fn json<T: Serialize + ?Sized>(
    value: &T,
    column: &'static str,
) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn number<T: TryInto<i64>>(value: T, column: &'static str) -> Result<i64, StoreError> {
    value.try_into().map_err(|_| StoreError::Range(column))
}

pub(super) fn time(value: Timestamp) -> i64 {
    // A timestamp ends with the year 9999.
    i64::try_from(value.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn optional_time(value: Option<Timestamp>) -> Option<i64> {
    value.map(time)
}

pub(super) fn optional_duration(
    value: Option<Duration>,
    column: &'static str,
) -> Result<Option<i64>, StoreError> {
    value
        .map(|duration| number(duration.as_millis(), column))
        .transpose()
}

pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
