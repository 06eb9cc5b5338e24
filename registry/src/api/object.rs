//! JSON objects, and nothing else: for a structure serde also takes an array, as the fields' values in their order, which
//! is in nobody's description.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A structure that is read from an object alone.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

/// For a field that holds one.
pub(crate) fn one<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|object| object.0)
}

/// For a field that may be absent but not null.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    one(deserializer).map(Some)
}

/// For a field that holds one or null.
pub(crate) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let object: Option<Object<T>> = Option::deserialize(deserializer)?;
    Ok(object.map(|object| object.0))
}

/// For a field that holds several.
pub(crate) fn several<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Vec<Object<T>> = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{extract, problem::Problem};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        #[serde(deserialize_with = "one")]
        one: Inner,
        #[serde(deserialize_with = "optional")]
        optional: Option<Inner>,
        #[serde(deserialize_with = "several")]
        several: Vec<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        name: String,
    }

    fn read(json: &str) -> Result<Outer, Problem> {
        extract::parse(json.as_bytes())
    }

    #[test]
    fn an_object_is_read_wherever_one_belongs() {
        let json = r#"{"one": {"name": "a"}, "optional": null, "several": [{"name": "b"}, {}]}"#;
        let read = read(json).unwrap();
        assert_eq!(read.one.name, "a");
        assert_eq!(read.optional, None);
        assert_eq!(read.several[0].name, "b");
        assert_eq!(read.several.len(), 2);
    }

    #[test]
    fn an_array_in_place_of_an_object_is_refused_and_its_field_is_named() {
        for (json, field) in [
            ("[]", ""),
            (r#"[{"name": "a"}, null, []]"#, ""),
            (r#"{"one": []}"#, "one"),
            (r#"{"optional": ["a"]}"#, "optional"),
            (r#"{"several": [["a"]]}"#, "several[0]"),
        ] {
            let refused = read(json).unwrap_err();
            assert_eq!(refused.told().1, Some("expected an object"), "{json}");
            assert_eq!(refused.place().unwrap_or_default(), field, "{json}");
        }
    }
}
