//! A client of the built-in authorization server, whose access tokens are opaque.

use super::World;
use crate::{
    credential::NewSecret,
    ids::CredentialId,
    oauth::{
        TokenFormat,
        access_token::AccessToken,
        authenticate::Presented,
        client::CLIENT_CREDENTIALS,
        desk::Desk,
        error::OauthError,
        inspect::{self, Active},
        token::{self, TokenRequest},
        upkeep,
    },
    oauth_client::{self, NewClient, Wanted, metadata::ClientMetadata},
    provider,
    secrets::SecretText,
};

const ADDRESS: &str = "192.0.2.1";

/// The client.
pub(crate) struct Client {
    pub(crate) credential: CredentialId,
    pub(crate) desk: Desk,
    name: String,
    secret: SecretText,
}

impl Client {
    /// Of an application of its own, with the scopes `read` and `write`.
    pub(crate) async fn new(world: &World, name: &str) -> Self {
        let env = &world.env;
        provider::adopt(env).await.unwrap();
        upkeep::tend(env).await.unwrap();
        let application = world.application(name).await;
        let mut new = World::new_credential(application, name, NewSecret::Registered);
        new.scopes = vec!["read".to_owned(), "write".to_owned()];
        let metadata = ClientMetadata {
            grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
            ..ClientMetadata::default()
        };
        let client = NewClient {
            provider: None,
            wanted: Wanted::Managed(Box::new(metadata), Some(TokenFormat::Opaque)),
        };
        let issued = oauth_client::create(env, world.caller(), (new, client), None).await;
        let issued = issued.unwrap().value;
        Self {
            credential: issued.detail.credential.id,
            desk: Desk::new(1000),
            name: issued.detail.clients[0].client_id.clone(),
            secret: issued.secret.unwrap(),
        }
    }

    fn presented(&self) -> Presented {
        Presented::Basic {
            client_id: self.name.clone(),
            secret: self.secret.clone(),
        }
    }

    /// Asks for a token, with these members besides those that each request has.
    pub(crate) async fn ask(
        &self,
        world: &World,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<AccessToken, OauthError> {
        let request = TokenRequest {
            grant_type: CLIENT_CREDENTIALS.to_owned(),
            scope: scope.map(ToOwned::to_owned),
            resources: resources.iter().map(ToString::to_string).collect(),
            presented: self.presented(),
            source: ADDRESS.to_owned(),
        };
        token::issue(&world.env, &self.desk, request).await
    }

    /// A token for all that it may.
    pub(crate) async fn token(&self, world: &World) -> SecretText {
        self.ask(world, None, &[]).await.unwrap().text
    }

    /// What it is told of a token.
    pub(crate) async fn introspect(&self, world: &World, token: &SecretText) -> Option<Active> {
        let who = (&self.presented(), ADDRESS);
        inspect::introspect(&world.env, &self.desk, who, token.expose())
            .await
            .unwrap()
    }

    /// Revokes a token.
    pub(crate) async fn revoke(&self, world: &World, token: &SecretText) {
        let who = (&self.presented(), ADDRESS);
        let done = inspect::revoke(&world.env, &self.desk, who, token.expose());
        done.await.unwrap();
    }
}
