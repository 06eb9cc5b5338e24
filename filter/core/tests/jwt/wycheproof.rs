//! Wycheproof's vectors for the signature algorithms.
//!
//! RSASSA-PKCS1-v1_5 and ECDSA are Envoy's to verify; here its stand-in shows that it is given the right key, hash and
//! signature, and what is refused before it is asked.

use filter_core::jwt::{Algorithm, PublicKey, VerificationKey, signature::verify};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::support::Others;

/// Whether the vector's signature is accepted, and whether it should be.
fn hold(
    algorithm: Algorithm,
    key: PublicKey,
    message: &[u8],
    signature: &[u8],
    result: TestResult,
) -> (bool, bool) {
    let key = VerificationKey {
        id: None,
        algorithm,
        key,
    };
    let accepted = verify(&key, message, signature, &Others::default());
    (accepted, result == TestResult::Valid)
}

macro_rules! test_set {
    ($test:ident, $module:ident :: $set:ident, $algorithm:ident, $group:ident => $key:expr) => {
        #[test]
        fn $test() {
            let set =
                $module::TestSet::load($module::TestName::$set).expect("the crate carries it");
            let mut held = 0;
            for $group in &set.test_groups {
                for test in &$group.tests {
                    // What may be refused as well as accepted says nothing.
                    if test.result == TestResult::Acceptable {
                        continue;
                    }
                    let (accepted, valid) = hold(
                        Algorithm::$algorithm,
                        $key,
                        &test.msg,
                        &test.sig,
                        test.result,
                    );
                    assert_eq!(accepted, valid, "{} {}", test.tc_id, test.comment);
                    held += 1;
                }
            }
            assert!(held > 50, "{held} vectors");
        }
    };
}

fn rsa(key: &wycheproof::RsaPublic) -> PublicKey {
    let without_zeros = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number[zeros..].to_vec()
    };
    PublicKey::Rsa {
        modulus: without_zeros(&key.n),
        exponent: without_zeros(&key.e),
    }
}

fn point(key: &wycheproof::EcdsaPublic) -> PublicKey {
    PublicKey::EllipticCurve(key.key[1..].to_vec())
}

fn ed25519(key: &wycheproof::EddsaPublic) -> PublicKey {
    PublicKey::Ed25519(key.pk.as_ref().try_into().expect("32 bytes"))
}

test_set!(rs256_2048, rsa_pkcs1_verify::Rsa2048Sha256, Rs256, group => rsa(&group.key));
test_set!(rs384_2048, rsa_pkcs1_verify::Rsa2048Sha384, Rs384, group => rsa(&group.key));
test_set!(rs512_2048, rsa_pkcs1_verify::Rsa2048Sha512, Rs512, group => rsa(&group.key));
test_set!(rs256_3072, rsa_pkcs1_verify::Rsa3072Sha256, Rs256, group => rsa(&group.key));
test_set!(rs512_4096, rsa_pkcs1_verify::Rsa4096Sha512, Rs512, group => rsa(&group.key));
test_set!(ps256_2048, rsa_pss_verify::RsaPss2048Sha256Mgf1SaltLen32, Ps256, group => rsa(&group.key));
test_set!(ps384_2048, rsa_pss_verify::RsaPss2048Sha384Mgf1SaltLen48, Ps384, group => rsa(&group.key));
test_set!(ps256_3072, rsa_pss_verify::RsaPss3072Sha256Mgf1SaltLen32, Ps256, group => rsa(&group.key));
test_set!(ps512_4096, rsa_pss_verify::RsaPss4096Sha512Mgf1SaltLen64, Ps512, group => rsa(&group.key));
test_set!(es256, ecdsa::EcdsaSecp256r1Sha256P1363, Es256, group => point(&group.key));
test_set!(es384, ecdsa::EcdsaSecp384r1Sha384P1363, Es384, group => point(&group.key));
test_set!(es512, ecdsa::EcdsaSecp521r1Sha512P1363, Es512, group => point(&group.key));
test_set!(eddsa, eddsa::Ed25519, Ed25519, group => ed25519(&group.key));

/// With a salt of another length than RFC 7518 wants, though the signature is good otherwise.
#[test]
fn pss_with_another_salt_is_refused() {
    let name = rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0;
    let set = rsa_pss_verify::TestSet::load(name).expect("the crate carries it");
    let mut held = 0;
    for group in &set.test_groups {
        let good = |test: &&rsa_pss_verify::Test| test.result == TestResult::Valid;
        for test in group.tests.iter().filter(good) {
            let key = rsa(&group.key);
            let (accepted, _) = hold(Algorithm::Ps256, key, &test.msg, &test.sig, test.result);
            assert!(!accepted, "{}", test.tc_id);
            held += 1;
        }
    }
    assert!(held > 10, "{held} vectors");
}
