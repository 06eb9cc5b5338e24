//! Identifiers: one type for each thing, written with a prefix that says what it names.

use std::{fmt, str::FromStr};

use filter_core::ids::{CREDENTIAL_PREFIX, ObjectId};

use crate::{
    clock::Timestamp,
    entropy::{Entropy, EntropyError},
};

/// The text is not an identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id that begins with {0:?}")]
pub struct InvalidId(&'static str);

fn generate(now: Timestamp, entropy: &dyn Entropy) -> Result<ObjectId, EntropyError> {
    let random = entropy.bytes::<10>()?;
    let [_, _, time @ ..] = now.as_millis().to_be_bytes();
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(time.into_iter().chain(random)) {
        *place = byte;
    }
    Ok(ObjectId(bytes))
}

macro_rules! id {
    ($name:ident, $prefix:expr, $what:literal) => {
        #[doc = concat!("Names ", $what, ". Its text begins with a prefix, and sorts by time of creation.")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ObjectId);

        impl $name {
            /// What its text begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier: 48 bits of time, then 80 random ones.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
                generate(now, entropy).map(Self)
            }

            /// The identifier with this object's id.
            #[must_use]
            pub const fn from_object_id(id: ObjectId) -> Self {
                Self(id)
            }

            /// The identifier without its prefix.
            #[must_use]
            pub const fn object_id(self) -> ObjectId {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.with_prefix(Self::PREFIX))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(Self::PREFIX)
                    .and_then(ObjectId::parse)
                    .map(Self)
                    .ok_or(InvalidId(Self::PREFIX))
            }
        }
    };
}

id!(OrganizationId, "org_", "an organization");
id!(ApplicationId, "app_", "an application");
id!(CredentialId, CREDENTIAL_PREFIX, "a credential");
id!(SecretId, "sec_", "one secret of a credential");
id!(GroupId, "grp_", "a gateway group");
id!(TokenId, "tok_", "a token for the registry's API");
id!(ProviderId, "idp_", "an identity provider");
id!(
    OperationId,
    "op_",
    "something to be done at an identity provider"
);
id!(AccessTokenId, "act_", "an access token");
id!(
    SigningKeyId,
    "sk_",
    "a key that access tokens are signed with"
);
id!(
    RegistrationTokenId,
    "rtk_",
    "a token with which clients register themselves"
);
id!(LeakId, "leak_", "a report of a leaked secret");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let entropy = SeededEntropy::new(1);
        let id =
            ApplicationId::generate(Timestamp::from_millis(1_700_000_000_000), &entropy).unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(
            id.to_string().parse::<CredentialId>(),
            Err(InvalidId("cred_"))
        );
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let entropy = SeededEntropy::new(1);
        let id = |millis| {
            TokenId::generate(Timestamp::from_millis(millis), &entropy)
                .unwrap()
                .to_string()
        };
        assert!(id(1) < id(2));
        assert!(id(255) < id(256));
    }
}
