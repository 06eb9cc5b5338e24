//! `/v1/feed` as a gateway reads it.

use std::time::Duration;

use filter_core::{
    digest::{Digester, SecretHash},
    feed::{Body, ChangesPage, MEDIA_TYPE, Operation, Page, Records},
};
use serde_json::json;

use crate::support::{Actor, TestRegistry, text};

/// Everything a gateway knows after following to the end.
#[derive(Default)]
struct Known {
    digester: Option<Digester>,
    applications: Vec<String>,
    credentials: Vec<filter_core::feed::Credential>,
    next: String,
}

impl Known {
    /// Follows from the first page of the snapshot to the head of the log.
    async fn by_following(gateway: &Actor) -> Self {
        let mut known = Self::default();
        let mut page = gateway.poll(None, 0).await;
        loop {
            let (next, more) = (page.next.clone(), page.more);
            known.apply(page);
            if !more {
                return known;
            }
            page = gateway.poll(Some(&next), 0).await;
        }
    }

    fn apply(&mut self, page: Page) {
        self.next = page.next;
        match page.body {
            Body::Snapshot(part) => {
                if let Some(begins) = part.begins {
                    self.digester = Some(Digester::new(&begins.digest_key));
                }
                match part.records {
                    Records::Applications(found) => {
                        self.applications
                            .extend(found.into_iter().map(|application| application.name));
                    }
                    Records::Credentials(found) => self.credentials.extend(found),
                    Records::Issuers(_) => {}
                }
            }
            Body::Changes(page) => self.change(page),
            Body::Key(key) => self.digester = Some(Digester::new(&key.digest_key)),
        }
    }

    fn change(&mut self, page: ChangesPage) {
        for change in page.changes {
            match change.operation {
                Operation::PutApplication(application) => self.applications.push(application.name),
                Operation::RemoveApplication(_)
                | Operation::PutIssuer(_)
                | Operation::RemoveIssuer(_) => {}
                Operation::PutCredential(credential) => {
                    self.credentials
                        .retain(|known| known.digest != credential.digest);
                    self.credentials.push(credential);
                }
                Operation::RemoveCredential(digest) => {
                    self.credentials.retain(|known| known.digest != digest);
                }
            }
        }
    }

    fn honours(&self, secret: &str) -> bool {
        let digest = self
            .digester
            .as_ref()
            .unwrap()
            .digest(&SecretHash::of_value(secret.as_bytes()));
        self.credentials
            .iter()
            .any(|known| known.digest == digest && known.enabled)
    }

    async fn catch_up(&mut self, gateway: &Actor) {
        let next = self.next.clone();
        let page = gateway.poll(Some(&next), 0).await;
        self.apply(page);
    }
}

#[tokio::test]
async fn a_gateway_learns_of_credentials_and_of_their_end() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let app = registry.application("billing").await;
    let before = registry
        .credential(&app, json!({"type": "api_key", "name": "before"}))
        .await;
    let before_value = text(&before["secret"]["value"]);

    let mut known = Known::by_following(&gateway).await;
    assert_eq!(known.applications, ["billing"]);
    assert!(known.honours(&before_value));

    let after = registry
        .credential(
            &app,
            json!({"type": "bearer_token", "name": "after", "expires_at": "2099-12-31T00:00:00Z"}),
        )
        .await;
    known.catch_up(&gateway).await;
    assert!(known.honours(&text(&after["secret"]["value"])));

    let path = format!("/v1/credentials/{}", text(&before["id"]));
    let rotated = registry
        .admin()
        .post(&format!("{path}/rotate"), json!({}))
        .await
        .has(200)
        .json();
    known.catch_up(&gateway).await;
    assert!(!known.honours(&before_value));
    assert!(known.honours(&text(&rotated["secret"]["value"])));

    registry
        .admin()
        .patch(&path, json!({"enabled": false}))
        .await
        .has(200);
    known.catch_up(&gateway).await;
    assert!(!known.honours(&text(&rotated["secret"]["value"])));

    registry
        .admin()
        .delete(&format!("/v1/applications/{app}"))
        .await
        .has(204);
    known.catch_up(&gateway).await;
    assert!(known.credentials.is_empty());
}

#[tokio::test]
async fn a_poll_is_answered_when_something_happens() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let app = registry.application("billing").await;
    let mut known = Known::by_following(&gateway).await;
    let (next, waiting) = (known.next.clone(), gateway.clone());
    let poll = tokio::spawn(async move { waiting.poll(Some(&next), 60).await });
    while !registry
        .operator()
        .get("/metrics")
        .await
        .text()
        .contains("keysmith_feed_waiters 1")
    {
        tokio::task::yield_now().await;
    }
    let made = registry
        .credential(&app, json!({"type": "api_key", "name": "ci"}))
        .await;
    let page = tokio::time::timeout(Duration::from_secs(20), poll)
        .await
        .unwrap()
        .unwrap();
    known.apply(page);
    assert!(known.honours(&text(&made["secret"]["value"])));
}

#[tokio::test]
async fn an_empty_page_ends_a_wait_and_keeps_the_place() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let known = Known::by_following(&gateway).await;
    let page = gateway.poll(Some(&known.next), 0).await;
    let Body::Changes(changes) = page.body else {
        panic!("a snapshot");
    };
    assert!(changes.changes.is_empty());
    let again = gateway.poll(Some(&page.next), 0).await;
    assert!(matches!(again.body, Body::Changes(_)));
}

