//! The verbs that write, each handed to the file of its table, with what they change for gateways noted.

use async_trait::async_trait;

use super::{
    SqlTransaction, admission, application, credential, deployment, forgetting, gateway,
    idempotency, installation, leak,
    log::{self, Note},
    organization, rendering, secret, switch, usage, username,
};
use crate::{
    application::Application,
    clock::Timestamp,
    credential::Credential,
    gateway::GatewayGroup,
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId, SecretId},
    journal::{CutOff, Revoked, Switched},
    leak::Leak,
    organization::Organization,
    secret::{Secret, SecretState},
    secrets::Fingerprint,
    store::{
        Deployed, Prune, SealedDigestKey, Stamp, StoreError, UsageWrites, WriteTransaction,
        visible::application_differs,
    },
    usage::{AppliedBatch, DayCount, LostUsage, UsageCount},
};

impl SqlTransaction {
    pub(super) fn note(&mut self, group: GroupId, note: Note) {
        if !self.new_groups.contains(&group) {
            self.notes.add(group, note);
        }
    }

    /// Added to the log's last revision, the one that tells the group of what this transaction changes. Who follows a new
    /// group begins with a snapshot, which needs no change to be told.
    fn ahead(&self, group: GroupId) -> i64 {
        i64::from(!self.new_groups.contains(&group))
    }

    /// Notes whether it is switched off or on, if it was not so before.
    async fn switch(
        &mut self,
        what: Switched,
        enabled: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let switch = switch::count(&mut self.inner, what, enabled, now).await?;
        self.revoked.extend(switch.map(Revoked::Switched));
        Ok(())
    }

