use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Timestamp,
    entropy::SeededEntropy,
    ids::{OperationId, ProviderId},
    outgoing::{Policy, SystemResolver, trust},
    provider::configuration::HeaderSecret,
    testing::peer::{Peer, Reply, Seen},
};

fn marker() -> Marker {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let entropy = SeededEntropy::new(1);
    Marker {
        provider: ProviderId::generate(at, &entropy).unwrap(),
        operation: OperationId::generate(at, &entropy).unwrap(),
    }
}

fn bridge(peer: &Peer, dialect: Dialect) -> Bridge {
    let policy = Policy {
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
    };
    let outgoing = Outgoing::new(
        policy,
        std::sync::Arc::new(SystemResolver),
        trust(None).unwrap(),
    );
    let configuration = HttpBridge {
        base_url: format!("{}/v0/", peer.url),
        dialect,
        list_endpoint: Some(format!("{}/v0/list", peer.url)),
        tokens: crate::provider::configuration::Tokens::default(),
    };
    let mut secrets = Secrets::default();
    let key = HeaderSecret("let-me-in".to_owned());
    secrets.headers.insert("X-API-KEY".to_owned(), key);
    Bridge::new(outgoing, &configuration, &secrets).unwrap()
}

fn metadata() -> ClientMetadata {
    ClientMetadata {
        client_name: Some("jack's shop".to_owned()),
        redirect_uris: vec!["https://shop.example/back".to_owned()],
        grant_types: vec!["client_credentials".to_owned()],
        token_endpoint_auth_method: Some("client_secret_basic".to_owned()),
        scope: Some("orders:read orders:write".to_owned()),
        ..ClientMetadata::default()
    }
}

fn known(client_id: &str) -> Known {
    Known {
        client_id: client_id.to_owned(),
        registration_client_uri: None,
        registration_access_token: None,
    }
}

async fn answering(status: u16, body: Value) -> Peer {
    Peer::start(move |_: &Seen| Reply::json(status, &body)).await
}

#[tokio::test]
async fn api7s_protocol_registers_updates_rotates_and_deletes_below_clients() {
    let answer = json!({"client_id": "c 1", "client_secret": "hush"});
    let peer = answering(200, answer).await;
    let bridge = bridge(&peer, Dialect::Api7);
    let registered = bridge.register(&metadata(), marker()).await.unwrap();
    assert_eq!(registered.client_id, "c 1");
    assert_eq!(registered.client_secret.unwrap().expose(), "hush");
    let client = known("c 1");
    bridge.update(&client, &metadata()).await.unwrap();
    bridge.rotate_secret(&client, &metadata()).await.unwrap();
    bridge.delete(&client).await.unwrap();
    assert_eq!(
        peer.lines(),
        [
            "POST /v0/clients",
            "PUT /v0/clients/c%201",
            "POST /v0/clients/c%201/rotate-secret",
            "DELETE /v0/clients/c%201",
        ]
    );
    let seen = peer.seen();
    assert!(
        seen.iter()
            .all(|it| it.header("x-api-key") == Some("let-me-in"))
    );
    let sent = seen[0].json();
    assert_eq!(sent["scope"], "orders:read orders:write");
    assert_eq!(sent["software_version"], marker().operation.to_string());
    assert_eq!(seen[1].json()["client_id"], "c 1");
}

#[tokio::test]
async fn konnects_protocol_is_spoken_with_all_that_it_requires() {
    let answer = json!({"client_id": "c1", "client_secret": "hush", "client_id_issued_at": 1_700_825_336, "client_secret_expires_at": 0});
    let peer = answering(201, answer).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    let registered = bridge.register(&metadata(), marker()).await.unwrap();
    assert_eq!(registered.client_secret_expires_at, None);
    let client = known("c1");
    bridge
        .update(&client, &marker().put_into(&metadata()))
        .await
        .unwrap();
    bridge.rotate_secret(&client, &metadata()).await.unwrap();
    bridge.delete(&client).await.unwrap();
    assert_eq!(
        peer.lines(),
        [
            "POST /v0/",
            "POST /v0/c1/event-hook",
            "POST /v0/c1/new-secret",
            "DELETE /v0/c1",
        ]
    );
    let sent = peer.seen()[0].json();
    let mut members: Vec<&String> = sent.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        [
            "application_description",
            "auth_strategy_id",
            "client_name",
            "dcr_provider_id",
            "developer_id",
            "grant_types",
            "organization_id",
            "portal_id",
            "redirect_uris",
            "scopes",
            "token_endpoint_auth_method",
        ]
    );
    assert_eq!(sent["scopes"], json!(["orders:read", "orders:write"]));
    let event = peer.seen()[1].json();
    assert_eq!(event["event_type"], "update_application");
    assert_eq!(
        event["application_description"],
        sent["application_description"]
    );
}

#[tokio::test]
async fn a_hook_that_answers_nothing_has_updated_the_client() {
    let peer = Peer::start(|_: &Seen| Reply::text(200, "")).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    let updated = bridge.update(&known("c1"), &metadata()).await.unwrap();
    assert_eq!(updated.client_id, "c1");
    assert_eq!(updated.metadata, metadata());
}

