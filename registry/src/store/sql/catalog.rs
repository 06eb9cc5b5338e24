//! Which tables the database has, asked of the database itself: so that a new one cannot be forgotten by what copies all.

use super::{
    connection::{Connection, Sql, sql},
    value::Columns,
};
use crate::store::StoreError;

/// What a column holds, in either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// True or false.
    Flag,
    /// 64 bits, signed.
    Number,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// Each column of each table but those of the database and of the migrations.
pub(super) const COLUMNS: Sql = Sql {
    sqlite: "select m.name as table_name, c.name as column_name, c.type as kind
         from sqlite_master m
         join pragma_table_info(m.name) c
         where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\'
             and m.name not in ('_sqlx_migrations', 'restore_in_progress')
         order by m.name, c.cid",
    postgres: "select t.relname::text as table_name, c.attname::text as column_name,
             format_type(c.atttypid, c.atttypmod) as kind
         from pg_class t
         join pg_attribute c on c.attrelid = t.oid
         where t.relkind in ('r', 'p') and t.relnamespace = current_schema()::regnamespace
             and c.attnum > 0 and not c.attisdropped
             and t.relname not in ('_sqlx_migrations', 'restore_in_progress')
         order by t.relname collate \"C\", c.attnum",
};

/// Which table refers to which.
pub(super) const REFERENCES: Sql = Sql {
    sqlite: "select distinct m.name as child, f.\"table\" as parent
         from sqlite_master m
         join pragma_foreign_key_list(m.name) f
         where m.type = 'table'
         order by 1, 2",
    postgres: "select distinct c.relname::text as child, p.relname::text as parent
         from pg_constraint f
         join pg_class c on c.oid = f.conrelid
         join pg_class p on p.oid = f.confrelid
         where f.contype = 'f' and c.relnamespace = current_schema()::regnamespace
         order by 1, 2",
};

/// The tables, each after those that it refers to.
pub(super) async fn tables(connection: &mut Connection) -> Result<Vec<Table>, StoreError> {
    let mut tables: Vec<Table> = Vec::new();
    for row in sql(COLUMNS).fetch_all(&mut *connection).await? {
        let columns = Columns(&row);
        let name = columns.text("table_name")?;
        let column = Column {
            name: columns.text("column_name")?,
            kind: kind(&columns.text("kind")?)?,
        };
        match tables.last_mut() {
            Some(table) if table.name == name => table.columns.push(column),
            _ => tables.push(Table {
                name,
                columns: vec![column],
            }),
        }
    }
    let mut references = Vec::new();
    for row in sql(REFERENCES).fetch_all(connection).await? {
        let columns = Columns(&row);
        references.push((columns.text("child")?, columns.text("parent")?));
    }
    in_order(tables, &references)
}

fn kind(declared: &str) -> Result<Kind, StoreError> {
    match declared.to_ascii_lowercase().as_str() {
        "boolean" => Ok(Kind::Flag),
        "bigint" | "integer" => Ok(Kind::Number),
        "text" => Ok(Kind::Text),
        "blob" | "bytea" => Ok(Kind::Bytes),
        _ => Err(StoreError::Unreadable("the types of columns")),
    }
}

fn in_order(
    mut tables: Vec<Table>,
    references: &[(String, String)],
) -> Result<Vec<Table>, StoreError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let is_ready = |table: &Table| {
            references
                .iter()
                .filter(|(child, parent)| *child == table.name && parent != child)
                .all(|(_, parent)| ordered.iter().any(|done| done.name == *parent))
        };
        let next = tables.iter().position(is_ready);
        let next = next.ok_or(StoreError::Unreadable("tables that refer to each other"))?;
        ordered.push(tables.remove(next));
    }
    Ok(ordered)
}