    /// What gateways see of a deployed secret may have changed: its record is rendered anew, and if it did, they are told.
    async fn refresh(&mut self, deployed: &Deployed) -> Result<(), StoreError> {
        if rendering::refresh(&mut self.inner, deployed).await? {
            let (group, digest) = (&deployed.group, &deployed.digest);
            self.note(*group, Note::Secret(*digest));
            let ahead = self.ahead(*group);
            admission::touch(&mut self.inner, *group, digest, ahead).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl WriteTransaction for SqlTransaction {
    async fn insert_organization(&mut self, new: &Organization) -> Result<(), StoreError> {
        organization::insert(&mut self.inner, new).await
    }

    async fn update_organization(&mut self, changed: &Organization) -> Result<(), StoreError> {
        organization::update(&mut self.inner, changed).await
    }

    async fn delete_organization(
        &mut self,
        id: OrganizationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        organization::delete(&mut self.inner, id, at).await
    }

    async fn next_application_number(&mut self) -> Result<u32, StoreError> {
        installation::next_application_number(&mut self.inner).await
    }

    async fn insert_application(&mut self, new: &Application) -> Result<(), StoreError> {
        application::insert(&mut self.inner, new).await?;
        organization::count_application(&mut self.inner, new.organization).await
    }

    async fn update_application(&mut self, changed: &Application) -> Result<(), StoreError> {
        let before = application::get(&mut self.inner, changed.id).await?;
        let what = Switched::Application(changed.id);
        self.switch(what, changed.enabled, changed.updated_at)
            .await?;
        application::update(&mut self.inner, changed).await?;
        if !before.is_some_and(|before| application_differs(&before, changed)) {
            return Ok(());
        }
        for group in admission::groups_admitting(&mut self.inner, changed.id).await? {
            self.note(group, Note::Application(changed.number));
        }
        admission::touch_application(&mut self.inner, changed.id).await
    }

    async fn delete_application(
        &mut self,
        id: ApplicationId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        organization::discount_application(&mut self.inner, id).await?;
        secret::revoke_of_application(&mut self.inner, id, at).await?;
        // One line, however many secrets they are.
        self.revoked.push(Revoked::Application(id));
        forgetting::delete_of_application(&mut self.inner, id).await?;
        credential::delete_of_application(&mut self.inner, id).await?;
        application::delete(&mut self.inner, id).await
    }

    async fn admit(&mut self, group: GroupId, application: &Application) -> Result<(), StoreError> {
        self.note(group, Note::Application(application.number));
        let ahead = self.ahead(group);
        admission::admit(&mut self.inner, group, application, ahead).await
    }

    async fn dismiss(
        &mut self,
        group: GroupId,
        application: &Application,
    ) -> Result<(), StoreError> {
        self.note(group, Note::Application(application.number));
        if !self.new_groups.contains(&group) {
            log::withdraw(&mut self.inner, &mut self.notes, group, application.id).await?;
        }
        let ahead = self.ahead(group);
        deployment::note_withdrawal_of_application(&mut self.inner, group, application.id, ahead)
            .await?;
        admission::withdraw_of_application(&mut self.inner, group, application.id).await?;
        deployment::note_dismissal(&mut self.inner, group, application.id, ahead).await?;
        admission::dismiss(&mut self.inner, group, application).await
    }

    async fn insert_credential(&mut self, new: &Credential) -> Result<(), StoreError> {
        credential::insert(&mut self.inner, new).await?;
        organization::count_credential(&mut self.inner, new.organization).await
    }

    async fn update_credential(&mut self, changed: &Credential) -> Result<(), StoreError> {
        let what = Switched::Credential(changed.id);
        self.switch(what, changed.enabled, changed.updated_at)
            .await?;
        if let Some(from) = changed.tokens_valid_from {
            let cut_off = CutOff {
                credential: changed.id,
                from,
            };
            if switch::is_cut_off_forgotten(&mut self.inner, &cut_off).await? {
                self.revoked.push(Revoked::CutOff(cut_off));
            }
        }
        credential::update(&mut self.inner, changed).await?;
        for deployed in admission::deployed(&mut self.inner, changed.id).await? {
            self.refresh(&deployed).await?;
        }
        Ok(())
    }

    async fn delete_credential(&mut self, id: CredentialId) -> Result<(), StoreError> {
        organization::discount_credential(&mut self.inner, id).await?;
        forgetting::delete_of(&mut self.inner, id).await?;
        deployment::forget(&mut self.inner, id).await?;
        self.revoked.push(Revoked::Credential(id));
        credential::delete(&mut self.inner, id).await
    }

    async fn claim_username(&mut self, username: &str, id: CredentialId) -> Result<(), StoreError> {
        username::claim(&mut self.inner, username, id).await
    }

    async fn release_usernames(&mut self, id: CredentialId) -> Result<(), StoreError> {
        username::release(&mut self.inner, id).await
    }

    async fn insert_secret(&mut self, new: &Secret) -> Result<(), StoreError> {
        secret::insert(&mut self.inner, new).await
    }

    async fn set_secret_state(
        &mut self,
        id: SecretId,
        state: SecretState,
    ) -> Result<(), StoreError> {
        if matches!(state, SecretState::Revoked { .. }) {
            self.revoked.push(Revoked::Secret(id));
        } else {
            self.turned.push(id);
        }
        secret::set_state(&mut self.inner, id, state).await?;
        for deployed in admission::deployments_of(&mut self.inner, id).await? {
            self.refresh(&deployed).await?;
        }
        Ok(())
    }

    async fn reseal_secret(&mut self, id: SecretId, sealed: &[u8]) -> Result<(), StoreError> {
        secret::reseal(&mut self.inner, id, sealed).await
    }

    async fn set_proven_fingerprint(
        &mut self,
        id: SecretId,
        fingerprint: &Fingerprint,
    ) -> Result<(), StoreError> {
        secret::set_proven_fingerprint(&mut self.inner, id, fingerprint).await
    }

    async fn set_override(
        &mut self,
        credential: CredentialId,
        group: GroupId,
        wanted: Option<bool>,
    ) -> Result<(), StoreError> {
        deployment::set_override(&mut self.inner, credential, group, wanted).await
    }

    async fn mark_leaked(&mut self, id: SecretId, at: Timestamp) -> Result<(), StoreError> {
        secret::mark_leaked(&mut self.inner, id, at).await
    }

    async fn insert_leak(&mut self, report: &Leak) -> Result<(), StoreError> {
        leak::insert(&mut self.inner, report).await
    }

    async fn deploy(&mut self, deployed: &Deployed, id: CredentialId) -> Result<(), StoreError> {
        self.note(deployed.group, Note::Secret(deployed.digest));
        let ahead = self.ahead(deployed.group);
        admission::deploy(&mut self.inner, deployed, id, ahead).await
    }

    async fn withdraw(&mut self, group: GroupId, digest: &[u8; 16]) -> Result<(), StoreError> {
        self.note(group, Note::Secret(*digest));
        let ahead = self.ahead(group);
        deployment::note_withdrawal(&mut self.inner, group, digest, ahead).await?;
        admission::withdraw(&mut self.inner, group, digest).await
    }

    async fn insert_group(
        &mut self,
        group: &GatewayGroup,
        key: &SealedDigestKey,
    ) -> Result<(), StoreError> {
        self.new_groups.insert(group.id);
        gateway::insert_group(&mut self.inner, group, key).await
    }

    async fn delete_group(&mut self, id: GroupId) -> Result<(), StoreError> {
        self.notes.forget_group(id);
        forgetting::delete_of_group(&mut self.inner, id).await?;
        gateway::delete_group(&mut self.inner, id).await
    }

    async fn prune(&mut self, prune: Prune) -> Result<(), StoreError> {
        log::prune(&mut self.inner, prune.changes_before).await?;
        idempotency::prune(&mut self.inner, prune.requests_before).await?;
        forgetting::prune(&mut self.inner, prune).await
    }

    async fn pending_revision(&mut self) -> Result<Option<u64>, StoreError> {
        log::pending_revision(&mut self.inner, &self.notes).await
    }

    async fn commit(self: Box<Self>, stamp: Stamp) -> Result<u64, StoreError> {
        // In a task of its own: a caller that gives up between the commit and the wake-up would leave feeds waiting.
        tokio::spawn(self.finish(stamp))
            .await
            .map_err(|_| StoreError::Interrupted)?
    }
}

#[async_trait]
impl UsageWrites for SqlTransaction {
    async fn add_usage(
        &mut self,
        secrets: &[UsageCount],
        days: &[DayCount],
        used: &[CredentialId],
    ) -> Result<(), StoreError> {
        usage::add(&mut self.inner, secrets, days, used).await
    }

    async fn add_lost_usage(&mut self, lost: &LostUsage) -> Result<(), StoreError> {
        usage::add_lost(&mut self.inner, lost).await
    }

    async fn put_applied_batch(&mut self, applied: &AppliedBatch) -> Result<(), StoreError> {
        usage::put_applied(&mut self.inner, applied).await
    }

    async fn prune_usage_days(&mut self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        forgetting::prune_days(&mut self.inner, before, most).await
    }
}
