//! JSON as a token may hold it: bounded, and nothing said twice.
//!
//! Two readers that take different ones of two members with one name see two tokens under one signature (RFC 7519
//! section 4, RFC 8725 section 2.4).

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::JwtError;

/// How deep objects and arrays may lie in one another, the outermost counted.
const MAX_DEPTH: u8 = 8;
/// Members of one object, and elements of one array.
const MAX_ITEMS: usize = 256;

/// A value of a token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(f64),
    List(Vec<Self>),
    Object(Object),
    /// `true`, `false` and `null`: no claim that is looked at may be one.
    Other,
}

/// The members of an object, each with another name.
pub(super) type Object = Vec<(String, Value)>;

/// Reads an object that fills `bytes`.
pub(super) fn object(bytes: &[u8]) -> Result<Object, JwtError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Depth(MAX_DEPTH).deserialize(&mut reader);
    match (value, reader.end()) {
        (Ok(Value::Object(object)), Ok(())) => Ok(object),
        _ => Err(JwtError::Malformed),
    }
}

/// The member with this name.
pub(super) fn member<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    let found = object.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

/// The member with this name, which must be a text.
pub(super) fn text(object: &Object, name: &str) -> Result<Option<String>, JwtError> {
    match member(object, name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::Malformed),
    }
}

/// Texts where one may stand for a list of one, as in `aud` (RFC 7519 section 4.1.3).
pub(super) fn texts(object: &Object, name: &str) -> Result<Option<Vec<String>>, JwtError> {
    match member(object, name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(alloc::vec![text.clone()])),
        Some(Value::List(values)) => values
            .iter()
            .map(|value| match value {
                Value::Text(text) => Ok(text.clone()),
                _ => Err(JwtError::Malformed),
            })
            .collect::<Result<_, _>>()
            .map(Some),
        Some(_) => Err(JwtError::Malformed),
    }
}

/// Reads a value with so many levels left.
struct Depth(u8);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Depth {
    fn below<E: Error>(&self) -> Result<Self, E> {
        let left = self.0.checked_sub(1);
        left.map(Self).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "every time that is accepted is exact in a double"
    )]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "every time that is accepted is exact in a double"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(String::from(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(self.below()?)? {
            if list.len() == MAX_ITEMS {
                return Err(A::Error::custom("too many elements"));
            }
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            if member(&object, &name).is_some() {
                return Err(A::Error::custom("a member twice"));
            }
            if object.len() == MAX_ITEMS {
                return Err(A::Error::custom("too many members"));
            }
            let value = members.next_value_seed(self.below()?)?;
            object.push((name, value));
        }
        Ok(Value::Object(object))
    }
}
