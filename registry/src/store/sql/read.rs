//! The verbs that read, each handed to the file of its table.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    SqlTransaction, admission, application, credential, deployment, export, feed, gateway,
    installation, log, search, secret, usage, username,
};
use crate::{
    application::{Application, ApplicationQuery},
    clock::Timestamp,
    credential::{Credential, CredentialFilter, CredentialQuery, Order, PlaceInOrder},
    export::Exported,
    gateway::GatewayGroup,
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId, SecretId},
    organization::Organization,
    owner::Owner,
    scope::Scopes,
    secret::Secret,
    secrets::Fingerprint,
    store::{
        ApplicationRow, ChangeRow, CommittedChange, CredentialRange, Deployed, DeploymentReads,
        FeedReads, Head, Override, PasswordRow, Positions, ReadTransaction, RenderedCredential,
        SealedDigestKey, StoreError, UsageReads,
    },
    usage::{Day, DayCount, LostUsage, Reported, UsageCount},
};

#[async_trait]
impl ReadTransaction for SqlTransaction {
    async fn default_organization(&mut self) -> Result<Organization, StoreError> {
        installation::default_organization(&mut self.inner).await
    }

    async fn application(&mut self, id: ApplicationId) -> Result<Option<Application>, StoreError> {
        application::get(&mut self.inner, id).await
    }

    async fn applications(
        &mut self,
        organization: OrganizationId,
        query: &ApplicationQuery,
    ) -> Result<Vec<Application>, StoreError> {
        application::list(&mut self.inner, organization, query).await
    }

    async fn applications_from(
        &mut self,
        organization: OrganizationId,
        skipped: usize,
        limit: usize,
    ) -> Result<Vec<Application>, StoreError> {
        application::list_from(&mut self.inner, organization, skipped, limit).await
    }

    async fn every_application(
        &mut self,
        after: Option<ApplicationId>,
        limit: usize,
    ) -> Result<Vec<Application>, StoreError> {
        application::every(&mut self.inner, after, limit).await
    }

    async fn name_owner(&mut self, name: &str) -> Result<Option<OrganizationId>, StoreError> {
        application::name_owner(&mut self.inner, name).await
    }

    async fn application_named(&mut self, name: &str) -> Result<Option<ApplicationId>, StoreError> {
        application::named(&mut self.inner, name).await
    }

    async fn applications_listing(
        &mut self,
        group: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        application::listing(&mut self.inner, group, limit).await
    }

    async fn groups_admitting(
        &mut self,
        application: ApplicationId,
    ) -> Result<Vec<GroupId>, StoreError> {
        admission::groups_admitting(&mut self.inner, application).await
    }

    async fn credential(&mut self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        credential::get(&mut self.inner, id).await
    }

    async fn credentials(
        &mut self,
        application: ApplicationId,
        query: CredentialQuery,
    ) -> Result<Vec<Credential>, StoreError> {
        credential::list(&mut self.inner, application, query).await
    }

    async fn credentials_beyond(
        &mut self,
        application: ApplicationId,
        scopes: &Scopes,
        limit: usize,
    ) -> Result<Vec<CredentialId>, StoreError> {
        credential::beyond(&mut self.inner, application, scopes, limit).await
    }

    async fn credential_named(
        &mut self,
        application: ApplicationId,
        name: &str,
    ) -> Result<Option<CredentialId>, StoreError> {
        credential::named(&mut self.inner, application, name).await
    }

    async fn credential_identified(
        &mut self,
        application: ApplicationId,
        identifier: &str,
    ) -> Result<Option<CredentialId>, StoreError> {
        credential::identified(&mut self.inner, application, identifier).await
    }

    async fn username_owner(&mut self, username: &str) -> Result<Option<CredentialId>, StoreError> {
        username::owner(&mut self.inner, username).await
    }

    async fn unrevoked_secrets(
        &mut self,
        credential: CredentialId,
    ) -> Result<Vec<Secret>, StoreError> {
        secret::unrevoked(&mut self.inner, credential).await
    }

    async fn unrevoked_secrets_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<Secret>, StoreError> {
        secret::unrevoked_of_many(&mut self.inner, application, range).await
    }

    async fn unrevoked_secrets_of_many(
        &mut self,
        credentials: &[CredentialId],
    ) -> Result<Vec<Secret>, StoreError> {
        search::unrevoked_secrets(&mut self.inner, credentials).await
    }

    async fn search_credentials(
        &mut self,
        filter: &CredentialFilter,
        order: Order,
        after: Option<&PlaceInOrder>,
        limit: usize,
    ) -> Result<Vec<Credential>, StoreError> {
        search::search(&mut self.inner, filter, order, after, limit).await
    }

