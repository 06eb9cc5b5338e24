//! Organizations.

use super::{
    connection::{Connection, Row, sql},
    value::Columns,
};
use crate::{organization::Organization, store::StoreError};

fn decode(row: &Row) -> Result<Organization, StoreError> {
    let columns = Columns(row);
    Ok(Organization {
        id: columns.parsed("id")?,
        name: columns.text("name")?,
    })
}

pub(super) const NAMED: &str = "select id, name from organizations where name = $1";

pub(super) async fn named(
    connection: &mut Connection,
    name: &str,
) -> Result<Option<Organization>, StoreError> {
    sql(NAMED)
        .bind(name)
        .fetch_optional(connection)
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}
