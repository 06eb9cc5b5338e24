//! The format of generated secrets and what gateways hold of them.

#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::{
    digest::{DigestKey, Digester, SecretHash},
    gateway::hex,
    ids::ObjectId,
    key::{PlainSecret, SecretType, Shape, shape},
};

fn secret(kind: SecretType) -> PlainSecret {
    let entropy: Vec<u8> = (0..64).map(|index| index * 3).collect();
    PlainSecret::generate("ks", kind, &entropy).expect("64 bytes suffice")
}

fn check(value: &str, expected: Shape) {
    assert_eq!(shape(value.as_bytes()), expected, "{value}");
}

#[test]
fn generated_secrets_are_recognized_as_what_they_are() {
    for kind in SecretType::ALL {
        check(secret(kind).expose(), Shape::Generated(kind));
    }
}

#[test]
fn the_format_does_not_drift() {
    assert_eq!(
        secret(SecretType::ApiKey).expose(),
        "ks_ak_0369CFILORUXadgjmpsvy147ADG3mdGVn"
    );
}

#[test]
fn mistyped_cut_and_invented_values_are_malformed() {
    let good = secret(SecretType::ApiKey);
    let good = good.expose();
    check(&good[..good.len() - 1], Shape::Malformed);
    check(&format!("{good}0"), Shape::Malformed);
    check(&good.replace("_ak_0", "_ak_1"), Shape::Malformed);
    check(&good.replace("_ak_", "_bt_"), Shape::Malformed);
    check(&good.replace("ks_", "kt_"), Shape::Malformed);
    check("ks_ak_", Shape::Malformed);
    check("x_pw_hello", Shape::Malformed);
}

#[test]
fn a_callers_own_value_is_foreign() {
    check("", Shape::Foreign);
    check("auth-one", Shape::Foreign);
    check("secret_api_key", Shape::Foreign);
    check("KS_ak_1", Shape::Foreign);
    check("averyveryverylongbrand_ak_1", Shape::Foreign);
    check("_ak_1", Shape::Foreign);
}

#[test]
fn too_little_randomness_makes_no_secret() {
    assert!(PlainSecret::generate("ks", SecretType::ApiKey, &[7; 26]).is_none());
    assert!(PlainSecret::generate("ks", SecretType::ApiKey, &[255; 64]).is_none());
    assert!(PlainSecret::generate("K_", SecretType::ApiKey, &[7; 64]).is_none());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let secret = secret(SecretType::ApiKey);
    let hash = SecretHash::of_value(secret.expose().as_bytes());
    let key = DigestKey::from_bytes([7; 32]);
    let shown = format!(
        "{secret:?} {hash:?} {key:?} {:?}",
        Digester::new(&key).digest(&hash)
    );
    assert_eq!(shown, "PlainSecret SecretHash DigestKey Digest");
}

#[test]
fn a_digest_is_hmac_sha256_of_the_sha256_cut_to_128_bits() {
    // python3: hmac.new(bytes([7]*32), hashlib.sha256(b"auth-one").digest(), "sha256").hexdigest()[:32]
    let digest =
        Digester::new(&DigestKey::from_bytes([7; 32])).digest(&SecretHash::of_value(b"auth-one"));
    let shown = hex(&digest.0);
    assert_eq!(shown, "ec4cfb8a20cf8c33746e286b8d68e66e");
}

#[test]
fn a_password_counts_only_with_its_user_name() {
    let hash =
        |user: &str, password: &str| SecretHash::of_basic(user.as_bytes(), password.as_bytes());
    assert_eq!(hash("a", "b"), SecretHash::of_value(b"a:b"));
    assert_ne!(hash("a", "b"), hash("b", "b"));
    assert_ne!(SecretHash::of_username(b"a"), SecretHash::of_value(b"a"));
}

#[test]
fn a_pair_is_bound_to_both_of_its_secrets() {
    let of = |value: &[u8], shared: &[u8]| {
        SecretHash::of_pair(&SecretHash::of_value(value), &SecretHash::of_value(shared))
    };
    assert_eq!(
        hex(of(b"key", b"shared").expose()),
        "1e0388c0a3b3a56c55405ac5944a7b2ab3b7bbeec0572d55bde87aabbee17e23"
    );
    assert_ne!(of(b"key", b"shared"), of(b"shared", b"key"));
    assert_ne!(of(b"key", b"shared"), SecretHash::of_value(b"key"));
}

#[test]
fn ids_survive_their_text() {
    for id in [
        ObjectId([0; 16]),
        ObjectId([255; 16]),
        ObjectId(*b"0123456789abcdef"),
    ] {
        let text = String::from_utf8(id.text().to_vec()).expect("ascii");
        assert_eq!(ObjectId::parse(&text), Some(id));
    }
    assert_eq!(
        ObjectId([255; 16]).with_prefix("cred_"),
        "cred_7zzzzzzzzzzzzzzzzzzzzzzzzz"
    );
    for bad in [
        "",
        "7zzzzzzzzzzzzzzzzzzzzzzzz",
        "8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    ] {
        assert_eq!(ObjectId::parse(bad), None, "{bad}");
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use filter_core::key::{PlainSecret, SecretType, Shape, shape};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_have_a_shape(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = shape(&value);
        }

        #[test]
        fn every_generated_secret_is_recognized(entropy in proptest::collection::vec(any::<u8>(), 64), brand in "[a-z0-9]{1,16}") {
            if let Some(secret) = PlainSecret::generate(&brand, SecretType::BearerToken, &entropy) {
                prop_assert_eq!(shape(secret.expose().as_bytes()), Shape::Generated(SecretType::BearerToken));
            }
        }

        #[test]
        fn one_wrong_character_is_noticed(entropy in proptest::collection::vec(0_u8..248, 64), at in 6_usize..39, other in "[0-9A-Za-z]") {
            let secret = PlainSecret::generate("ks", SecretType::ApiKey, &entropy).expect("enough");
            let mut text = secret.expose().as_bytes().to_vec();
            prop_assume!(text[at] != other.as_bytes()[0]);
            text[at] = other.as_bytes()[0];
            prop_assert_eq!(shape(&text), Shape::Malformed);
        }
    }
}
