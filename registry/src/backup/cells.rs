//! A row as a JSON array: bytes are in base64, everything else is what it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::store::sql::{Cell, Kind, Table};

pub(super) fn write(cells: &[Cell]) -> Value {
    let value = |cell: &Cell| match cell {
        Cell::Flag(flag) => Value::from(*flag),
        Cell::Number(number) => Value::from(*number),
        Cell::Text(text) => Value::from(text.clone()),
        Cell::Bytes(bytes) => Value::from(bytes.as_ref().map(|bytes| STANDARD.encode(bytes))),
    };
    cells.iter().map(value).collect()
}

/// The row that [`write()`] wrote of the table, if it is one.
pub(super) fn read(value: Value, table: &Table) -> Option<Vec<Cell>> {
    let Value::Array(values) = value else {
        return None;
    };
    if values.len() != table.columns.len() {
        return None;
    }
    let cells = values.into_iter().zip(&table.columns);
    cells
        .map(|(value, column)| cell(value, column.kind))
        .collect()
}

fn cell(value: Value, kind: Kind) -> Option<Cell> {
    Some(match (kind, value) {
        (Kind::Flag, Value::Null) => Cell::Flag(None),
        (Kind::Flag, Value::Bool(flag)) => Cell::Flag(Some(flag)),
        (Kind::Number, Value::Null) => Cell::Number(None),
        (Kind::Number, Value::Number(number)) => Cell::Number(Some(number.as_i64()?)),
        (Kind::Text, Value::Null) => Cell::Text(None),
        (Kind::Text, Value::String(text)) => Cell::Text(Some(text)),
        (Kind::Bytes, Value::Null) => Cell::Bytes(None),
        (Kind::Bytes, Value::String(text)) => Cell::Bytes(Some(STANDARD.decode(text).ok()?)),
        _ => return None,
    })
}
