//! Lists, page by page.

use serde_json::{Value, json};

use crate::support::{TestRegistry, text};

async fn page(
    registry: &TestRegistry,
    path: &str,
    limit: usize,
    cursor: Option<&str>,
) -> (Vec<Value>, Option<String>) {
    let mut path = format!("{path}?limit={limit}");
    if let Some(cursor) = cursor {
        path.push_str("&cursor=");
        path.push_str(cursor);
    }
    let page = registry.admin().get(&path).await.has(200).json();
    let next = page["next_cursor"].as_str().map(ToOwned::to_owned);
    (page["items"].as_array().unwrap().clone(), next)
}

#[tokio::test]
async fn every_item_is_on_exactly_one_page() {
    let registry = TestRegistry::start().await;
    for number in 0..7 {
        registry.application(&format!("app-{number}")).await;
    }
    for limit in [1, 2, 3, 6, 7, 8, 500] {
        let mut names = Vec::new();
        let mut cursor = None;
        loop {
            let (items, next) = page(&registry, "/v1/applications", limit, cursor.as_deref()).await;
            names.extend(items.iter().map(|item| text(&item["name"])));
            cursor = next;
            if cursor.is_none() {
                break;
            }
            assert_eq!(items.len(), limit);
        }
        names.sort();
        assert_eq!(
            names,
            (0..7)
                .map(|number| format!("app-{number}"))
                .collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn changes_between_two_pages_neither_repeat_nor_hide_others() {
    let registry = TestRegistry::start().await;
    let app = registry.application("billing").await;
    let path = format!("/v1/applications/{app}/credentials");
    let mut ids = Vec::new();
    for number in 0..6 {
        let body = json!({"type": "api_key", "name": format!("key-{number}")});
        ids.push(text(&registry.credential(&app, body).await["id"]));
        registry.clock.advance(std::time::Duration::from_millis(1));
    }
    let (first, cursor) = page(&registry, &path, 3, None).await;
    assert_eq!(first.len(), 3);
    // The very item that the cursor names goes, one from the past, and one from the future; another comes.
    for index in [2, 0, 4] {
        registry
            .admin()
            .delete(&format!("/v1/credentials/{}", ids[index]))
            .await
            .has(204);
    }
    let late = registry
        .credential(&app, json!({"type": "api_key", "name": "late"}))
        .await;
    let (second, end) = page(&registry, &path, 500, cursor.as_deref()).await;
    let second: Vec<String> = second.iter().map(|item| text(&item["id"])).collect();
    assert_eq!(second, [ids[3].clone(), ids[5].clone(), text(&late["id"])]);
    assert_eq!(end, None);
}
