//! The registry's own authorization server.

use std::net::SocketAddr;

use e2e::{
    admin::{Admin, Credential},
    http::{Client, answer::Answer},
    ports,
    stack::{Foundation, Stack},
};
use serde_json::{Value, json};

use super::scene::{self, SCOPE};

const OTHER_SCOPE: &str = "orders:write";
const ORDERS: &str = "https://api.example.com/orders";
const BILLING: &str = "https://api.example.com/billing";

/// Where the gateway is, as a resource.
pub(super) fn resource(gateway: SocketAddr) -> String {
    format!("http://{gateway}/orders")
}

/// A gateway that accepts tokens of its registry.
pub(super) struct Scene {
    _stack: Stack,
    pub(super) client: Client,
    pub(super) admin: Admin,
    pub(super) application: String,
    pub(super) issuer: String,
    pub(super) gateway: SocketAddr,
}

impl Scene {
    /// With rules about the issuer and the gateway's address.
    pub(super) async fn with_rules(rules: impl FnOnce(&str, SocketAddr) -> Value) -> Self {
        let foundation = Foundation::lay().await;
        let issuer = issuer(&foundation);
        let gateway = ports::free();
        let config = foundation.config().listen(gateway);
        let config = config.rules(rules(&issuer, gateway));
        let stack = foundation.envoy(&config).await;
        stack.ready().await;
        let (client, admin) = (stack.client().await, stack.admin());
        let application = json!({"name": "jack", "scopes": [SCOPE, OTHER_SCOPE]});
        let application = admin.application(application).await;
        Self {
            _stack: stack,
            client,
            admin,
            application,
            issuer,
            gateway,
        }
    }

    pub(super) async fn service(&self, name: &str, resources: &[&str]) -> Service {
        service(&self.admin, &self.application, name, resources).await
    }

    pub(super) async fn token(&self, service: &Service, more: &[(&str, &str)]) -> String {
        let token = token(&self.issuer, service, more).await;
        token.expect("a token")
    }

    async fn refused(&self, path: &str, token: &str, status: u16) -> Answer {
        let call = self.client.get(path).bearer(token);
        call.consistently(status).await.expect("refused")
    }
}

/// By what the registry's tokens name it.
pub(super) fn issuer(foundation: &Foundation) -> String {
    format!("http://{}", foundation.registry.settings().listen)
}

/// A client that is registered at the registry itself.
pub(super) struct Service {
    pub(super) credential: Credential,
    pub(super) client_id: String,
}

pub(super) async fn service(
    admin: &Admin,
    application: &str,
    name: &str,
    resources: &[&str],
) -> Service {
    let body = json!({
        "type": "oauth_client", "name": name, "scopes": [SCOPE], "client": {"resources": resources},
    });
    let credential = admin.credential(application, body).await;
    Service {
        client_id: scene::client_id(&credential),
        credential,
    }
}

/// Asks for a token.
pub(super) async fn token(
    issuer: &str,
    service: &Service,
    more: &[(&str, &str)],
) -> Result<String, Value> {
    let endpoint = format!("{issuer}/oauth2/token");
    let client = (
        service.client_id.as_str(),
        service.credential.secret.as_str(),
    );
    scene::token(&endpoint, client, more).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_where_it_was_asked_for_and_nowhere_else() {
    let scene = Scene::with_rules(|issuer, _| {
        let of =
            |resource: &str| json!({"accept": ["jwt"], "issuers": [issuer], "resource": resource});
        json!([
            {"paths": [{"prefix": "/orders"}], "bearer": of(ORDERS)},
            {"paths": [{"prefix": "/billing"}], "bearer": of(BILLING)},
        ])
    })
    .await;
    let service = scene.service("both", &[ORDERS, BILLING]).await;
    let for_orders = scene.token(&service, &[("resource", ORDERS)]).await;
    let seen = scene
        .client
        .get("/orders")
        .bearer(&for_orders)
        .until(200)
        .await;
    assert_eq!(seen.echoed().header("x-consumer-username"), "jack");
    let refused = scene.refused("/billing", &for_orders, 401).await;
    let challenge = refused.header("www-authenticate");
    for said in [
        r#"error="invalid_token""#,
        r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/billing""#,
    ] {
        assert!(challenge.contains(said), "{challenge}");
    }
    let twice = [("resource", ORDERS), ("resource", BILLING)];
    for asked in [&twice[..], &[]] {
        let for_both = scene.token(&service, asked).await;
        for path in ["/orders", "/billing"] {
            scene.client.get(path).bearer(&for_both).until(200).await;
        }
    }
    let elsewhere = [("resource", "https://api.example.com/elsewhere")];
    let refused = token(&scene.issuer, &service, &elsewhere).await;
    assert_eq!(refused.expect_err("no token")["error"], "invalid_target");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_lacks_a_scope_is_told_which() {
    let scene = Scene::with_rules(|issuer, _| {
        let bearer = json!({"accept": ["jwt"], "issuers": [issuer], "audiences": [ORDERS]});
        json!([
            {"paths": [{"prefix": "/write"}], "bearer": bearer, "required_scopes": [OTHER_SCOPE]},
            {"bearer": bearer, "required_scopes": [SCOPE]},
        ])
    })
    .await;
    let service = scene.service("reader", &[ORDERS]).await;
    let token = scene.token(&service, &[]).await;
    scene.client.get("/").bearer(&token).until(200).await;
    let refused = scene.refused("/write", &token, 403).await;
    assert_eq!(
        refused.header("www-authenticate"),
        r#"Bearer realm="keysmith", error="insufficient_scope", scope="orders:write""#
    );
    // What the credential gets later, the token does not have: scopes that count are of both.
    let path = format!("/v1/credentials/{}", service.credential.id);
    let registered = json!({"scope": "orders:read orders:write", "resources": [ORDERS]});
    let both = json!({"scopes": [SCOPE, OTHER_SCOPE], "client": registered});
    scene.admin.patch(&path, both).await;
    let wider = scene.token(&service, &[]).await;
    scene.client.get("/write").bearer(&wider).until(200).await;
    scene.refused("/write", &token, 403).await;
    scene
        .admin
        .patch(&path, json!({"scopes": [OTHER_SCOPE]}))
        .await;
    scene.client.get("/").bearer(&wider).until(403).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_says_which_forms_of_tokens_it_takes() {
    let scene = Scene::with_rules(|issuer, _| {
        let of =
            |forms: Value| json!({"accept": forms, "issuers": [issuer], "audiences": [ORDERS]});
        json!([
            {"paths": [{"prefix": "/jwt"}], "bearer": of(json!(["jwt"]))},
            {"paths": [{"prefix": "/own"}], "bearer": {"accept": ["bearer_token"]}},
            {"bearer": of(json!(["jwt", "bearer_token"]))},
        ])
    })
    .await;
    let service = scene.service("service", &[ORDERS]).await;
    let jwt = scene.token(&service, &[]).await;
    let own = json!({"type": "bearer_token", "name": "own", "expires_at": "2099-12-31T00:00:00Z"});
    let own = scene.admin.credential(&scene.application, own).await.secret;
    for token in [&jwt, &own] {
        scene.client.get("/").bearer(token).until(200).await;
    }
    scene.client.get("/jwt").bearer(&jwt).until(200).await;
    scene.client.get("/own").bearer(&own).until(200).await;
    scene.refused("/jwt", &own, 401).await;
    scene.refused("/own", &jwt, 401).await;
}
