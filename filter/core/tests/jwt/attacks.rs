//! What is known to have broken verifiers of JWTs (RFC 8725 section 2 and published vulnerabilities).

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_core::jwt::{Algorithm, JwtError, MAX_TOKEN_LENGTH, PublicKey, Token, VerificationKey};
use serde_json::{Value, json};

use super::support::{Others, accept, claims, encode, header, key, signed, unsigned};

fn with(mut value: Value, name: &str, member: Value) -> String {
    value[name] = member;
    value.to_string()
}

#[test]
fn a_token_of_the_issuer_is_good() {
    let token = signed(&header().to_string(), &claims().to_string());
    assert_eq!(accept(&token, &[key()]), Ok(()));
}

#[test]
fn the_algorithm_is_never_the_tokens_choice() {
    let claims = claims().to_string();
    for (algorithm, refusal) in [
        ("none", JwtError::Algorithm),
        ("None", JwtError::Algorithm),
        ("nOnE", JwtError::Algorithm),
        ("", JwtError::Algorithm),
        ("HS256", JwtError::Algorithm),
        ("HS512", JwtError::Algorithm),
        ("es256", JwtError::Algorithm),
        ("ES256K", JwtError::Algorithm),
        ("Ed448", JwtError::Algorithm),
        // Known, but not the key's.
        ("ES384", JwtError::KeyUnknown),
        ("RS256", JwtError::KeyUnknown),
        ("PS256", JwtError::KeyUnknown),
        ("EdDSA", JwtError::KeyUnknown),
    ] {
        let header = with(header(), "alg", json!(algorithm));
        assert_eq!(
            accept(&signed(&header, &claims), &[key()]),
            Err(refusal),
            "{algorithm}"
        );
        let unsigned = format!("{}.", unsigned(&header, &claims));
        assert_eq!(accept(&unsigned, &[key()]), Err(refusal), "{algorithm}");
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_not_looked_at() {
    let (text, claims) = (header(), claims().to_string());
    for member in ["jwk", "jku", "x5u", "x5c", "x5t"] {
        let evil = with(text.clone(), member, json!("https://evil.example/keys"));
        assert_eq!(
            accept(&signed(&evil, &claims), &[key()]),
            Ok(()),
            "{member}"
        );
        let mut other = key();
        let PublicKey::EllipticCurve(point) = &mut other.key else {
            unreachable!()
        };
        point.swap(0, 32);
        assert_eq!(
            accept(&signed(&evil, &claims), &[other]),
            Err(JwtError::Signature)
        );
    }
}

#[test]
fn names_of_keys_are_names_and_nothing_else() {
    for name in [
        "../../dev/null",
        "' or 1=1 --",
        "",
        "FIRST",
        "first\0",
        "first ",
    ] {
        let header = with(header(), "kid", json!(name));
        let token = signed(&header, &claims().to_string());
        assert_eq!(
            accept(&token, &[key()]),
            Err(JwtError::KeyUnknown),
            "{name:?}"
        );
    }
    for name in [json!(1), json!(["first"]), json!(null), json!({"a": 1})] {
        let header = with(header(), "kid", name.clone());
        let token = signed(&header, &claims().to_string());
        assert_eq!(accept(&token, &[key()]), Err(JwtError::Malformed), "{name}");
    }
}

#[test]
fn signatures_of_another_length_or_of_zeros_are_refused_before_anybody_is_asked() {
    let text = unsigned(&header().to_string(), &claims().to_string());
    let zeros = |count: usize| vec![0; count];
    let mut half = zeros(32);
    half.extend([1; 32]);
    // The last is what made "psychic signatures" of CVE-2022-21449.
    for signature in [
        zeros(0),
        vec![1; 63],
        vec![1; 65],
        vec![1; 96],
        half,
        zeros(64),
    ] {
        let token = format!("{text}.{}", encode(&signature));
        let others = Others::default();
        let parsed = Token::parse(token.as_bytes()).expect("it can be read");
        assert_eq!(
            parsed.signed.verify(&key(), &others),
            Err(JwtError::Signature)
        );
        assert_eq!(others.asked.get(), 0);
    }
    // A signature in DER is not one of a token, whatever it signs.
    let der = {
        use p256::ecdsa::{Signature, signature::Signer as _};
        let signature: Signature = super::support::signing_key().sign(text.as_bytes());
        signature.to_der().as_bytes().to_vec()
    };
    let token = format!("{text}.{}", encode(&der));
    assert_eq!(accept(&token, &[key()]), Err(JwtError::Signature));
}

#[test]
fn numbers_beyond_the_order_of_the_curve_are_refused() {
    let text = unsigned(&header().to_string(), &claims().to_string());
    let token = format!("{text}.{}", encode(&[0xff; 64]));
    assert_eq!(accept(&token, &[key()]), Err(JwtError::Signature));
}

#[test]
fn a_changed_token_is_refused_wherever_it_was_changed() {
    let token = signed(&header().to_string(), &claims().to_string());
    let original = Token::parse(token.as_bytes()).expect("it can be read");
    assert_eq!(original.signed.verify(&key(), &Others::default()), Ok(()));
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert!(accept(&changed, &[key()]).is_err(), "at {at}");
    }
}

#[test]
fn nothing_may_be_said_twice() {
    let (header, claims) = (header().to_string(), claims().to_string());
    for (header, claims) in [
        (header.replacen('{', r#"{"alg":"none","#, 1), claims.clone()),
        (
            header.replacen('{', r#"{"kid":"first","#, 1),
            claims.clone(),
        ),
        (
            header.clone(),
            claims.replacen('{', r#"{"aud":"other","#, 1),
        ),
        (
            header.clone(),
            claims.replacen('{', r#"{"\u0061ud":"other","#, 1),
        ),
        (header, claims.replacen('{', r#"{"x":{"a":1,"a":2},"#, 1)),
    ] {
        assert_eq!(
            accept(&signed(&header, &claims), &[key()]),
            Err(JwtError::Malformed),
            "{header} {claims}"
        );
    }
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
    ] {
        let header = with(header(), name, value);
        let token = signed(&header, &claims().to_string());
        assert_eq!(accept(&token, &[key()]), Err(JwtError::Critical), "{name}");
    }
}

#[test]
fn tokens_of_other_types_are_not_access_tokens() {
    for kind in [
        "JWT",
        "jwt",
        "logout+jwt",
        "dpop+jwt",
        "at+jwt2",
        "text/at+jwt",
        "",
    ] {
        let header = with(header(), "typ", json!(kind));
        let token = signed(&header, &claims().to_string());
        assert_eq!(accept(&token, &[key()]), Err(JwtError::Type), "{kind}");
    }
    for kind in ["AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        let header = with(header(), "typ", json!(kind));
        let token = signed(&header, &claims().to_string());
        assert_eq!(accept(&token, &[key()]), Ok(()), "{kind}");
    }
}

#[test]
fn other_forms_than_the_compact_one_are_refused() {
    let token = signed(&header().to_string(), &claims().to_string());
    let (first, rest) = token.split_once('.').expect("it has three parts");
    let parts: Vec<&str> = token.split('.').collect();
    let json = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    for changed in [
        String::new(),
        "..".to_owned(),
        format!("{token}."),
        format!("{token}.{first}"),
        format!("{first}=.{rest}"),
        format!("{first}\n.{rest}"),
        format!(" {token}"),
        format!("{token}\n"),
        first.to_owned(),
        json.to_string(),
        // The last character of a signature of 64 bytes carries four bits that must be zero.
        format!(
            "{}{}",
            &token[..token.len() - 1],
            next(token.as_bytes()[token.len() - 1])
        ),
    ] {
        assert!(
            matches!(Token::parse(changed.as_bytes()), Err(JwtError::Malformed)),
            "{changed}"
        );
    }
}

/// The next letter of the alphabet, which differs in bits that are not looked at by careless readers.
fn next(letter: u8) -> char {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = ALPHABET.iter().position(|known| *known == letter);
    char::from(ALPHABET[at.expect("a letter") | 1])
}

#[test]
fn size_depth_and_number_of_claims_are_bounded() {
    let fits = |claims: &str| accept(&signed(&header().to_string(), claims), &[key()]);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let claims = |extra: &str| {
        claims()
            .to_string()
            .replacen('{', &format!("{{\"x\":{extra},"), 1)
    };
    assert_eq!(fits(&claims(&nested(7))), Ok(()));
    assert_eq!(fits(&claims(&nested(8))), Err(JwtError::Malformed));
    assert_eq!(fits(&claims(&format!("[{}0]", "0,".repeat(255)))), Ok(()));
    assert_eq!(
        fits(&claims(&format!("[{}0]", "0,".repeat(256)))),
        Err(JwtError::Malformed)
    );
    let long = "a".repeat(MAX_TOKEN_LENGTH);
    assert_eq!(
        fits(&claims(&format!("\"{long}\""))),
        Err(JwtError::TooLong)
    );
    assert_eq!(fits("[]"), Err(JwtError::Malformed));
    assert_eq!(fits("\"text\""), Err(JwtError::Malformed));
    assert_eq!(fits(&format!("{} ", claims("1"))), Ok(()));
    assert_eq!(fits(&format!("{}x", claims("1"))), Err(JwtError::Malformed));
}

#[test]
fn a_key_is_good_for_its_own_algorithm_alone() {
    let mut keys = [key()];
    // A key of Ed25519 under the name of one of ES256, and the other way round.
    let ed25519 = VerificationKey {
        key: PublicKey::Ed25519([1; 32]),
        ..key()
    };
    let token = signed(&header().to_string(), &claims().to_string());
    assert_eq!(accept(&token, &[ed25519]), Err(JwtError::Signature));
    keys[0].algorithm = Algorithm::Ed25519;
    let eddsa = signed(
        &with(header(), "alg", json!("EdDSA")),
        &claims().to_string(),
    );
    assert_eq!(accept(&eddsa, &keys), Err(JwtError::Signature));
}
