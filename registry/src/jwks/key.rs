//! One key of a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use filter_core::jwt::{
    Algorithm, PublicKey, VerificationKey,
    signature::{MAX_RSA_BITS, MIN_RSA_BITS},
};
use serde::Deserialize;
use serde_json::Value;

use super::{LeftOut, MAX_NAME};

/// The members that are looked at.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// The private part, in every type of asymmetric key.
    d: Option<Value>,
}

impl Jwk {
    pub(super) fn read(json: &Value) -> Result<Self, LeftOut> {
        let key = Self::deserialize(json).map_err(|_| LeftOut::Malformed)?;
        if key.kid.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(LeftOut::Malformed);
        }
        if key.d.is_some() {
            return Err(LeftOut::Private);
        }
        let is_for_signatures = key
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig");
        let verifies = |operations: &Vec<String>| operations.iter().any(|one| one == "verify");
        if !is_for_signatures || !key.key_ops.as_ref().is_none_or(verifies) {
            return Err(LeftOut::Use);
        }
        Ok(key)
    }

    /// What gateways verify with: one for each algorithm that it is used with.
    pub(super) fn verification(self, rsa: &[Algorithm]) -> Result<Vec<VerificationKey>, LeftOut> {
        let (key, possible) = self.public_key()?;
        let algorithms = match &self.alg {
            None if self.kty == "RSA" => rsa.to_vec(),
            None => possible,
            Some(name) => {
                let algorithm = Algorithm::named(name).ok_or(LeftOut::Unsupported)?;
                if !possible.contains(&algorithm) {
                    return Err(LeftOut::Mismatch);
                }
                vec![algorithm]
            }
        };
        let of_algorithm = |algorithm| VerificationKey {
            id: self.kid.clone(),
            algorithm,
            key: key.clone(),
        };
        Ok(algorithms.into_iter().map(of_algorithm).collect())
    }

    /// The key, and the algorithms that keys of its type are for.
    fn public_key(&self) -> Result<(PublicKey, Vec<Algorithm>), LeftOut> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Ok((self.rsa()?, Self::of_rsa())),
            ("EC", Some("P-256")) => self.point(32, Algorithm::Es256),
            ("EC", Some("P-384")) => self.point(48, Algorithm::Es384),
            ("EC", Some("P-521")) => self.point(66, Algorithm::Es512),
            ("OKP", Some("Ed25519")) => {
                let bytes = bytes(self.x.as_ref())?;
                let key = <[u8; 32]>::try_from(bytes).map_err(|_| LeftOut::Length)?;
                Ok((PublicKey::Ed25519(key), vec![Algorithm::Ed25519]))
            }
            ("EC" | "OKP", None) => Err(LeftOut::Malformed),
            _ => Err(LeftOut::Unsupported),
        }
    }

    fn of_rsa() -> Vec<Algorithm> {
        let all = Algorithm::ALL.into_iter();
        all.filter(|one| one.name().starts_with(['R', 'P']))
            .collect()
    }

    fn rsa(&self) -> Result<PublicKey, LeftOut> {
        let modulus = number(&bytes(self.n.as_ref())?);
        let exponent = number(&bytes(self.e.as_ref())?);
        let bits = modulus.first().map_or(0, |first| {
            (modulus.len() * 8).saturating_sub(first.leading_zeros() as usize)
        });
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(LeftOut::Length);
        }
        // Odd, at least 3, and not so long that verifying takes long.
        let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
        if !is_odd || exponent == [1] || exponent.len() > 4 {
            return Err(LeftOut::Malformed);
        }
        Ok(PublicKey::Rsa { modulus, exponent })
    }

    /// Coordinates in their full length (RFC 7518 section 6.2.1.2). Whether the point lies on its curve is looked at by
    /// whoever verifies with it.
    fn point(
        &self,
        length: usize,
        algorithm: Algorithm,
    ) -> Result<(PublicKey, Vec<Algorithm>), LeftOut> {
        let (x, y) = (bytes(self.x.as_ref())?, bytes(self.y.as_ref())?);
        if x.len() != length || y.len() != length {
            return Err(LeftOut::Length);
        }
        Ok((PublicKey::EllipticCurve([x, y].concat()), vec![algorithm]))
    }
}

fn bytes(member: Option<&String>) -> Result<Vec<u8>, LeftOut> {
    let text = member.ok_or(LeftOut::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| LeftOut::Malformed)
}

/// Without leading zeros.
fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default().to_vec()
}
