//! What is shown of credentials: with their living secrets, and what they are used for.

use std::collections::BTreeMap;

use super::{Credential, CredentialDetail, CredentialType};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::CredentialId,
    secret::{Part, Secret},
    store::ReadTransaction,
    usage::{Contender, Grace, SecretUse, UsageCount, UsageTotals},
};

/// Shows some credentials, with as many reads as for one.
pub(super) async fn details(
    env: &Environment,
    read: &mut dyn ReadTransaction,
    credentials: Vec<Credential>,
) -> Result<Vec<CredentialDetail>, Error> {
    let now = env.now();
    let ids: Vec<CredentialId> = credentials.iter().map(|one| one.id).collect();
    let mut secrets: BTreeMap<CredentialId, Vec<Secret>> = BTreeMap::new();
    for secret in read.unrevoked_secrets_of_many(&ids).await? {
        secrets.entry(secret.credential).or_default().push(secret);
    }
    let mut counts: BTreeMap<CredentialId, Vec<UsageCount>> = BTreeMap::new();
    for one in read.usage(&ids).await? {
        counts.entry(one.credential).or_default().push(one);
    }
    let shown = credentials.into_iter().map(|credential| {
        let secrets = secrets.remove(&credential.id).unwrap_or_default();
        let counts = counts.remove(&credential.id).unwrap_or_default();
        CredentialDetail::new(env, credential, &secrets, now).with_usage(&counts, now)
    });
    let mut details = Vec::with_capacity(ids.len());
    for detail in shown {
        details.push(detail.with_clients(read).await?);
    }
    Ok(details)
}

impl CredentialDetail {
    /// The same with what its secrets are at identity providers. Costs a read for an OAuth client, and nothing for others.
    pub(crate) async fn with_clients(
        mut self,
        read: &mut dyn ReadTransaction,
    ) -> Result<Self, Error> {
        if self.credential.kind == CredentialType::OauthClient {
            self.clients = read.oauth_clients_of(self.credential.id).await?;
        }
        Ok(self)
    }

    /// The same with what its credential was used for.
    #[must_use]
    pub(super) fn with_usage(mut self, counts: &[UsageCount], now: Timestamp) -> Self {
        let is_paired = self.credential.is_paired;
        self.usage = UsageTotals::of(counts);
        for secret in &mut self.secrets {
            secret.uses = SecretUse::of_secret(counts, is_paired, secret.part, secret.version);
        }
        let grace = |part: Part| {
            let secrets = self.secrets.iter().filter(|secret| secret.part == part);
            let contenders: Vec<Contender> = secrets
                .map(|secret| Contender {
                    retiring_until: secret.retiring_until,
                    created_at: secret.created_at,
                    uses: secret.uses,
                })
                .collect();
            Grace::of(&contenders, now)
        };
        self.grace = match (grace(Part::Value), grace(Part::Shared)) {
            (Some(value), Some(shared)) => Some(value.or_worse(shared)),
            (value, shared) => value.or(shared),
        };
        self
    }
}
