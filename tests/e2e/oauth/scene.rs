//! A gateway that accepts tokens of one identity provider.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e::{
    admin::{Admin, Credential},
    http::Client,
    ports,
    stack::{Foundation, Stack},
};
use peers::{OidcProvider, Options};
use serde_json::{Value, json};

/// What all clients may do.
pub(super) const SCOPE: &str = "orders:read";

/// Registry, Envoy and upstream, where tokens of an issuer are accepted as well as API keys.
pub(super) async fn stack(issuer: &str, audiences: &[String]) -> (Stack, Client, Admin) {
    let foundation = Foundation::with(|settings| {
        let networks = ("OUTGOING_ALLOWED_NETWORKS", "127.0.0.0/8");
        settings
            .more
            .push((networks.0.to_owned(), networks.1.to_owned()));
    })
    .await;
    let config = foundation.config().rules(json!([{
        "key_auth": {},
        "bearer": {"accept": ["jwt", "introspection"], "issuers": [issuer], "audiences": audiences},
        "required_scopes": [SCOPE],
    }]));
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    let (client, admin) = (stack.client().await, stack.admin());
    (stack, client, admin)
}

/// Deletes it, and gives the receipt when every gateway has it.
pub(super) async fn deleted_everywhere(admin: &Admin, path: &str) -> Value {
    let call = admin.call("DELETE", path).header("prefer", "wait=20");
    let receipt = call.send().await.expect(200).json()["propagation"].clone();
    assert_eq!(
        (&receipt["applied"], &receipt["may_admit_until"]),
        (&receipt["of"], &Value::Null),
        "{receipt}"
    );
    receipt
}

/// An application whose credentials may do what the rule needs.
pub(super) async fn application(admin: &Admin, name: &str) -> String {
    admin
        .application(json!({"name": name, "scopes": [SCOPE]}))
        .await
}

/// An OAuth client of the application, registered at the provider; with its client id.
pub(super) async fn registered(
    admin: &Admin,
    application: &str,
    name: &str,
) -> (Credential, String) {
    let body = json!({"type": "oauth_client", "name": name, "provider": "elsewhere", "client": {"scope": SCOPE}});
    let credential = admin.credential(application, body).await;
    let id = client_id(&credential);
    (credential, id)
}

/// What the client is called at its provider.
pub(super) fn client_id(credential: &Credential) -> String {
    let id = credential.json["client"]["client_id"].as_str();
    id.unwrap_or_else(|| panic!("{}", credential.json))
        .to_owned()
}

/// oidc-provider on a port that it keeps.
pub(super) async fn oidc_provider(options: Options) -> OidcProvider {
    let port = ports::free().port();
    blocking(move || OidcProvider::start(Options { port, ..options })).await
}

/// Does what blocks where that is allowed.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.expect("no panic")
}

/// Asks a token endpoint for a token of the client itself.
pub(super) async fn token(
    endpoint: &str,
    client: (&str, &str),
    more: &[(&str, &str)],
) -> Result<String, Value> {
    let (host, path) = endpoint
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .expect("an address");
    let basic = STANDARD.encode(format!("{}:{}", client.0, client.1));
    let encoded = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
    let mut form = "grant_type=client_credentials".to_owned();
    for (name, value) in more {
        form = format!("{form}&{name}={}", encoded(value));
    }
    let answer = Client::new(host.parse().expect("an address"))
        .call("POST", &format!("/{path}"))
        .header("authorization", format!("Basic {basic}"))
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await;
    let json = answer.json();
    json["access_token"].as_str().map(str::to_owned).ok_or(json)
}