#[tokio::test]
async fn times_are_read_in_seconds_and_as_texts() {
    for (time, millis) in [
        (json!(1_900_000_000), Some(1_900_000_000_000)),
        (json!("1900000000"), Some(1_900_000_000_000)),
        (json!("2030-03-17T17:46:40Z"), Some(1_900_000_000_000)),
        (json!(0), None),
        (json!("soon"), None),
    ] {
        let answer = json!({"client_id": "c1", "client_secret_expires_at": time});
        let peer = answering(201, answer).await;
        let bridge = bridge(&peer, Dialect::Konnect);
        let registered = bridge.register(&metadata(), marker()).await.unwrap();
        let read = registered
            .client_secret_expires_at
            .map(Timestamp::as_millis);
        assert_eq!(read, millis, "{time}");
    }
}

#[tokio::test]
async fn what_the_bridge_says_of_the_client_counts() {
    let answer = json!({"client_id": "c1", "scopes": ["orders:read"], "client_name": "shop"});
    let peer = answering(201, answer).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    let registered = bridge.register(&metadata(), marker()).await.unwrap();
    assert_eq!(registered.metadata.scope.as_deref(), Some("orders:read"));
    assert_eq!(registered.metadata.client_name.as_deref(), Some("shop"));
    assert_eq!(registered.metadata.redirect_uris, metadata().redirect_uris);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_not_taken_for_a_client() {
    for (answer, expected) in [
        (json!({}), "holds no client_id"),
        (json!([]), "is not a JSON object"),
        (json!({"client_id": 7}), "holds no client_id"),
        (json!({"client_id": ""}), "holds no client_id"),
        (json!({"client_id": "c1", "client_secret": 7}), "not a text"),
    ] {
        let peer = answering(201, answer).await;
        let bridge = bridge(&peer, Dialect::Api7);
        let error = bridge.register(&metadata(), marker()).await.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Garbage);
        assert!(error.may_be_done, "a client may exist now");
        assert!(error.description.contains(expected), "{error}");
    }
    let peer = answering(200, json!({"client_id": "c2", "client_secret": "x"})).await;
    let bridge = bridge(&peer, Dialect::Api7);
    let error = bridge
        .rotate_secret(&known("c1"), &metadata())
        .await
        .unwrap_err();
    assert!(error.description.contains("another client"), "{error}");
}

#[tokio::test]
async fn a_rotation_without_a_secret_is_none() {
    let peer = answering(200, json!({"client_id": "c1"})).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    let error = bridge
        .rotate_secret(&known("c1"), &metadata())
        .await
        .unwrap_err();
    assert!(error.description.contains("client_secret"), "{error}");
}

#[tokio::test]
async fn a_clients_id_never_leads_elsewhere_on_the_bridge() {
    let peer = answering(200, json!({})).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    for id in ["..", "a/b", "a?b", "a#b", "%2e%2e"] {
        bridge.delete(&known(id)).await.unwrap();
    }
    assert_eq!(
        peer.lines(),
        [
            "DELETE /v0/%2E%2E",
            "DELETE /v0/a%2Fb",
            "DELETE /v0/a%3Fb",
            "DELETE /v0/a%23b",
            "DELETE /v0/%252e%252e",
        ]
    );
}

#[tokio::test]
async fn clients_that_are_listed_are_recognised_by_their_mark() {
    let marked = marker().operation.to_string();
    let list = json!({"data": [
        {"client_id": "c1", "software_id": marker().software(), "software_version": marked},
        {"client_id": "c2", "application_description": marker().to_string()},
        {"client_id": "c3", "application_description": "somebody's"},
        {"client_id": 4},
    ]});
    let peer = answering(200, list).await;
    let found = bridge(&peer, Dialect::Konnect).list().await.unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|it| (it.known.client_id, it.marker))
        .collect();
    let expected = ["c1", "c2"].map(|id| (id.to_owned(), marker()));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_bridges_refusal_is_told_as_it_says_it() {
    let body = json!({"error": "Wrong API-Key", "error_description": "wrong x-api-key header"});
    let peer = answering(401, body).await;
    let bridge = bridge(&peer, Dialect::Konnect);
    let error = bridge.register(&metadata(), marker()).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Forbidden);
    assert_eq!(error.code.as_deref(), Some("Wrong API-Key"));
    assert!(!error.may_be_done);
}

#[tokio::test]
async fn nobody_is_followed_elsewhere_with_the_key() {
    let elsewhere = answering(200, json!({"client_id": "c1"})).await;
    let there = elsewhere.url.clone();
    let peer = Peer::start(move |_: &Seen| Reply::text(307, "").with("location", &there)).await;
    let bridge = bridge(&peer, Dialect::Api7);
    let error = bridge.register(&metadata(), marker()).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Garbage);
    assert_eq!(elsewhere.lines(), Vec::<String>::new());
}
