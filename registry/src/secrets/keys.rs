//! The keys that a process holds: the master keys that it was given, and the data keys that the database keeps.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use filter_core::digest::SecretHash;
use zeroize::Zeroizing;

use super::{DataKey, DataKeys, Fingerprint, MasterKey, Purpose};
use crate::sealing::{KeyId, Place, SealError, Sealer};

/// The master keys that the process was given, by what they seal, and the data keys of its database.
///
/// Which master key new values are sealed under is said by the database, in the transaction that writes them
/// (`Environment::sealer`): so no registry can seal under a key that another has just retired.
pub struct Keys {
    masters: RwLock<Arc<[Held]>>,
    data: RwLock<Arc<DataKeys>>,
}

/// A master key.
#[derive(Clone)]
struct Held {
    master: MasterKey,
    sealer: Arc<Sealer>,
}

impl Held {
    fn new(master: MasterKey) -> Self {
        let sealer = Arc::new(master.sealer());
        Self { master, sealer }
    }
}

impl Keys {
    /// With this master key. The data keys are what earlier versions derived from it, until a database is opened.
    #[must_use]
    pub fn derive(master: &MasterKey) -> Self {
        let held = Held::new(master.clone());
        Self {
            data: RwLock::new(Arc::new(DataKeys::derived(master))),
            masters: RwLock::new(Arc::from([held])),
        }
    }

    /// Holds this master key as well.
    pub fn learn(&self, master: &MasterKey) -> KeyId {
        let new = Held::new(master.clone());
        let id = new.sealer.id();
        let mut masters = self.masters.write().unwrap_or_else(PoisonError::into_inner);
        if masters.iter().all(|held| held.sealer.id() != id) {
            *masters = masters.iter().cloned().chain([new]).collect();
        }
        id
    }

    /// Puts the master key with this id before the others: the database is sealed under it.
    pub(crate) fn prefer(&self, id: KeyId) {
        let mut masters = self.masters.write().unwrap_or_else(PoisonError::into_inner);
        let mut sorted = masters.to_vec();
        sorted.sort_by_key(|held| held.sealer.id() != id);
        *masters = sorted.into();
    }

