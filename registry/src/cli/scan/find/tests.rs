//! Nothing that the registry generates hides, and nothing else is taken for it.

use filter_core::key::PlainSecret;
use proptest::prelude::*;

use super::*;

/// Gives so many bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len().min(self.1);
        self.0.read(&mut buffer[..limit])
    }
}

const ANY: Wanted<'static> = Wanted {
    brand: None,
    binary: true,
};

fn found(text: &[u8], wanted: Wanted<'_>) -> Vec<(u64, u64, String)> {
    let mut found = Vec::new();
    let each = |secret: Found| {
        found.push((secret.line, secret.column, secret.value.expose().to_owned()));
    };
    search(Drip(text, 1000), wanted, each).unwrap();
    found
}

fn secret(brand: &str, seed: u8) -> String {
    let entropy: Vec<u8> = (0..64_u8)
        .map(|index| index.wrapping_mul(3) ^ seed)
        .collect();
    let secret = PlainSecret::generate(brand, SecretType::ApiKey, &entropy).unwrap();
    secret.expose().to_owned()
}

#[test]
fn line_and_column_count_from_one() {
    let secret = secret("ks", 1);
    let text = format!("{secret}\n\nkey: '{secret}', {secret}");
    assert_eq!(
        found(text.as_bytes(), ANY),
        [
            (1, 1, secret.clone()),
            (3, 7, secret.clone()),
            (3, 49, secret)
        ]
    );
}

#[test]
fn a_secret_across_two_readings_is_found_once() {
    let secret = secret("ks", 2);
    for before in CHUNK - 100..CHUNK + 10 {
        let mut text = vec![b'.'; before];
        text.extend(secret.as_bytes());
        text.extend(vec![b'.'; CHUNK]);
        let column = u64::try_from(before).unwrap() + 1;
        assert_eq!(found(&text, ANY), [(1, column, secret.clone())], "{before}");
    }
}

#[test]
fn only_the_brand_that_was_asked_for_is_found() {
    let text = format!("{} {}", secret("ks", 3), secret("acme", 3));
    let wanted = Wanted {
        brand: Some("acme"),
        binary: true,
    };
    assert_eq!(found(text.as_bytes(), ANY).len(), 2);
    assert_eq!(found(text.as_bytes(), wanted), [(1, 41, secret("acme", 3))]);
}

#[test]
fn a_binary_file_is_searched_only_on_demand() {
    let text = format!("\0{}", secret("ks", 4));
    let wanted = Wanted {
        brand: None,
        binary: false,
    };
    assert_eq!(found(text.as_bytes(), wanted), []);
    assert_eq!(found(text.as_bytes(), ANY).len(), 1);
}

#[test]
fn a_mask_hides_the_random_part() {
    let mut masked = Vec::new();
    search(secret("ks", 0).as_bytes(), ANY, |found| {
        masked.push(found.masked());
    })
    .unwrap();
    assert_eq!(masked, ["ks_ak_…dGVn"]);
}

proptest! {
    #[test]
    fn every_secret_is_found_in_any_text(
        entropy in proptest::collection::vec(any::<u8>(), 64),
        brand in "[a-z0-9]{1,16}",
        kind in proptest::sample::select(SecretType::ALL.to_vec()),
        before in proptest::collection::vec(any::<u8>(), 0..200),
        after in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let secret = PlainSecret::generate(&brand, kind, &entropy);
        prop_assume!(secret.is_some());
        let secret = secret.unwrap();
        let text = [&before, secret.expose().as_bytes(), &after].concat();
        let found = found(&text, ANY);
        prop_assert!(found.iter().any(|(_, _, value)| value == secret.expose()));
    }

    #[test]
    fn a_secret_with_another_character_is_not_one(
        entropy in proptest::collection::vec(0_u8..248, 64),
        at in 0_usize..39,
        other in "[0-9A-Za-z_]",
        before in "[ -~]{0,40}",
        after in "[ -~]{0,40}",
    ) {
        let secret = PlainSecret::generate("ks", SecretType::ApiKey, &entropy).unwrap();
        let mut text = secret.expose().as_bytes().to_vec();
        prop_assume!(text[at] != other.as_bytes()[0]);
        text[at] = other.as_bytes()[0];
        let text = [before.as_bytes(), &text, after.as_bytes()].concat();
        prop_assert_eq!(found(&text, ANY), []);
    }
}
