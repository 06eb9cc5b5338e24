//! Lists.

use std::time::Duration;

use serde_json::json;

use super::{key_auth, with_jack};
use crate::support::{Apisix, TestRegistry, text};

/// The names or ids on a page, and how many there are on all of them.
async fn page(apisix: &Apisix, path: &str) -> (Vec<String>, u64) {
    let listed = apisix.get(path).await.has(200).json();
    let list = listed["list"].as_array().unwrap().clone();
    let name = |value: &serde_json::Value| match value.get("id") {
        Some(id) => text(id),
        None => text(&value["username"]),
    };
    let names = list.iter().map(|one| name(&one["value"])).collect();
    (names, listed["total"].as_u64().unwrap())
}

#[tokio::test]
async fn consumers_are_counted_paged_and_filtered() {
    let registry = TestRegistry::start().await;
    let apisix = registry.apisix();
    assert_eq!(page(&apisix, "/consumers").await, (vec![], 0));
    for number in 1..=12 {
        registry.clock.advance(Duration::from_millis(1));
        let mut body = json!({"username": format!("user_{number}")});
        match number {
            3 => body["labels"] = json!({"team": "red"}),
            4 => body["labels"] = json!({"custom_id": "4"}),
            _ => {}
        }
        apisix.put("/consumers", body).await.has(201);
    }
    let (first, total) = page(&apisix, "/consumers?page=1&page_size=10").await;
    assert_eq!((first.len(), total), (10, 12));
    assert_eq!(first[0], "user_1");
    let second = page(&apisix, "/consumers?page=2&page_size=10").await;
    let last = vec!["user_11".to_owned(), "user_12".to_owned()];
    assert_eq!(second, (last, 12));
    assert_eq!(
        page(&apisix, "/consumers?page=9&page_size=10")
            .await
            .0
            .len(),
        0
    );
    assert_eq!(
        page(&apisix, "/consumers?page=-1&page_size=10")
            .await
            .0
            .len(),
        10
    );
    let beyond = format!("/consumers?page={}&page_size=500", i64::MAX);
    assert_eq!(page(&apisix, &beyond).await, (vec![], 12));
    // A filter finds the same pages as there are without one.
    let filtered = page(&apisix, "/consumers?page=2&page_size=10&name=user").await;
    assert_eq!(filtered, second);
    apisix.delete("/consumers/user_12").await.has(200);
    assert_eq!(page(&apisix, "/consumers").await.1, 11);
    let named = page(&apisix, "/consumers?name=r_1").await;
    assert_eq!(named.1, 3);
    let labelled = page(&apisix, "/consumers?label=team").await;
    assert_eq!(labelled, (vec!["user_3".to_owned()], 1));
    let labelled = page(&apisix, "/consumers?label=custom_id").await;
    assert_eq!(labelled, (vec!["user_4".to_owned()], 1));
}

#[tokio::test]
async fn credentials_are_listed_with_their_consumer_and_masked() {
    let (registry, apisix) = with_jack().await;
    for id in ["one", "two", "three"] {
        registry.clock.advance(Duration::from_millis(1));
        let path = format!("/consumers/jack/credentials/{id}");
        let mut body = key_auth(&format!("an-own-key-of-some-length-{id}"));
        body["name"] = json!(format!("named-{id}"));
        apisix.put(&path, body).await.has(201);
    }
    let all = apisix.get("/consumers/jack/credentials").await.has(200);
    assert!(!all.text().contains("an-own-key"), "{}", all.text());
    let listed = all.json();
    assert_eq!(listed["total"], 3);
    assert_eq!(
        listed["list"][0]["key"],
        "/apisix/consumers/jack/credentials/one"
    );
    assert!(listed["list"][0]["createdIndex"].is_u64());
    let found = page(&apisix, "/consumers/jack/credentials?name=named-t").await;
    assert_eq!(found, (vec!["two".to_owned(), "three".to_owned()], 2));
    // Consumers are not their credentials.
    assert_eq!(page(&apisix, "/consumers").await.1, 1);
}

#[tokio::test]
async fn a_list_says_what_it_cannot_be_asked() {
    let (_registry, apisix) = with_jack().await;
    for list in ["/consumers", "/consumers/jack/credentials"] {
        for (query, message) in [
            ("page_size=9", "page_size must be between 10 and 500"),
            ("page_size=501", "page_size must be between 10 and 500"),
            ("page_size=ten", "page_size must be between 10 and 500"),
            ("page=one", "page must be a number"),
            ("uri=/x", "not known"),
            ("page=1&page=2", "more than once"),
            ("api_key=x", "X-API-KEY alone"),
        ] {
            apisix
                .get(&format!("{list}?{query}"))
                .await
                .is_refusal(400, message);
        }
        let long = "x".repeat(257);
        let reply = apisix.get(&format!("{list}?name={long}")).await;
        reply.is_refusal(400, "longer than 256");
    }
}
