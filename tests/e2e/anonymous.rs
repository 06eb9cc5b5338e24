//! The application that stands in for callers who prove nothing.

use e2e::stack::Stack;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_anonymous_application_stands_in_for_missing_and_wrong_credentials() {
    let rule = json!({
        "key_auth": {"query": "apikey", "header": "apikey", "hide_credentials": true},
        "bearer": {"hide_credentials": true},
        "anonymous": "guest",
    });
    let stack = Stack::with_rule(rule).await;
    let (client, admin) = (stack.client().await, stack.admin());
    // It must exist.
    let unknown = client
        .get("/")
        .send()
        .await
        .refused(401, "Invalid user authorization");
    assert!(
        unknown
            .all("www-authenticate")
            .join(",")
            .contains(r#"apikey realm="key""#)
    );

    let guest = admin
        .application(json!({"name": "guest", "custom_id": "nobody"}))
        .await;
    let key = admin.key("jack").await.secret;
    client.get("/").until(200).await;
    client.get("/").key(&key).until(200).await;

    for call in [
        client.get("/"),
        client.get("/").key("wrong"),
        client.get("/?apikey=wrong"),
        client.get("/").bearer("wrong"),
        client
            .get("/")
            .header("x-consumer-username", "admin")
            .header("x-credential-identifier", "admin"),
    ] {
        let seen = call.send().await.echoed();
        assert_eq!(seen.header("x-consumer-username"), "guest");
        assert_eq!(seen.header("x-consumer-custom-id"), "nobody");
        assert!(!seen.has("x-credential-identifier"));
        assert!(
            !seen.mentions("wrong"),
            "hidden on the anonymous path as well: {seen:?}"
        );
    }
    let seen = client.get("/").key(&key).send().await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    client.get("/").key(&key).key(&key).send().await.expect(400);

    admin
        .patch(
            &format!("/v1/applications/{guest}"),
            json!({"enabled": false}),
        )
        .await;
    client.get("/").until(401).await;
}
