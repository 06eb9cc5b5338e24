//! What the rows of a backup say of the backup: which keys open it, and how far it knows which journals of revocations.

use std::collections::BTreeMap;

use super::{
    catalog::Table,
    copy::{Cell, Dump},
    installation,
    name::Named,
};
use crate::{
    secrets::{DataKeys, Keys, Purpose},
    store::{KEY_CHECK, OpenError, SealedDataKey, StoreError},
};

/// Collected row by row.
#[derive(Debug, Default)]
pub struct Evidence {
    key_check: Vec<u8>,
    retiring_key_check: Option<Vec<u8>>,
    data_keys: Vec<SealedDataKey>,
    /// The journals that were kept when the backup was made, each with the number of its lines that the backup knows at
    /// least.
    pub journals: BTreeMap<[u8; 16], u64>,
}

impl Evidence {
    /// Looks at one more row, of whichever table.
    pub fn take(&mut self, table: &Table, row: Vec<Cell>) -> Result<(), StoreError> {
        let unreadable = StoreError::Unreadable("the backup's keys and journals");
        self.read(table, row).ok_or(unreadable)
    }

    fn read(&mut self, table: &Table, row: Vec<Cell>) -> Option<()> {
        let names = table.columns.iter().map(|column| column.name.as_str());
        let mut cells: BTreeMap<&str, Cell> = names.zip(row).collect();
        match table.name.as_str() {
            "installation" => self.key_check = bytes(&mut cells, "key_check")?,
            "master_rotation" => {
                self.retiring_key_check = Some(bytes(&mut cells, "retiring_key_check")?);
            }
            "data_keys" => {
                let Some(Cell::Text(Some(purpose))) = cells.remove("purpose") else {
                    return None;
                };
                self.data_keys.push(SealedDataKey {
                    purpose: purpose.parse::<Named<Purpose>>().ok()?.0,
                    version: u32::try_from(number(&mut cells, "version")?).ok()?,
                    sealed: bytes(&mut cells, "sealed")?,
                });
            }
            "journal_marks" => {
                let journal = bytes(&mut cells, "journal")?.try_into().ok()?;
                let number = u64::try_from(number(&mut cells, "number")?).ok()?;
                self.journals.insert(journal, number);
            }
            _ => {}
        }
        Some(())
    }

    /// Has `keys` use the backup's data keys. An error if they do not open everything in it.
    pub fn open(&self, keys: &Keys) -> Result<(), OpenError> {
        let retiring = self.retiring_key_check.as_deref();
        installation::check_opens(keys, &self.key_check, retiring)?;
        // An earlier version kept none, and derived them as `keys` does by itself.
        if let Some(data) = DataKeys::open(&self.data_keys, keys)? {
            keys.use_data(data);
        }
        Ok(())
    }
}

fn bytes(cells: &mut BTreeMap<&str, Cell>, name: &str) -> Option<Vec<u8>> {
    match cells.remove(name)? {
        Cell::Bytes(bytes) => bytes,
        _ => None,
    }
}

fn number(cells: &mut BTreeMap<&str, Cell>, name: &str) -> Option<i64> {
    match cells.remove(name)? {
        Cell::Number(number) => number,
        _ => None,
    }
}

impl Dump {
    /// An error if these keys do not open the database: what they seal would be of no use beside it. Puts the key first that
    /// it is sealed under.
    pub async fn check(&mut self, keys: &Keys) -> Result<(), OpenError> {
        installation::check_key(self.connection(), keys).await?;
        let check = installation::key_check(self.connection()).await?;
        keys.prefer(keys.open_with(KEY_CHECK, &check)?.0);
        Ok(())
    }
}