#[tokio::test]
async fn a_cursor_of_nothing_begins_a_snapshot() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    let other = TestRegistry::start().await;
    let foreign = Known::by_following(&other.gateway("default").await)
        .await
        .next;
    for cursor in ["", "x", "%00", "a.b.c", foreign.as_str()] {
        let page = gateway.poll(Some(cursor), 0).await;
        let Body::Snapshot(part) = page.body else {
            panic!("{cursor}");
        };
        assert!(part.begins.is_some(), "{cursor}");
    }
}

#[tokio::test]
async fn a_group_sees_only_what_is_meant_for_it() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    admin
        .post(
            "/v1/gateway-groups",
            json!({"name": "inner", "mode": "on_demand"}),
        )
        .await
        .has(201);
    let (outer, inner) = (
        registry.gateway("default").await,
        registry.gateway("inner").await,
    );
    let everywhere = registry.application("everywhere").await;
    let body = json!({"name": "inside", "gateway_groups": ["inner"]});
    let inside = text(&admin.post("/v1/applications", body).await.has(201).json()["id"]);
    let key = json!({"type": "api_key", "name": "ci"});
    let public = text(&registry.credential(&everywhere, key).await["secret"]["value"]);
    let chosen = json!({"type": "api_key", "name": "ci", "gateway_groups": ["inner"]});
    let private = text(&registry.credential(&inside, chosen).await["secret"]["value"]);

    let (outside_view, inside_view) = (
        Known::by_following(&outer).await,
        Known::by_following(&inner).await,
    );
    assert_eq!(
        (
            outside_view.honours(&public),
            outside_view.honours(&private)
        ),
        (true, false)
    );
    assert_eq!(
        (inside_view.honours(&public), inside_view.honours(&private)),
        (false, true)
    );
    assert_eq!(inside_view.applications, ["inside"]);
    // The same secret has another digest in each group.
    admin
        .patch(
            &format!("/v1/applications/{inside}"),
            json!({"gateway_groups": ["inner", "default"]}),
        )
        .await
        .has(200);
    let outside_view = Known::by_following(&outer).await;
    assert!(
        !outside_view.honours(&private),
        "it was chosen for the inner"
    );
    let chosen = json!({"type": "api_key", "name": "cd", "gateway_groups": ["inner", "default"]});
    let private = text(&registry.credential(&inside, chosen).await["secret"]["value"]);
    let (outside_view, inside_view) = (
        Known::by_following(&outer).await,
        Known::by_following(&inner).await,
    );
    assert!(inside_view.honours(&private));
    assert!(outside_view.honours(&private));
    assert!(!outside_view.credentials.iter().any(|known| {
        inside_view
            .credentials
            .iter()
            .any(|one| one.digest == known.digest)
    }));
}

#[tokio::test]
async fn a_gateway_of_another_group_is_told_so() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    gateway.get("/v1/feed?group=default").await.has(200);
    let reply = gateway.get("/v1/feed?group=inner").await;
    reply.is_problem(409, "gateway-group-mismatch", Some("group"));
}

#[tokio::test]
async fn people_may_read_the_feed_but_not_its_key() {
    let registry = TestRegistry::start().await;
    let gateway = registry.gateway("default").await;
    registry.application("billing").await;
    let binary = gateway.get("/v1/feed").await.has(200);
    assert_eq!(binary.header("content-type"), MEDIA_TYPE);
    let page = Page::decode(&binary.body).unwrap();
    let Body::Snapshot(part) = page.body else {
        panic!("not a snapshot");
    };
    assert!(part.begins.is_some());
    let headers = [("accept", "application/json")];
    let readable = gateway
        .send(
            axum::http::Method::GET,
            "/v1/feed",
            &headers,
            axum::body::Bytes::new(),
        )
        .await
        .has(200);
    let shown = readable.json();
    assert_eq!(
        shown["body"]["Snapshot"]["begins"]["digest_key"],
        "(not shown)"
    );
    assert_eq!(
        shown["body"]["Snapshot"]["records"]["Applications"][0]["name"],
        "billing"
    );
}

#[tokio::test]
async fn a_token_that_is_revoked_while_its_poll_waits_gets_nothing() {
    let registry = TestRegistry::start().await;
    let admin = registry.admin();
    let tokens = "/v1/gateway-groups/default/tokens";
    let made = admin.post(tokens, json!({})).await.has(201).json();
    let gateway = registry.bearer(&text(&made["token"]));
    let known = Known::by_following(&gateway).await;
    let path = format!("/v1/feed?wait=60&after={}", known.next);
    let poll = tokio::spawn(async move { gateway.get(&path).await });
    while !registry
        .operator()
        .get("/metrics")
        .await
        .text()
        .contains("keysmith_feed_waiters 1")
    {
        tokio::task::yield_now().await;
    }
    admin
        .delete(&format!("{tokens}/{}", text(&made["id"])))
        .await
        .has(204);
    registry.application("billing").await;
    let reply = tokio::time::timeout(Duration::from_secs(20), poll)
        .await
        .unwrap()
        .unwrap();
    reply.is_problem(401, "unauthorized", None);
}
