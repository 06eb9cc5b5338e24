//! Wycheproof's vectors for JSON Web Signatures and key sets, which are not part of this project: they are held where the
//! folder `shared/vectors` lies beside it.

use std::{collections::BTreeSet, fs, path::Path};

use filter_core::jwt::{Signed, key};

use super::*;
use crate::jwks::Ring;

/// Valid vectors that are refused, by their number: all others are decided as they say.
const REFUSED: [u64; 14] = [
    // Symmetric: a gateway that could verify it could sign it.
    1, 348, 352, 357, 358, 359, 376, 377,
    // Symmetric too, and with characters outside of the alphabet (RFC 7515 section 2).
    372, 373, // The key says another algorithm than the token.
    346, 350, // The key's algorithm is called ES521, which there is not.
    347, 351,
];

fn vectors(name: &str) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let Ok(text) = fs::read_to_string(folder.join(name)) else {
        eprintln!("SKIPPED: {name} is not in {}", folder.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Whether the text is signed by the one key, as a gateway decides it.
fn is_signed(set: &KeySet, jws: &str) -> bool {
    let Ok(signed) = Signed::parse(jws.as_bytes()) else {
        return false;
    };
    key::find(&set.keys, &signed.header).is_ok_and(|key| signed.verify(key, &Ring).is_ok())
}

#[test]
fn signatures_are_judged_as_wycheproof_judges_them() {
    let Some(vectors) = vectors("json_web_signature_test.json") else {
        return;
    };
    let mut held = 0;
    let mut differing = BTreeSet::new();
    for group in vectors["testGroups"].as_array().unwrap() {
        let key = group
            .get("public")
            .or_else(|| group.get("private"))
            .unwrap();
        let set = read(std::slice::from_ref(key));
        for test in group["tests"].as_array().unwrap() {
            // Some are in the other form that there is, which tokens never have.
            let jws = test["jws"].as_str().unwrap_or_default();
            let number = test["tcId"].as_u64().unwrap();
            held += 1;
            if is_signed(&set, jws) != (test["result"] == "valid") {
                differing.insert(number);
            }
        }
    }
    assert_eq!(differing, REFUSED.into());
    assert!(held > 400, "{held}");
}

/// RFC 7520 section 4.2, whose key says another algorithm in Wycheproof's set.
#[test]
fn the_cookbooks_pss_signature_is_good() {
    let Some(vectors) = vectors("json_web_signature_test.json") else {
        return;
    };
    let groups = vectors["testGroups"].as_array().unwrap();
    let tests = |group: &Value| group["tests"].as_array().unwrap().clone();
    let found = groups.iter().find_map(|group| {
        let test = tests(group).into_iter().find(|test| test["tcId"] == 346)?;
        Some((group["public"].clone(), test["jws"].clone()))
    });
    let (key, jws) = found.unwrap();
    let set = read(&[with(key, "alg", json!("PS384"))]);
    assert!(is_signed(&set, jws.as_str().unwrap()));
}
