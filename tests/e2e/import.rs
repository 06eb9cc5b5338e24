//! Keys, tokens and users that existed before, at the gateway.

use e2e::{admin::Admin, stack::Stack};
use serde_json::{Value, json};

/// What the hashes below were made of.
const PASSWORD: &str = "correct horse battery";
/// By crypt(3), `openssl dgst -sha1` and `openssl passwd -apr1`.
const HASHES: [(&str, &str); 3] = [
    (
        "bcrypt",
        "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
    ),
    ("sha", "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U="),
    ("apr", "$apr1$abcdefgh$GQF3hbcxO2ySp4igPQ/3a."),
];
const WRONG: &str = "Invalid user authorization";
/// The SHA-256 of `the-key-of-another-gateway`.
const SHA_256: &str = "ab6b243d7614639bea076c4c824e000fae027680f4d3a9bc736b42039a88fb90";

async fn import(admin: &Admin, lines: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let text = lines.join("\n");
    let call = admin.call("POST", "/v1/import");
    let call = call.body("application/x-ndjson", text.into_bytes());
    let answer = call.send().await.expect(200);
    answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_whose_passwords_were_hashed_elsewhere_log_in() {
    let stack = Stack::with_rule(json!({"basic_auth": {}})).await;
    let client = stack.client().await;
    let lines = HASHES.map(|(name, hash)| {
        json!({
            "application": "office", "create_application": true, "type": "basic", "name": name,
            "username": name, "password_hash": hash,
        })
    });
    for answer in import(&stack.admin(), &lines).await {
        assert_eq!(answer["status"], "created", "{answer}");
    }
    for (name, _) in HASHES {
        client.get("/").basic(name, PASSWORD).until(200).await;
        let refused = client.get("/").basic(name, "correct horse").send().await;
        refused.refused(401, WRONG);
    }
    // By now the registry keeps other hashes of the same passwords, and still knows the lines again.
    for answer in import(&stack.admin(), &lines).await {
        assert_eq!(answer["status"], "unchanged", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_tokens_that_existed_before_work_under_their_old_values() {
    let rule = json!({"key_auth": {}, "bearer": {}});
    let stack = Stack::with_rule(rule).await;
    let client = stack.client().await;
    let admin = stack.admin();
    let line = |name: &str, rest: Value| {
        let mut line = json!({"application": "billing", "create_application": true, "name": name});
        for (field, value) in rest.as_object().expect("fields") {
            line[field] = value.clone();
        }
        line
    };
    let end = "2099-12-31T00:00:00Z";
    let lines = [
        line(
            "plain",
            json!({"type": "api_key", "value": "a-key-of-an-old-gateway"}),
        ),
        line("hashed", json!({"type": "api_key", "sha256": SHA_256})),
        line(
            "token",
            json!({"type": "bearer_token", "value": "a-token-of-an-old-gateway", "expires_at": end}),
        ),
    ];
    for answer in import(&admin, &lines).await {
        assert_eq!(answer["status"], "created", "{answer}");
    }
    client
        .get("/")
        .key("a-key-of-an-old-gateway")
        .until(200)
        .await;
    let seen = client
        .get("/")
        .key("the-key-of-another-gateway")
        .until(200)
        .await;
    assert_eq!(seen.echoed().header("x-consumer-username"), "billing");
    client
        .get("/")
        .bearer("a-token-of-an-old-gateway")
        .until(200)
        .await;
    client
        .get("/")
        .key("the-key-of-another-gatewax")
        .send()
        .await
        .expect(401);
    // The hash is not the key.
    client.get("/").key(SHA_256).send().await.expect(401);
}
