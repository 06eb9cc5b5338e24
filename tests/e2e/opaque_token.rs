//! Access tokens of the built-in authorization server that gateways look up.

use std::time::{Duration, Instant};

use e2e::{
    admin::Admin,
    http::{Client, answer::Answer},
    stack::Stack,
};
use serde_json::{Value, json};

/// For how long the registry holds a token back at most.
const HELD_BACK: Duration = Duration::from_millis(500);

/// A client whose access tokens are opaque, and the registry that it asks for them.
struct Requester {
    registry: Client,
    credential: String,
    id: String,
    secret: String,
}

impl Requester {
    async fn new(stack: &Stack) -> Self {
        let admin = stack.admin();
        let scopes = json!(["orders:read", "orders:write"]);
        let application = json!({"name": "jack", "scopes": scopes});
        let application = admin.application(application).await;
        let body = json!({
            "type": "oauth_client", "name": "client", "scopes": scopes,
            "client": {"access_token_format": "opaque"},
        });
        let made = admin.credential(&application, body).await;
        Self {
            registry: Client::new(stack.registry.settings().listen),
            credential: format!("/v1/credentials/{}", made.id),
            id: made.json["client"]["client_id"]
                .as_str()
                .expect("a client id")
                .to_owned(),
            secret: made.secret,
        }
    }

    async fn ask(&self, path: &str, form: &str) -> Answer {
        let call = self.registry.call("POST", path);
        let call = call.basic(&self.id, &self.secret);
        let call = call.body("application/x-www-form-urlencoded", form.to_owned());
        call.send().await.expect(200)
    }

    async fn token(&self) -> String {
        let form = "grant_type=client_credentials&scope=orders%3Aread";
        let given = self.ask("/oauth2/token", form).await.json();
        given["access_token"].as_str().expect("a token").to_owned()
    }

    async fn enable(&self, admin: &Admin, enabled: bool) -> Value {
        admin
            .patch(&self.credential, json!({"enabled": enabled}))
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_passes_as_soon_as_it_is_given_and_not_once_it_is_revoked() {
    let stack = Stack::with_rule(json!({"bearer": {}})).await;
    let (requester, admin) = (Requester::new(&stack).await, stack.admin());
    let client = stack.client().await;
    let mut tokens = Vec::new();
    for _ in 0..8 {
        let asked = Instant::now();
        let token = requester.token().await;
        let call = client.get("/").bearer(&token);
        // On a machine with something else to do the registry may have given up waiting for the gateway.
        if asked.elapsed() < HELD_BACK {
            call.send().await.expect(200);
        } else {
            call.until(200).await;
        }
        tokens.push(token);
    }
    let (one, other) = (&tokens[0], &tokens[1]);
    let seen = client.get("/").bearer(one).send().await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    assert_eq!(seen.header("x-authenticated-scope"), "orders:read");
    let form = format!("token={one}");
    let known = requester.ask("/oauth2/introspect", &form).await.json();
    assert_eq!(known["active"], true, "{known}");

    requester.ask("/oauth2/revoke", &form).await;
    let refused = client.get("/").bearer(one).until(401).await;
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    client.get("/").bearer(other).send().await.expect(200);

    requester.enable(&admin, false).await;
    client.get("/").bearer(other).until(401).await;
    requester.enable(&admin, true).await;
    client.get("/").bearer(other).until(200).await;
    let path = format!("{}/revoke-tokens", requester.credential);
    admin.post(&path, json!({})).await.expect(200);
    client.get("/").bearer(other).until(401).await;
    let last = requester.token().await;
    client.get("/").bearer(&last).until(200).await;
    admin.delete(&requester.credential).await;
    client.get("/").bearer(&last).until(401).await;
    for token in &tokens {
        assert!(!stack.envoy.log().contains(token.as_str()));
    }
}
