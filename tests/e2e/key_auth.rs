//! API keys in the header, the query and a cookie.

use e2e::stack::Stack;
use serde_json::json;

const MISSING: &str = "Missing API key in request";
const INVALID: &str = "Invalid API key in request";

#[tokio::test(flavor = "multi_thread")]
async fn the_right_key_passes_and_nothing_else_does() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let missing = client.get("/").send().await.refused(401, MISSING);
    assert_eq!(missing.header("www-authenticate"), r#"apikey realm="key""#);
    let wrong = client
        .get("/")
        .key("wrong")
        .send()
        .await
        .refused(401, INVALID);
    assert_eq!(wrong.header("www-authenticate"), r#"apikey realm="key""#);

    let mut mistyped = key.clone();
    mistyped.replace_range(10..11, if &key[10..11] == "x" { "y" } else { "x" });
    for other in [
        "",
        " ",
        &mistyped,
        &key[..key.len() - 1],
        &key.to_uppercase(),
        &format!("{key} x"),
    ] {
        client.get("/").key(other).send().await.expect(401);
    }

    let passed = client.get("/").key(&key).send().await;
    assert_eq!(
        passed.header("www-authenticate"),
        "",
        "no challenge on success"
    );
    let seen = passed.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
    assert_eq!(seen.header("apikey"), key, "not hidden unless asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_stand_in_header_query_or_cookie() {
    let rule = json!({"key_auth": {"header": "x-key", "query": "key", "cookie": "session"}});
    let stack = Stack::with_rule(rule).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").header("x-key", &key).until(200).await;

    client
        .get("/")
        .header("X-Key", &key)
        .send()
        .await
        .expect(200);
    client
        .get(&format!("/?a=1&key={key}&b=2"))
        .send()
        .await
        .expect(200);
    client
        .get("/")
        .header("cookie", format!("a=1; session={key}; b=2"))
        .send()
        .await
        .expect(200);
    // The defaults are not places any more once places are named.
    client.get("/").key(&key).send().await.refused(401, MISSING);
    client
        .get(&format!("/?apikey={key}"))
        .send()
        .await
        .refused(401, MISSING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_can_be_switched_off() {
    let stack = Stack::with_rule(json!({"key_auth": {"header": "apikey", "query": null}})).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    client
        .get(&format!("/?apikey={key}"))
        .send()
        .await
        .refused(401, MISSING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_in_the_first_place_is_not_rescued_by_another() {
    let stack = Stack::with_rule(
        json!({"key_auth": {"header": "apikey", "query": "apikey", "cookie": "apikey"}}),
    )
    .await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let in_query = format!("/?apikey={key}");
    let in_cookie = format!("apikey={key}");
    client
        .get(&in_query)
        .key("wrong")
        .send()
        .await
        .refused(401, INVALID);
    client
        .get("/?apikey=wrong")
        .header("cookie", &in_cookie)
        .send()
        .await
        .refused(401, INVALID);
    client
        .get("/?apikey=wrong")
        .key(&key)
        .send()
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_is_refused() {
    let stack = Stack::with_rule(
        json!({"key_auth": {"header": "apikey", "query": "apikey", "cookie": "apikey"}}),
    )
    .await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    for repeated in [
        client.get("/").key(&key).key(&key),
        client.get("/").key(&key).key("x"),
        client.get(&format!("/?apikey={key}&apikey={key}")),
        client.get(&format!("/?apikey={key}&api%6bey={key}")),
        client
            .get("/")
            .header("cookie", format!("apikey={key}; apikey={key}")),
    ] {
        repeated
            .send()
            .await
            .refused(400, "Repeated credential in request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_key_reaches_the_upstream_nowhere() {
    let rule = json!({"key_auth": {
        "header": "apikey", "query": "apikey", "cookie": "apikey", "hide_credentials": true
    }});
    let stack = Stack::with_rule(rule).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;

    let everywhere = client
        .get(&format!("/a?x=1&apikey={key}&y=%20"))
        .key(&key)
        .header("cookie", format!("a=1; apikey={key}; b=2"))
        .send()
        .await
        .echoed();
    assert!(!everywhere.mentions(&key), "{everywhere:?}");
    assert_eq!(everywhere.path, "/a?x=1&y=%20");
    assert_eq!(everywhere.header("cookie"), "a=1; b=2");

    let alone = client
        .get(&format!("/a?apikey={key}"))
        .send()
        .await
        .echoed();
    assert_eq!(alone.path, "/a");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_key_works_as_given() {
    let stack = Stack::with_rule(json!({"key_auth": {}})).await;
    let (client, admin) = (stack.client().await, stack.admin());
    let application = admin.application(json!({"name": "jack"})).await;
    let own = "my-own-key-of-some-length/+=";
    let body = json!({"type": "api_key", "name": "own", "value": own});
    admin.credential(&application, body).await;
    client.get("/").key(own).until(200).await;
    client
        .get("/?apikey=my-own-key-of-some-length%2F%2B%3D")
        .send()
        .await
        .expect(200);
}
