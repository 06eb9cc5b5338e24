//! Writing the credentials of a seed.

use std::{
    fs::{self, Permissions},
    io::{BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::Duration,
};

use filter_core::{digest::Digester, feed::Issuer};
use registry::{
    application::{Application, DefaultKey, Reach},
    clock::{Clock as _, SystemClock, Timestamp},
    credential::{Credential, Deploy, SecretType},
    entropy::{Entropy as _, SystemEntropy},
    gateway::DEFAULT_GROUP,
    ids::{ApplicationId, CredentialId, GroupId, OrganizationId, ProviderId, SecretId},
    label::Labels,
    password::{Cost, PasswordHasher},
    provider::{Provider, ProviderKind},
    scope::Scopes,
    sealing::Sealer,
    secret::{Part, Secret, SecretState},
    secret_policy::SecretPolicy,
    secrets::{Keys, MasterKey},
    store::{Deployed, Prune, Stamp, Store as _, WriteTransaction, sql::SqlStore},
};
use serde_json::json;

use self::mint::Minted;
use super::{Kind, PER_APPLICATION, secret_file, write_secret};
use crate::report::{Failed, progress};

mod mint;

/// Bearer tokens must end; these end long after the benchmark.
const LIFETIME: Duration = Duration::from_hours(24 * 3650);

/// Makes a data folder with this many credentials, and a file with their secrets.
pub(super) async fn fill(
    data: &Path,
    secrets: &Path,
    kind: Kind,
    credentials: usize,
    issuer: Option<Issuer>,
) -> Result<(), Failed> {
    fs::set_permissions(data, Permissions::from_mode(0o700))?;
    let master = MasterKey::generate(&SystemEntropy)?;
    write_secret(&data.join("master.key"), &master.to_text())?;
    let keys = Keys::derive(&master);
    let database = data.join("keysmith.db");
    drop(secret_file(&database)?);
    let store = SqlStore::open_sqlite(&database, &keys, SystemClock.now(), &SystemEntropy).await?;
    let place = Place::find(&store, keys, master.sealer(), credentials).await?;
    if let Some(issuer) = issuer {
        let mut write = store.write().await?;
        write.insert_provider(&provider_of(&issuer)?).await?;
        write.put_issuer(&issuer).await?;
        write.commit(stamp()?).await?;
    }
    let mut secrets = BufWriter::new(secret_file(secrets)?);
    let mut made = 0;
    while made < credentials {
        let wanted = PER_APPLICATION.min(credentials - made);
        let mut write = store.write().await?;
        let application = place.application(write.as_mut(), made).await?;
        for number in made..made + wanted {
            let secret = place
                .credential(write.as_mut(), &application, kind, number)
                .await?;
            writeln!(secrets, "{secret}")?;
        }
        write.commit(stamp()?).await?;
        made += wanted;
        progress(&format!("seeded {made} of {credentials}"));
    }
    secrets.flush()?;
    forget_changes(&store).await?;
    store.close().await;
    Ok(())
}

/// An issuer that no provider has is one whose tokens are refused. Its keys stay as they are, because the policy on addresses
/// keeps the registry from fetching others there.
fn provider_of(issuer: &Issuer) -> Result<Provider, Failed> {
    let now = SystemClock.now();
    let nowhere = "http://127.0.0.1:9";
    let configuration = json!({
        "base_url": nowhere, "dialect": "api7", "tokens": {"jwks_uri": format!("{nowhere}/keys")},
    });
    Ok(Provider {
        id: ProviderId::generate(now, &SystemEntropy)?,
        name: "bench".to_owned(),
        kind: ProviderKind::HttpBridge,
        issuer: Some(issuer.name.clone()),
        description: String::new(),
        enabled: true,
        configuration: configuration.to_string(),
        sealed: None,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

/// A registry with that many credentials has not made them within the time for which changes are kept.
async fn forget_changes(store: &SqlStore) -> Result<(), Failed> {
    let mut write = store.write().await?;
    let after_all = SystemClock.now().after(Duration::from_hours(1));
    write
        .prune(Prune {
            changes_before: after_all,
            requests_before: after_all,
            batches_before: after_all,
            lost_before: after_all,
        })
        .await?;
    write.commit(stamp()?).await?;
    Ok(())
}

fn stamp() -> Result<Stamp, Failed> {
    Ok(Stamp {
        change_id: random()?,
        at: SystemClock.now(),
    })
}

fn random<const N: usize>() -> Result<[u8; N], Failed> {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Where the credentials go, and what they are made with.
struct Place {
    organization: OrganizationId,
    group: GroupId,
    keys: Keys,
    sealer: Sealer,
    digester: Digester,
    hasher: PasswordHasher,
    policy: SecretPolicy,
    /// When the first credential was made.
    began: Timestamp,
}

impl Place {
    async fn find(
        store: &SqlStore,
        keys: Keys,
        sealer: Sealer,
        credentials: usize,
    ) -> Result<Self, Failed> {
        let taken = Duration::from_millis(u64::try_from(credentials)?);
        let mut read = store.read().await?;
        let groups = read.groups().await?;
        let group = groups.iter().find(|group| group.name == DEFAULT_GROUP);
        let group = group.ok_or("there is no group")?.id;
        let of_groups = read.digest_keys().await?;
        let of_group = of_groups.iter().find(|key| key.group == group);
        let digest_key = of_group.ok_or("the group has no key")?.open(&keys)?;
        Ok(Self {
            organization: read.default_organization().await?.id,
            group,
            keys,
            sealer,
            digester: Digester::new(&digest_key),
            hasher: PasswordHasher::new(Cost::default())?,
            policy: SecretPolicy::default(),
            began: SystemClock.now().before(taken),
        })
    }

    /// When the credential with this number was made: one after the other, so that their ids, which begin with the time,
    /// lie in the database as they do after a long life.
    fn at(&self, number: usize) -> Timestamp {
        let millis = u64::try_from(number).unwrap_or(u64::MAX);
        self.began.after(Duration::from_millis(millis))
    }

    /// Keeps a new application, for the credentials from this number on.
    async fn application(
        &self,
        write: &mut dyn WriteTransaction,
        first: usize,
    ) -> Result<Application, Failed> {
        let now = self.at(first);
        let number = write.next_application_number().await?;
        let application = Application {
            id: ApplicationId::generate(now, &SystemEntropy)?,
            organization: self.organization,
            owner: None,
            number,
            name: format!("application-{number}"),
            // It would go upstream in a header that nothing else here sets.
            custom_id: None,
            description: String::new(),
            labels: Labels::default(),
            scopes: Scopes::default(),
            reach: Reach::Automatic,
            enabled: true,
            default_key: DefaultKey::None,
            default_credential: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        write.insert_application(&application).await?;
        write.admit(self.group, &application).await?;
        Ok(application)
    }

    /// Keeps a new credential, and returns its secret.
    async fn credential(
        &self,
        write: &mut dyn WriteTransaction,
        application: &Application,
        kind: Kind,
        number: usize,
    ) -> Result<String, Failed> {
        let (now, minted) = (self.at(number), self.mint(kind, number)?);
        let id = CredentialId::generate(now, &SystemEntropy)?;
        let credential = Credential {
            id,
            organization: self.organization,
            application: application.id,
            kind: kind.credential_type(),
            name: format!("credential-{number}"),
            identifier: id.to_string(),
            username: minted.username.clone(),
            description: String::new(),
            labels: Labels::default(),
            enabled: true,
            not_before: None,
            expires_at: (kind == Kind::BearerTokens).then(|| now.after(LIFETIME)),
            scopes: Scopes::default(),
            deploy: Deploy::Automatic,
            is_paired: false,
            secret_type: SecretType::Hashed,
            secret_version: 1,
            tokens_valid_from: None,
            rotate_every: None,
            rotated_at: now,
            last_used_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        write.insert_credential(&credential).await?;
        let secret = self.keep(write, id, &minted, now).await?;
        let deployed = Deployed {
            group: self.group,
            digest: self.digester.digest(&minted.lookup).0,
            secret,
            paired: None,
            key_version: 1,
            token: None,
        };
        write.deploy(&deployed, id).await?;
        if let Some(username) = &minted.username {
            write.claim_username(username, id).await?;
        }
        Ok(minted.shown)
    }

    async fn keep(
        &self,
        write: &mut dyn WriteTransaction,
        credential: CredentialId,
        minted: &Minted,
        now: Timestamp,
    ) -> Result<SecretId, Failed> {
        let id = SecretId::generate(now, &SystemEntropy)?;
        let secret = Secret {
            id,
            organization: self.organization,
            credential,
            version: 1,
            part: Part::Value,
            state: SecretState::Current,
            origin: minted.origin,
            username: minted.username.clone(),
            sealed: minted.material.seal(id, &self.sealer, &SystemEntropy)?,
            fingerprint: minted.material.fingerprint(&self.keys),
            display: minted.display.clone(),
            recoverable: None,
            leaked_at: None,
            end_after_silence: None,
            created_at: now,
        };
        write.insert_secret(&secret).await?;
        Ok(id)
    }
}
