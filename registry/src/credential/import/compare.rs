//! Whether a credential that exists is the one that is to be imported.

use super::Ready;
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::{Conflict, Error, Kind},
    ids::CredentialId,
    secret::{Part, SecretState},
    store::WriteTransaction,
};

impl Ready {
    /// It must have the same secret, and each field that is stated.
    pub(super) async fn check_is_same(
        &self,
        env: &Environment,
        write: &mut dyn WriteTransaction,
        id: CredentialId,
    ) -> Result<(), Error> {
        let fingerprint = self.minted.fingerprint(env);
        let secrets = write.unrevoked_secrets(id).await?;
        let has_it = secrets.iter().any(|secret| {
            secret.part == Part::Value
                && secret.state == SecretState::Current
                && secret.fingerprint == fingerprint
        });
        if !has_it {
            return Err(Conflict::ImportedSecret.into());
        }
        let fields = self.differing(write, id).await?;
        if fields.is_empty() {
            Ok(())
        } else {
            Err(Conflict::ImportedFields { fields }.into())
        }
    }

    async fn differing(
        &self,
        write: &mut dyn WriteTransaction,
        id: CredentialId,
    ) -> Result<Vec<&'static str>, Error> {
        let existing = write.credential(id).await?;
        let existing = existing.ok_or(Error::NotFound(Kind::Credential))?;
        let import = &self.import;
        let is_another_time =
            |stated: Option<Timestamp>, existing| stated.is_some() && stated != existing;
        let fields = [
            ("type", import.secret.kind() != existing.kind),
            ("username", self.minted.username != existing.username),
            (
                "identifier",
                is_other(self.identifier.as_ref(), &existing.identifier),
            ),
            (
                "description",
                is_other(self.description.as_ref(), &existing.description),
            ),
            ("labels", is_other(self.labels.as_ref(), &existing.labels)),
            ("scopes", is_other(self.scopes.as_ref(), &existing.scopes)),
            (
                "enabled",
                is_other(import.enabled.as_ref(), &existing.enabled),
            ),
            (
                "not_before",
                is_another_time(import.not_before, existing.not_before),
            ),
            (
                "expires_at",
                is_another_time(import.expires_at, existing.expires_at),
            ),
        ];
        Ok(fields
            .into_iter()
            .filter_map(|(name, differs)| differs.then_some(name))
            .collect())
    }
}

/// Whether something is stated, and it is not what there is.
fn is_other<T: PartialEq>(stated: Option<&T>, existing: &T) -> bool {
    stated.is_some_and(|stated| stated != existing)
}
