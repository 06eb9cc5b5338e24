//! Claims about clients that register and manage themselves.

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    credential,
    ids::ProviderId,
    provider::{Provider, ProviderKind},
    secrets::SecretText,
    testing::{HOUR, World},
};

const AT_HOME: &str = "https://keys.example";

struct Desk {
    world: World,
    token: RegistrationToken,
    text: SecretText,
}

impl Desk {
    /// The built-in authorization server, and a token for two clients that may read.
    async fn new() -> Self {
        let world = World::new().await;
        builtin(&world).await;
        let application = world.application("billing").await;
        let new = NewRegistrationToken {
            application,
            scopes: Some(vec!["read".to_owned()]),
            description: String::new(),
            clients: 2,
            expires_at: Some(world.env.now().after(HOUR)),
        };
        let made = create(&world.env, world.caller(), new, None).await;
        let (token, text) = made.unwrap();
        Self { world, token, text }
    }

    async fn register(&self, body: Value) -> Result<RegisteredClient, Refusal> {
        let presented = presented(&self.text);
        register(&self.world.env, presented, object(&body)).await
    }

    async fn registered(&self) -> RegisteredClient {
        let body = json!({"client_name": "reports"});
        self.register(body).await.unwrap()
    }

    async fn update(
        &self,
        client: &RegisteredClient,
        body: Value,
    ) -> Result<RegisteredClient, Refusal> {
        let presented = presented(&client.access_token);
        let id = &client.client_id;
        update(&self.world.env, presented, id, object(&body)).await
    }

    async fn read(&self, client: &RegisteredClient) -> Result<RegisteredClient, Refusal> {
        let presented = presented(&client.access_token);
        read(&self.world.env, presented, &client.client_id).await
    }

    async fn used(&self) -> u32 {
        let tokens = list(&self.world.env, self.world.caller()).await.unwrap();
        tokens[0].registered
    }

    async fn credentials(&self) -> Vec<credential::Credential> {
        let mut read = self.world.env.store.read().await.unwrap();
        let query = credential::CredentialQuery {
            after: None,
            limit: 10,
        };
        let found = read.credentials(self.token.application, query).await;
        found.unwrap()
    }
}

async fn builtin(world: &World) {
    let env = &world.env;
    let mut write = env.store.write().await.unwrap();
    if write.provider_named("builtin").await.unwrap().is_none() {
        let provider = Provider {
            id: ProviderId::generate(env.now(), env.entropy.as_ref()).unwrap(),
            name: "builtin".to_owned(),
            kind: ProviderKind::Builtin,
            issuer: Some(AT_HOME.to_owned()),
            description: String::new(),
            enabled: true,
            configuration: "{}".to_owned(),
            sealed: None,
            created_at: env.now(),
            updated_at: env.now(),
            version: 1,
        };
        write.insert_provider(&provider).await.unwrap();
    }
    env.commit(write).await.unwrap();
}

fn presented(text: &SecretText) -> Presented<'_> {
    Presented {
        token: text.expose(),
        address: None,
    }
}

fn object(body: &Value) -> Map<String, Value> {
    body.as_object().cloned().unwrap()
}

