use super::*;
use crate::password::{PasswordHasher, PhcString};

const PASSWORD: &str = "correct horse battery";

fn verifies(hash: &str, password: &str) -> bool {
    let phc = PhcString::from_elsewhere(hash.to_owned()).unwrap();
    let hasher = PasswordHasher::cheapest().unwrap();
    assert!(hasher.is_outdated(&phc), "{hash}");
    hasher
        .verify(&SecretText::new(password.to_owned()), &phc)
        .unwrap()
}

#[track_caller]
fn check(hash: &str, password: &str) {
    assert!(verifies(hash, password), "{hash}");
    for other in [format!("{password}x"), "wrong".to_owned(), String::new()] {
        assert!(
            !verifies(hash, &other) || other == password,
            "{hash} {other}"
        );
    }
}

/// Made by `openssl passwd -apr1 -salt SALT PASSWORD`.
#[test]
fn what_apr1_hashed_verifies() {
    check("$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a.", PASSWORD);
    check("$apr1$x$16j9.5e7KiXmuYFAYpPJM/", "a");
    check("$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "myPassword");
    check("$apr1$12$Wz3EDdD1fWPqopT4paq9C.", &"x".repeat(40));
    check("$apr1$zu$V/QaIf4e.m7Rry1glwI1v0", "pässwörter sind schön");
    check("$apr1$q$qnoBAcGhblL0pIKbcxCkt0", "");
}

/// Made by crypt(3).
#[test]
fn what_bcrypt_hashed_verifies_under_each_of_its_names() {
    for version in ["$2y$", "$2b$", "$2a$"] {
        let hash = format!("{version}05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.");
        check(&hash, PASSWORD);
    }
}

/// Made by `openssl dgst -sha1 -binary | base64`.
#[test]
fn what_sha_1_hashed_verifies() {
    check("{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=", PASSWORD);
    check("{SHA}hvfkN/qlp/zhXR3cuerq6jd2Z7g=", "a");
}

#[test]
fn a_password_with_a_zero_in_it_is_none() {
    // To bcrypt, which repeats a password with its closing zero, both are the same.
    let hash = "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
    assert!(!verifies(hash, &format!("{PASSWORD}\0{PASSWORD}")));
}

#[test]
fn bcrypt_is_said_to_look_at_72_bytes_only() {
    let bcrypt = "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
    let long = SecretText::new("x".repeat(72));
    let short = SecretText::new("x".repeat(71));
    let phc = |hash: &str| PhcString::from_elsewhere(hash.to_owned()).unwrap();
    assert!(phc(bcrypt).is_cut_for(&long));
    assert!(!phc(bcrypt).is_cut_for(&short));
    assert!(!phc("$apr1$x$16j9.5e7KiXmuYFAYpPJM/").is_cut_for(&long));
}

#[track_caller]
fn refused(hash: &str, message: &str) {
    let error = PhcString::from_elsewhere(hash.to_owned()).unwrap_err();
    assert_eq!(error.field, "password_hash");
    assert!(error.message.contains(message), "{hash}: {error}");
}

#[test]
fn only_whole_hashes_of_a_bearable_cost_are_taken() {
    let bcrypt = "abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
    refused(&format!("$2y$15${bcrypt}"), "4 to 14");
    refused(&format!("$2y$03${bcrypt}"), "4 to 14");
    for wrong in [
        "",
        "plain text",
        "rl0uE0r2NvLNQ",
        "$1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a.",
        "$apr1$$GQF3hbcxO2ySp4igPQ/3a.",
        "$apr1$abcdefghi$GQF3hbcxO2ySp4igPQ/3a.",
        "$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a",
        "$apr1$abc:efgh$GQF3hbcxO2ySp4igPQ/3a.",
        "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U==",
        "{SHA}AAAA",
        "{sha}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
        "$2x$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$2y$5$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo",
        "$2y$05$abcdefghijklmnopqrstu",
    ] {
        refused(wrong, "must be bcrypt");
    }
    refused(&"x".repeat(257), "at most 256");
}

#[test]
fn argon2id_is_taken_as_a_whole_and_at_a_bearable_cost() {
    let good = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dTRWJVmaaJObGMbCz9vZ7oTs";
    assert!(PhcString::from_elsewhere(good.to_owned()).is_ok());
    refused(&good.replace("m=8,", "m=1000000,"), "at most m=");
    refused(&good.replace("t=1,", "t=17,"), "at most m=");
    refused("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ", "complete");
    refused("$argon2id$v=19", "complete");
    refused(&good.replace("argon2id", "argon2i"), "must be bcrypt");
}
