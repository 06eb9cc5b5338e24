//! Leaked secrets at the gateway.

use e2e::stack::{Foundation, READY};
use serde_json::json;

const INVALID: &str = "Invalid API key in request";

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_stops_and_the_other_keys_of_its_application_work_on() {
    let foundation = Foundation::with(|settings| {
        let policy = ("LEAK_POLICY".to_owned(), "disable".to_owned());
        settings.more.push(policy);
    })
    .await;
    let config = foundation.config().rules(json!([{"key_auth": {}}]));
    let stack = foundation.envoy(&config).await;
    let client = stack.client().await;
    client.get(READY).until(200).await;
    let admin = stack.admin();
    let application = admin.application(json!({"name": "billing"})).await;
    let key = async |name: &str| {
        let body = json!({"type": "api_key", "name": name});
        admin.credential(&application, body).await
    };
    let (leaked, other) = (key("leaked").await, key("other").await);
    for key in [&leaked, &other] {
        client.get("/").key(&key.secret).until(200).await;
    }

    let token = admin
        .post("/v1/tokens", json!({"role": "leak_reporter"}))
        .await;
    let token = token.expect(201).json();
    let reporter = token["token"].as_str().expect("a token");
    let body = json!({"leaks": [{"value": leaked.secret, "source": "scan"}]});
    let call = stack
        .registry
        .client()
        .call("POST", "/v1/leaks")
        .bearer(reporter);
    let told = call.json(&body).send().await.expect(200).json();
    assert_eq!(told, json!({"leaks": [{"status": "recorded"}]}));

    let refused = client.get("/").key(&leaked.secret).until(401).await;
    refused.refused(401, INVALID);
    client.get("/").key(&other.secret).send().await.expect(200);
}
