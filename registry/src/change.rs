//! What a use case answers that has changed something.

use crate::{error::Error, store::WriteTransaction};

/// What came of a change, and which position in the log tells gateways of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<T> {
    /// What is asked for is now this.
    pub value: T,
    /// The revision of the log that holds the change; `None` where gateways see no difference.
    pub revision: Option<u64>,
}

impl<T> Changed<T> {
    /// With the revision that the transaction's commit will have.
    pub(crate) async fn of(write: &mut dyn WriteTransaction, value: T) -> Result<Self, Error> {
        let revision = write.pending_revision().await?;
        Ok(Self { value, revision })
    }

    /// The same change of something else.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Changed<U> {
        Changed {
            value: with(self.value),
            revision: self.revision,
        }
    }
}
