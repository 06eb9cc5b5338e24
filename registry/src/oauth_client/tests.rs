//! Claims about credentials that are OAuth clients.

use super::*;
use crate::{
    caller::Caller,
    credential::{self, CredentialPatch, Issued, NewCredential, NewSecret},
    error::{Conflict, Error, InvalidField},
    ids::{ApplicationId, CredentialId},
    oauth::TokenFormat,
    provider::{
        Operation, Provider, ProviderKind,
        reconcile::{Finding, FindingKind, Reconciliation, Repair, reconcile},
        worker,
    },
    testing::{
        HOUR, World,
        follower::Follower,
        registrar::{Fate, Scripted},
    },
    token::Role,
};

mod audit;
mod builtin;
mod crash;
mod cut_off;
mod failure;
mod link;
mod managed;
mod reconcile;

const ISSUER: &str = "https://id.example";

/// A provider that is never called.
async fn provider(world: &World, name: &str) -> Provider {
    let env = &world.env;
    let provider = Provider {
        id: ProviderId::generate(env.now(), env.entropy.as_ref()).unwrap(),
        name: name.to_owned(),
        kind: ProviderKind::Oidc,
        issuer: Some(ISSUER.to_owned()),
        description: String::new(),
        enabled: true,
        configuration: "{}".to_owned(),
        sealed: None,
        created_at: env.now(),
        updated_at: env.now(),
        version: 1,
    };
    let mut write = env.store.write().await.unwrap();
    write.insert_provider(&provider).await.unwrap();
    env.commit(write).await.unwrap();
    provider
}

fn planned(application: ApplicationId, name: &str) -> NewCredential {
    World::new_credential(application, name, NewSecret::Registered)
}

async fn link(world: &World, application: ApplicationId, client: &str) -> Result<Issued, Error> {
    let caller = world.caller();
    link_as(world, caller, planned(application, client), client).await
}

async fn link_as(
    world: &World,
    caller: Caller,
    new: NewCredential,
    client: &str,
) -> Result<Issued, Error> {
    let client = NewClient {
        provider: Some("elsewhere".to_owned()),
        wanted: Wanted::External {
            client_id: client.to_owned(),
            client_secret: None,
        },
    };
    let created = create(&world.env, caller, (new, client), None).await?;
    Ok(created.value)
}

/// Since when the gateway accepts tokens of the client, if it does.
async fn accepted_since(world: &World, gateway: &mut Follower, client: &str) -> Option<u64> {
    gateway.catch_up(&world.feed).await;
    let found = gateway.by_client(ISSUER, client)?;
    let application = gateway.applications.get(&found.application)?;
    (found.enabled && application.enabled).then_some(found.tokens_valid_from)
}

/// A registry with an application, and a provider that does as it is told.
struct Desk {
    world: World,
    provider: Scripted,
    application: ApplicationId,
}

impl Desk {
    async fn new() -> Self {
        let mut world = World::new().await;
        let scripted = Scripted::default();
        world.env.registrars = std::sync::Arc::new(scripted.clone());
        provider(&world, "elsewhere").await;
        let application = world.application("shop").await;
        Self {
            world,
            provider: scripted,
            application,
        }
    }

    async fn create(&self, name: &str) -> Result<Issued, Error> {
        let (new, client) = self.wanted(name);
        let caller = self.world.caller();
        let created = create(&self.world.env, caller, (new, client), None).await?;
        Ok(created.value)
    }

    fn wanted(&self, name: &str) -> (NewCredential, NewClient) {
        let mut new = planned(self.application, name);
        new.scopes = vec!["read".to_owned()];
        let metadata = metadata::ClientMetadata {
            grant_types: vec!["client_credentials".to_owned()],
            ..metadata::ClientMetadata::default()
        };
        let client = NewClient {
            provider: Some("elsewhere".to_owned()),
            wanted: Wanted::Managed(Box::new(metadata), None),
        };
        (new, client)
    }

    async fn rotate(&self, id: CredentialId, grace: std::time::Duration) -> Result<Issued, Error> {
        let next = credential::RotatedSecret::Generated { username: None };
        self.world.rotate(id, grace, next).await
    }

    async fn rename(
        &self,
        id: CredentialId,
        name: &str,
    ) -> Result<credential::CredentialDetail, Error> {
        let metadata = metadata::ClientMetadata {
            client_name: Some(name.to_owned()),
            grant_types: vec!["client_credentials".to_owned()],
            ..metadata::ClientMetadata::default()
        };
        let what = (CredentialPatch::default(), metadata, None);
        let world = &self.world;
        let updated = update(&world.env, world.caller(), id, None, what).await?;
        Ok(updated.value)
    }

    /// What is to be done at the provider.
    async fn operations(&self) -> Vec<Operation> {
        let mut read = self.world.env.store.read().await.unwrap();
        let provider = read.provider_named("elsewhere").await.unwrap().unwrap();
        read.operations_at(provider.id, None, 100).await.unwrap()
    }

    /// What registries do by themselves, an hour and more of it.
    async fn later(&self) {
        for _ in 0..16 {
            self.world.clock.advance(std::time::Duration::from_mins(10));
            self.world.sweep().await;
            worker::work(&self.world.env).await.unwrap();
        }
    }

    /// Every client at the provider is a credential's, and the other way round.
    async fn agrees(&self) {
        assert_eq!(self.operations().await, [], "nothing is left to be done");
        let mut read = self.world.env.store.read().await.unwrap();
        let provider = read.provider_named("elsewhere").await.unwrap().unwrap();
        let known = read.oauth_clients_at(provider.id, None, 100).await.unwrap();
        let mut known: Vec<String> = known.into_iter().map(|one| one.client_id).collect();
        known.sort();
        let there: Vec<String> = self.provider.clients().into_keys().collect();
        assert_eq!(known, there);
    }
}

fn id(issued: &Issued) -> CredentialId {
    issued.detail.credential.id
}

/// The name of the client that the credential has now.
fn client_id(issued: &Issued) -> &str {
    let current = issued
        .detail
        .secrets
        .iter()
        .find(|one| one.retiring_until.is_none());
    let current = current.unwrap().id;
    let clients = &issued.detail.clients;
    &clients
        .iter()
        .find(|one| one.secret == current)
        .unwrap()
        .client_id
}
