//! The OpenAPI document.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&registry::api::openapi().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    methods.collect()
}

/// Written anew by: `keysmith openapi > registry/openapi.json`.
#[test]
fn the_checked_in_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == registry::api::openapi().unwrap(),
        "registry/openapi.json is not what `keysmith openapi` prints"
    );
}

#[test]
fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let reference = reference.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_is_described_and_has_a_name_of_its_own() {
    let document = document();
    let mut names = BTreeSet::new();
    for (place, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{place}");
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{place}: {name}");
        let responses = operation["responses"].as_object().unwrap();
        let is_oauth = operation["tags"][0] == "oauth";
        let refusals = ["500", "503", "400", "401", "403"];
        for refusal in refusals.into_iter().take(if is_oauth { 2 } else { 5 }) {
            assert!(responses.contains_key(refusal), "{place}: {refusal}");
        }
        // A catch-all would document every answer, also those that nobody meant.
        assert!(!responses.contains_key("default"), "{place}");
    }
}

#[test]
fn every_field_is_described() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 20, "{}", schemas.len());
    for (name, schema) in schemas {
        assert!(
            schema["description"].is_string() || name.contains("Page_"),
            "{name}"
        );
        let parts = schema["allOf"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![schema.clone()]);
        let fields = parts
            .iter()
            .filter_map(|part| part["properties"].as_object())
            .flatten();
        for (field, about) in fields {
            let described = about["description"].is_string()
                || about["oneOf"][0]["description"].is_string()
                || name.contains("Page_");
            assert!(described, "{name}.{field}: {about}");
        }
    }
}

#[test]
fn requests_allow_no_unknown_fields() {
    let document = document();
    for (place, operation) in operations(&document) {
        // Whoever registers a client has to ignore what he does not understand (RFC 7591 section 2).
        if operation["tags"][0] == "oauth" {
            continue;
        }
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema/$ref")
        else {
            continue;
        };
        let schema = document
            .pointer(schema.as_str().unwrap().strip_prefix('#').unwrap())
            .unwrap();
        assert_eq!(schema["additionalProperties"], false, "{place}");
    }
}
