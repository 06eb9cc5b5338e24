//! Labels as requests write them: each named once, because of two values for one name nobody could say which was meant.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, Visitor},
};

/// For a field that may be absent.
pub(crate) fn once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(Labels)
}

/// For a field of a partial update, which may be absent but not null.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    once(deserializer).map(Some)
}

struct Labels;

impl<'de> Visitor<'de> for Labels {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let is_new = !labels.contains_key(&name);
            let value = map.next_value_seed(Value { is_new })?;
            labels.insert(name, value);
        }
        Ok(labels)
    }
}

/// Refuses a second value itself, so that the error is at its place.
struct Value {
    is_new: bool,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        if self.is_new {
            String::deserialize(deserializer)
        } else {
            Err(D::Error::custom("is named twice"))
        }
    }
}
