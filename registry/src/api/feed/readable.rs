//! A page of the feed as JSON for people: identifiers as text, and no key of the digests.

use filter_core::{feed::Page, ids::ObjectId};
use serde_json::Value;

use crate::api::hex;

/// The page as JSON.
pub(super) fn page(page: &Page) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = serde_json::to_value(page)?;
    rewrite(&mut value);
    serde_json::to_vec_pretty(&value)
}

fn rewrite(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "digest_key" => *field = Value::from("(not shown)"),
                    "epoch" | "digest" | "RemoveCredential" => write_bytes(field, hex::encode),
                    "id" => write_bytes(field, |bytes| ObjectId(bytes).with_prefix("")),
                    _ => rewrite(field),
                }
            }
        }
        _ => {}
    }
}

fn write_bytes(field: &mut Value, write: impl FnOnce([u8; 16]) -> String) {
    if let Ok(bytes) = <[u8; 16] as serde::Deserialize>::deserialize(&*field) {
        *field = Value::from(write(bytes));
    }
}