#[track_caller]
fn is_refused<T: std::fmt::Debug>(result: Result<T, Refusal>, code: Code) {
    match result {
        Err(Refusal::Refused { code: found, .. }) => assert_eq!(found, code),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_nobody<T: std::fmt::Debug>(result: &Result<T, Refusal>) {
    assert!(matches!(result, Err(Refusal::Unauthorized)), "{result:?}");
}

#[tokio::test]
async fn a_client_becomes_a_credential_of_the_tokens_application_with_its_scopes() {
    let desk = Desk::new().await;
    let client = desk.registered().await;
    assert!(client.has_secret && client.client_secret.is_some());
    assert!(client.access_token.expose().starts_with("ks_rt_"));
    assert_eq!(client.metadata.scope.as_deref(), Some("read"));
    assert_eq!(client.metadata.client_name.as_deref(), Some("reports"));
    let [credential] = desk.credentials().await.try_into().unwrap();
    assert_eq!(credential.scopes.iter().collect::<Vec<_>>(), ["read"]);
    assert_eq!(desk.used().await, 1);
    let read = desk.read(&client).await.unwrap();
    assert_eq!(read.metadata, client.metadata);
    assert!(read.client_secret.is_none(), "it is not kept");
}

#[tokio::test]
async fn a_token_registers_as_many_clients_as_it_says_and_while_it_lasts() {
    let desk = Desk::new().await;
    desk.registered().await;
    desk.registered().await;
    is_nobody(&desk.register(json!({})).await);
    assert_eq!(desk.credentials().await.len(), 2);
    let later = Desk::new().await;
    later.world.clock.advance(HOUR);
    is_nobody(&later.register(json!({})).await);
    let invented = SecretText::new("ks_rt_invented".to_owned());
    let result = register(&later.world.env, presented(&invented), Map::new()).await;
    is_nobody(&result);
}

#[tokio::test]
async fn what_is_refused_uses_nothing_up() {
    let desk = Desk::new().await;
    for (body, code) in [
        (json!({"scope": "read write"}), Code::InvalidClientMetadata),
        (
            json!({"grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/"]}),
            Code::InvalidClientMetadata,
        ),
        (
            json!({"redirect_uris": ["http://a.example/#x"]}),
            Code::InvalidRedirectUri,
        ),
        (
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            Code::InvalidClientMetadata,
        ),
        (
            json!({"software_statement": "e30.e30."}),
            Code::UnapprovedSoftwareStatement,
        ),
    ] {
        is_refused(desk.register(body).await, code);
    }
    assert_eq!(desk.used().await, 0);
    assert!(desk.credentials().await.is_empty());
}

#[tokio::test]
async fn an_update_replaces_everything_and_the_token_that_manages_the_client() {
    let desk = Desk::new().await;
    let client = desk.registered().await;
    let secret = client.client_secret.as_ref().unwrap().expose();
    let id = client.client_id.as_str();
    let body = json!({"client_id": id, "client_secret": secret, "client_name": "other"});
    let updated = desk.update(&client, body.clone()).await.unwrap();
    assert_eq!(updated.metadata.client_name.as_deref(), Some("other"));
    is_nobody(&desk.read(&client).await);
    is_nobody(&desk.update(&client, body).await);
    desk.read(&updated).await.unwrap();
    for wrong in [
        json!({"client_id": id, "client_secret": "chosen"}),
        json!({"client_id": id, "scope": "read write"}),
    ] {
        let result = desk.update(&updated, wrong).await;
        is_refused(result, Code::InvalidClientMetadata);
    }
    desk.read(&updated).await.unwrap();
}

#[tokio::test]
async fn a_client_manages_itself_and_no_other_and_not_once_it_is_gone() {
    let desk = Desk::new().await;
    let (one, other) = (desk.registered().await, desk.registered().await);
    let env = &desk.world.env;
    is_nobody(&remove(env, presented(&one.access_token), &other.client_id).await);
    is_nobody(&remove(env, presented(&desk.text), &one.client_id).await);
    is_nobody(&read(env, presented(&one.access_token), "client_invented").await);
    remove(env, presented(&one.access_token), &one.client_id)
        .await
        .unwrap();
    is_nobody(&desk.read(&one).await);
    assert_eq!(desk.credentials().await.len(), 1);
    desk.read(&other).await.unwrap();
}

#[tokio::test]
async fn a_client_is_gone_for_itself_once_its_credential_is_deleted() {
    let desk = Desk::new().await;
    let client = desk.registered().await;
    let [credential] = desk.credentials().await.try_into().unwrap();
    desk.world.delete_credential(credential.id).await;
    is_nobody(&desk.read(&client).await);
}
