//! `GET /v1/credentials`: finding credentials.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Reply, TestRegistry, text};

const DAY: Duration = Duration::from_hours(24);

async fn find(registry: &TestRegistry, query: &str) -> Reply {
    registry
        .admin()
        .get(&format!("/v1/credentials?{query}"))
        .await
}

async fn names(registry: &TestRegistry, query: &str) -> Vec<String> {
    let page = find(registry, query).await.has(200).json();
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| text(&item["name"])).collect()
}

/// An application with a key, a key with labels, a password and a token that ends in ten days.
async fn some(registry: &TestRegistry) -> String {
    let billing = registry.application("billing").await;
    for body in [
        json!({"type": "api_key", "name": "CI"}),
        json!({"type": "api_key", "name": "nightly", "labels": {"team": "data", "env": "prod"}}),
        json!({"type": "basic", "name": "office", "username": "ann", "labels": {"team": "web"}}),
        json!({"type": "bearer_token", "name": "trial", "expires_at": "2027-01-25T08:00:00Z"}),
    ] {
        registry.credential(&billing, body).await;
        registry.clock.advance(Duration::from_secs(1));
    }
    let shop = registry.application("shop").await;
    registry
        .credential(
            &shop,
            json!({"type": "api_key", "name": "ci-shop", "enabled": false}),
        )
        .await;
    billing
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let registry = TestRegistry::start().await;
    let billing = some(&registry).await;
    for (query, expected) in [
        ("", &["CI", "nightly", "office", "trial", "ci-shop"][..]),
        ("application=shop", &["ci-shop"]),
        (
            &format!("application={billing}&type=api_key"),
            &["CI", "nightly"],
        ),
        ("name=ci", &["CI", "ci-shop"]),
        ("name=TRIA", &["trial"]),
        ("label=team", &["nightly", "office"]),
        ("label=team:data", &["nightly"]),
        ("label=team&label=env:prod", &["nightly"]),
        ("label=team:web&label=env", &[]),
        ("type=basic", &["office"]),
        ("status=disabled", &["ci-shop"]),
        ("status=enabled", &["CI", "nightly", "office", "trial"]),
        ("status=expired", &[]),
        ("prefix=ks_ak_", &["CI", "nightly", "ci-shop"]),
        ("prefix=ks_bt_", &["trial"]),
        ("prefix=ks_ak_x", &[]),
        ("expiring_within=30d", &["trial"]),
        ("expiring_within=9d", &[]),
        ("unused_for=1h", &[]),
        ("gateway_group=default&name=office", &["office"]),
        ("rotation=due", &[]),
    ] {
        assert_eq!(names(&registry, query).await, expected, "{query}");
    }
    registry.clock.advance(DAY * 20);
    assert_eq!(names(&registry, "status=expired").await, ["trial"]);
    assert_eq!(
        names(&registry, "unused_for=20d&application=shop").await,
        ["ci-shop"]
    );
    registry
        .admin()
        .patch(
            &format!("/v1/applications/{billing}"),
            json!({"enabled": false}),
        )
        .await
        .has(200);
    assert_eq!(
        names(&registry, "status=application_disabled&type=api_key").await,
        ["CI", "nightly"]
    );
    assert_eq!(names(&registry, "status=enabled").await, [""; 0]);
}

#[tokio::test]
async fn a_key_is_found_by_what_is_seen_of_it() {
    let registry = TestRegistry::start().await;
    let billing = some(&registry).await;
    let made = registry
        .credential(&billing, json!({"type": "api_key", "name": "leaked"}))
        .await;
    let value = text(&made["secret"]["value"]);
    let query = format!("prefix=ks_ak&last_four={}", &value[value.len() - 4..]);
    assert_eq!(names(&registry, &query).await, ["leaked"]);
    assert_eq!(
        names(&registry, "prefix=ks_ak&last_four=0000").await,
        [""; 0]
    );
}

#[tokio::test]
async fn lists_are_ordered_as_asked_with_never_in_its_place() {
    let registry = TestRegistry::start().await;
    some(&registry).await;
    for (sort, expected) in [
        (
            "created_at",
            ["CI", "nightly", "office", "trial", "ci-shop"],
        ),
        (
            "-created_at",
            ["ci-shop", "trial", "office", "nightly", "CI"],
        ),
        ("name", ["CI", "ci-shop", "nightly", "office", "trial"]),
        ("-name", ["trial", "office", "nightly", "ci-shop", "CI"]),
        (
            "updated_at",
            ["CI", "nightly", "office", "trial", "ci-shop"],
        ),
        (
            "expires_at",
            ["trial", "CI", "nightly", "office", "ci-shop"],
        ),
        (
            "-expires_at",
            ["ci-shop", "office", "nightly", "CI", "trial"],
        ),
        (
            "last_used_at",
            ["CI", "nightly", "office", "trial", "ci-shop"],
        ),
    ] {
        assert_eq!(
            names(&registry, &format!("sort={sort}")).await,
            expected,
            "{sort}"
        );
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let query = format!("sort={sort}&limit=2{cursor}");
            let page = find(&registry, &query).await.has(200).json();
            let items = page["items"].as_array().unwrap();
            paged.extend(items.iter().map(|item| text(&item["name"])));
            match &page["next_cursor"] {
                Value::String(next) => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        assert_eq!(paged, expected, "{sort}, two at a time");
    }
}

#[tokio::test]
async fn a_cursor_goes_on_with_its_own_list_only() {
    let registry = TestRegistry::start().await;
    some(&registry).await;
    let page = find(&registry, "sort=name&type=api_key&limit=1")
        .await
        .has(200)
        .json();
    let cursor = text(&page["next_cursor"]);
    for other in [
        "sort=-name&type=api_key",
        "sort=updated_at&type=api_key",
        "sort=name",
        "sort=name&type=api_key&name=c",
        "type=api_key",
    ] {
        let refused = find(&registry, &format!("{other}&cursor={cursor}")).await;
        refused.is_problem(400, "invalid-value", Some("cursor"));
    }
    for broken in ["x", "%00", &cursor[1..], &"A".repeat(5000)] {
        let refused = find(
            &registry,
            &format!("sort=name&type=api_key&cursor={broken}"),
        )
        .await;
        refused.is_problem(400, "invalid-value", Some("cursor"));
    }
    let rest = format!("sort=name&type=api_key&limit=500&cursor={cursor}");
    assert_eq!(names(&registry, &rest).await, ["ci-shop", "nightly"]);
}

#[tokio::test]
async fn a_filter_that_says_nothing_is_refused_by_name() {
    let registry = TestRegistry::start().await;
    for (query, field) in [
        ("colour=red", "colour"),
        ("type=oauth", "type"),
        ("status=gone", "status"),
        ("sort=age", "sort"),
        ("unused_for=a month", "unused_for"),
        ("expiring_within=0d", "expiring_within"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("label=", "label"),
        ("label=:x", "label"),
        ("application=nobody", "application"),
        ("gateway_group=nowhere", "gateway_group"),
        ("name=a&name=b", "name"),
        ("rotation=soon", "rotation"),
    ] {
        let refused = find(&registry, &query.replace(' ', "%20")).await;
        refused.is_problem(400, "invalid-value", Some(field));
    }
}