    /// The ids of the master keys that it holds, the one in use first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.masters().iter().map(|held| held.sealer.id()).collect()
    }

    /// Of the master key in use, or of the one that it began with while there is no database.
    pub(crate) fn first(&self) -> Option<Arc<Sealer>> {
        self.masters().first().map(|held| Arc::clone(&held.sealer))
    }

    /// What seals under the master key with this id, if the process was given it.
    #[must_use]
    pub fn sealer(&self, id: KeyId) -> Option<Arc<Sealer>> {
        let masters = self.masters();
        let mut held = masters.iter().map(|held| &held.sealer);
        held.find(|sealer| sealer.id() == id).map(Arc::clone)
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        Ok(self.open_with(place, sealed)?.1)
    }

    /// The same, and says under which key it was.
    pub(crate) fn open_with(
        &self,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<(KeyId, Zeroizing<Vec<u8>>), SealError> {
        if let Some(key) = KeyId::of(sealed) {
            let column = place.column;
            let sealer = self
                .sealer(key)
                .ok_or(SealError::UnknownKey { column, key })?;
            return Ok((key, sealer.open(place, sealed)?));
        }
        // Of what an earlier version sealed, only an attempt tells: what opens was sealed under that key.
        let masters = self.masters();
        let mut attempts = masters.iter().map(|held| {
            let plain = held.sealer.open(place, sealed)?;
            Ok((held.sealer.id(), plain))
        });
        let opened = attempts.find(Result::is_ok);
        opened.unwrap_or(Err(SealError::Open(place.column)))
    }

    /// What is derived from the master key with this id for the purpose.
    pub(crate) fn derived(&self, id: KeyId, purpose: Purpose) -> Option<DataKey> {
        let masters = self.masters();
        let held = masters.iter().find(|held| held.sealer.id() == id)?;
        Some(DataKey::derived(&held.master, purpose))
    }

    /// Uses these data keys from now on.
    pub(crate) fn use_data(&self, data: DataKeys) {
        *self.data.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(data);
    }

    fn masters(&self) -> Arc<[Held]> {
        let masters = self.masters.read();
        Arc::clone(&masters.unwrap_or_else(PoisonError::into_inner))
    }

    fn data(&self) -> Arc<DataKeys> {
        Arc::clone(&self.data.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// See [`DataKeys::fingerprint`].
    #[must_use]
    pub fn fingerprint(&self, hash: &SecretHash) -> Fingerprint {
        self.data().fingerprint(hash)
    }

    /// See [`DataKeys::password_fingerprint`].
    #[must_use]
    pub fn password_fingerprint(&self, slow_hash: &[u8; 32]) -> Fingerprint {
        self.data().password_fingerprint(slow_hash)
    }

    /// See [`DataKeys::password_salt`].
    #[must_use]
    pub fn password_salt(&self, username: &str) -> [u8; 32] {
        self.data().password_salt(username)
    }

    /// See [`DataKeys::foreign_password_hash`].
    #[must_use]
    pub fn foreign_password_hash(&self, username: &str, hash: &str) -> [u8; 32] {
        self.data().foreign_password_hash(username, hash)
    }

    /// See [`DataKeys::token_digest`].
    #[must_use]
    pub fn token_digest(&self, token: &str) -> [u8; 32] {
        self.data().token_digest(token)
    }

    /// See [`DataKeys::idempotency_row`].
    #[must_use]
    pub fn idempotency_row(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        self.data().idempotency_row(parts)
    }

    /// See [`DataKeys::journal_tag`].
    #[must_use]
    pub fn journal_tag(&self, before: &[u8; 32], line: &[u8]) -> [u8; 32] {
        self.data().journal_tag(before, line)
    }

    /// See [`DataKeys::audit_key_version`].
    #[must_use]
    pub fn audit_key_version(&self) -> u32 {
        self.data().audit_key_version()
    }

    /// See [`DataKeys::audit_mac`].
    #[must_use]
    pub fn audit_mac(&self, version: u32, message: &[u8]) -> Option<[u8; 32]> {
        self.data().audit_mac(version, message)
    }

    /// See [`DataKeys::idempotency_sealer`].
    #[must_use]
    pub fn idempotency_sealer(&self, idempotency_key: &str) -> Sealer {
        self.data().idempotency_sealer(idempotency_key)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const HERE: Place<'_> = Place {
        column: "secrets.sealed",
        row: "sec_1",
    };

    fn master(seed: u64) -> MasterKey {
        MasterKey::generate(&SeededEntropy::new(seed)).unwrap()
    }

    #[test]
    fn a_value_opens_under_the_key_that_it_names_and_under_no_other() {
        let (old, new) = (master(1), master(2));
        let keys = Keys::derive(&old);
        let random = SeededEntropy::new(3);
        let sealed = new.sealer().seal(HERE, b"plain", &random).unwrap();
        let refused = keys.open(HERE, &sealed).unwrap_err();
        assert!(matches!(refused, SealError::UnknownKey { .. }), "{refused}");
        let id = keys.learn(&new);
        assert_eq!(keys.open_with(HERE, &sealed).unwrap().0, id);
        assert_eq!(keys.ids(), [old.sealer().id(), id]);
        keys.learn(&new);
        assert_eq!(keys.ids().len(), 2, "it was known");
        keys.prefer(id);
        assert_eq!(keys.first().unwrap().id(), id);
    }

    #[test]
    fn what_earlier_versions_sealed_opens_whichever_key_it_was() {
        let (old, new) = (master(1), master(2));
        let keys = Keys::derive(&new);
        keys.learn(&old);
        let sealer = old.sealer();
        let sealed = sealer.seal(HERE, b"plain", &SeededEntropy::new(3)).unwrap();
        let rest = sealed.strip_prefix(&sealer.id().prefix()).unwrap();
        let earlier = [&[1], rest].concat();
        assert_eq!(keys.open_with(HERE, &earlier).unwrap().0, sealer.id());
    }
}
