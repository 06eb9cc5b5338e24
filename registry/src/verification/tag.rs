//! Names for questions and their parts that say nothing without a key, which lives only in this process.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Question, limit};
use crate::entropy::{Entropy, EntropyError};

/// A keyed hash.
pub(crate) type Tag = [u8; 32];

/// What a question is remembered and limited by: each for its gateway group alone, so that no group's traffic slows
/// another's.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    /// The user name with the password.
    pub(super) question: Tag,
    /// The address with the user name.
    pub(super) visitor: Tag,
    /// The user name.
    pub(super) username: Tag,
    /// The address, when it is known.
    pub(super) source: Option<Tag>,
}

/// Makes tags.
#[derive(Clone)]
pub(crate) struct Tagger(Hmac<Sha256>);

impl Tagger {
    /// With a key of its own.
    pub(crate) fn new(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(Hmac::new(&entropy.bytes::<64>()?.into())))
    }

    pub(super) fn tags(&self, question: &Question) -> Tags {
        let group = question.group.object_id().0;
        let source = limit::source(&question.source);
        let (username, source) = (question.username.as_bytes(), source.as_bytes());
        let password = question.password.expose().as_bytes();
        Tags {
            question: self.tag(b"question", &[&group, username, password]),
            visitor: self.tag(b"visitor", &[&group, source, username]),
            username: self.tag(b"username", &[&group, username]),
            source: (!source.is_empty()).then(|| self.tag(b"source", &[&group, source])),
        }
    }

    /// The parts are told apart by their lengths.
    pub(crate) fn tag(&self, kind: &[u8], parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        mac.update(kind);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}
