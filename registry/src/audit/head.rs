//! Heads: what the log was at some moment, in one line that is kept elsewhere. Who has one can prove later that the log
//! was rewritten or cut, also to somebody who holds every key.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::chain::{Link, Mac, Message, UnknownKey};
use crate::{clock::Timestamp, secrets::Keys};

const PREFIX: &str = "keysmith-audit-head-1";

/// That the log had this many records at this moment, and which: signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record then.
    pub sequence: u64,
    /// When it was signed, in Unix seconds.
    pub at: u64,
    /// Over the number, the moment and the record's MAC, which stands for everything up to it.
    pub mac: Mac,
}

/// The text is not a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is {PREFIX}:NUMBER:SECONDS:SIGNATURE, as the registry logs it")]
pub struct InvalidHead;

impl Head {
    /// Signs what the log is now.
    pub(crate) fn sign(keys: &Keys, link: &Link, now: Timestamp) -> Result<Self, UnknownKey> {
        let at = now.as_millis() / 1000;
        Ok(Self {
            sequence: link.sequence,
            at,
            mac: Self::mac(keys, link, at)?,
        })
    }

    /// Whether it was signed for the log as it is up to this place.
    pub(super) fn is_of(&self, keys: &Keys, link: &Link) -> bool {
        self.sequence == link.sequence
            && Self::mac(keys, link, self.at).is_ok_and(|expected| expected == self.mac)
    }

    fn mac(keys: &Keys, link: &Link, at: u64) -> Result<Mac, UnknownKey> {
        let mut message = Message::new(b"keysmith-audit-head-1");
        message.number(link.sequence).number(at).part(&link.mac);
        message.mac(keys, link.key_version)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mac = URL_SAFE_NO_PAD.encode(self.mac);
        write!(f, "{PREFIX}:{}:{}:{mac}", self.sequence, self.at)
    }
}

impl FromStr for Head {
    type Err = InvalidHead;

    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let mut parts = text.trim().split(':');
        let mut next = || parts.next().ok_or(InvalidHead);
        let (prefix, sequence, at, mac) = (next()?, next()?, next()?, next()?);
        if prefix != PREFIX || parts.next().is_some() {
            return Err(InvalidHead);
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| InvalidHead)?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| InvalidHead)?,
            at: at.parse().map_err(|_| InvalidHead)?,
            mac: mac.try_into().map_err(|_| InvalidHead)?,
        })
    }
}