    async fn fingerprint_owner(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<SecretId>, StoreError> {
        secret::fingerprint_owner(&mut self.inner, fingerprint).await
    }

    async fn secret_known_by(
        &mut self,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Secret>, StoreError> {
        secret::known_by(&mut self.inner, fingerprint).await
    }

    async fn credentials_for_export(
        &mut self,
        organization: OrganizationId,
        owner: Option<Owner>,
        after: Option<CredentialId>,
        limit: usize,
    ) -> Result<Vec<Exported>, StoreError> {
        export::list(&mut self.inner, organization, owner, after, limit).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<CredentialId>, StoreError> {
        credential::due(&mut self.inner, now, limit).await
    }

    async fn groups(&mut self) -> Result<Vec<GatewayGroup>, StoreError> {
        gateway::groups(&mut self.inner).await
    }

    async fn digest_keys(&mut self) -> Result<Vec<SealedDigestKey>, StoreError> {
        gateway::digest_keys(&mut self.inner).await
    }

    async fn passwords(
        &mut self,
        group: GroupId,
        username: &str,
    ) -> Result<Vec<PasswordRow>, StoreError> {
        secret::passwords(&mut self.inner, group, username).await
    }
}

#[async_trait]
impl DeploymentReads for SqlTransaction {
    async fn deployed(&mut self, credential: CredentialId) -> Result<Vec<Deployed>, StoreError> {
        admission::deployed(&mut self.inner, credential).await
    }

    async fn digest_owner(
        &mut self,
        group: GroupId,
        digest: &[u8; 16],
    ) -> Result<Option<CredentialId>, StoreError> {
        admission::digest_owner(&mut self.inner, group, digest).await
    }

    async fn deployed_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<(CredentialId, Deployed)>, StoreError> {
        admission::deployed_of_many(&mut self.inner, application, range).await
    }

    async fn overrides(&mut self, credential: CredentialId) -> Result<Vec<Override>, StoreError> {
        deployment::overrides(&mut self.inner, credential).await
    }

    async fn overrides_of(
        &mut self,
        application: ApplicationId,
        range: CredentialRange,
    ) -> Result<Vec<(CredentialId, Override)>, StoreError> {
        deployment::overrides_of_many(&mut self.inner, application, range).await
    }

    async fn is_wanted(
        &mut self,
        application: ApplicationId,
        group: GroupId,
    ) -> Result<bool, StoreError> {
        deployment::is_wanted(&mut self.inner, application, group).await
    }

    async fn positions(
        &mut self,
        credential: CredentialId,
        application: ApplicationId,
    ) -> Result<Positions, StoreError> {
        deployment::positions(&mut self.inner, credential, application).await
    }

    async fn admitted_at(
        &mut self,
        application: ApplicationId,
    ) -> Result<BTreeMap<GroupId, u64>, StoreError> {
        deployment::admitted_at(&mut self.inner, application).await
    }
}

#[async_trait]
impl UsageReads for SqlTransaction {
    async fn usage(&mut self, credentials: &[CredentialId]) -> Result<Vec<UsageCount>, StoreError> {
        usage::of(&mut self.inner, credentials).await
    }

    async fn usage_days(
        &mut self,
        credential: CredentialId,
        from: Day,
    ) -> Result<Vec<DayCount>, StoreError> {
        usage::days(&mut self.inner, credential, from).await
    }

    async fn ending_by_silence(&mut self) -> Result<Vec<CredentialId>, StoreError> {
        usage::ending_by_silence(&mut self.inner).await
    }

    async fn lost_usage(&mut self, since: Timestamp) -> Result<Vec<LostUsage>, StoreError> {
        usage::lost(&mut self.inner, since).await
    }

    async fn reported(
        &mut self,
        group: GroupId,
        credentials: &[CredentialId],
    ) -> Result<Vec<Reported>, StoreError> {
        usage::reported(&mut self.inner, group, credentials).await
    }

    async fn lanes(&mut self, group: GroupId, most: u64) -> Result<u64, StoreError> {
        usage::lanes(&mut self.inner, group, most).await
    }

    async fn applied_batch(
        &mut self,
        group: GroupId,
        instance: &[u8; 16],
        lane: u8,
    ) -> Result<Option<u64>, StoreError> {
        usage::applied(&mut self.inner, group, instance, lane).await
    }
}

#[async_trait]
impl FeedReads for SqlTransaction {
    async fn head(&mut self) -> Result<Head, StoreError> {
        let head = log::head(&mut self.inner).await?;
        self.heads.has_read(head.revision, head.change_id);
        Ok(head)
    }

    async fn change_id(&mut self, revision: u64) -> Result<Option<[u8; 16]>, StoreError> {
        log::change_id(&mut self.inner, revision).await
    }

    async fn change(&mut self, revision: u64) -> Result<Option<CommittedChange>, StoreError> {
        log::change(&mut self.inner, revision).await
    }

    async fn committed_at(&mut self, revision: u64) -> Result<Option<Timestamp>, StoreError> {
        log::committed_at(&mut self.inner, revision).await
    }

    async fn commits_of(
        &mut self,
        group: GroupId,
        after: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Timestamp)>, StoreError> {
        log::commits_of(&mut self.inner, group, (after, to), limit).await
    }

    async fn group_changes(
        &mut self,
        group: GroupId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        feed::changes(&mut self.inner, group, after, limit).await
    }

    async fn group_applications(
        &mut self,
        group: GroupId,
        from_bucket: u16,
        limit: usize,
    ) -> Result<Vec<ApplicationRow>, StoreError> {
        feed::applications(&mut self.inner, group, from_bucket, limit).await
    }

    async fn group_credentials(
        &mut self,
        group: GroupId,
        from_digest: &[u8; 16],
        limit: usize,
    ) -> Result<Vec<RenderedCredential>, StoreError> {
        feed::credentials(&mut self.inner, group, from_digest, limit).await
    }
}
