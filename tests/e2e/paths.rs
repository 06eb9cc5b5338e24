//! Paths that a rule and the upstream could read differently.

use e2e::{http::Client, raw, stack::Stack};
use serde_json::json;

fn rules() -> serde_json::Value {
    json!([{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}}])
}

/// The status, and the path that the upstream received when there was one.
async fn ask(client: &Client, path: &str) -> (u16, String) {
    let request = raw::request(&format!("GET {path} HTTP/1.1"), &[b"host: api.example.com"]);
    let answer = raw::exchange(client.address(), &request).await;
    let status = raw::status(&answer);
    let seen = answer
        .split_once("\"path\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(path, _)| path);
    (status, seen.to_owned())
}

/// Paths that begin with `/public` and lead elsewhere in some reading.
const ESCAPES: [&str; 22] = [
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/%2E./admin",
    "/public/.%2e/admin",
    "/public/..%2fadmin",
    "/public/..%2Fadmin",
    "/public%2f..%2fadmin",
    "/public/..%5cadmin",
    "/public/..\\admin",
    "/public\\..\\admin",
    "/public//../admin",
    "/public/./../admin",
    "/public/x/../../admin",
    "/public/..;/admin",
    "/public;/../admin",
    "/public/..;x=1/admin",
    "/public/%252e%252e/../../admin",
    "/public/../../admin",
    "/../admin",
    "//public/../admin",
    "/public/%00/../admin",
    "/public/%zz/../admin",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_out_of_a_public_prefix_on_envoys_defaults() {
    let stack = Stack::with(|config| config.rules(rules()).with_envoys_defaults()).await;
    let client = stack.client().await;
    for path in ESCAPES {
        let (status, seen) = ask(&client, path).await;
        assert!(
            matches!(status, 400 | 401),
            "{path}: {status}, upstream saw {seen}"
        );
    }
    for neighbour in [
        "/publicx",
        "/public.html",
        "/PUBLIC",
        "/publi%63x",
        "/Public/",
    ] {
        let (status, seen) = ask(&client, neighbour).await;
        assert_eq!(status, 401, "{neighbour}, upstream saw {seen}");
    }
    for inside in [
        "/public",
        "/public/",
        "/public/x",
        "/publi%63/x",
        "/public?x=/../admin",
        "//public/x",
        "/x/../public",
    ] {
        let (status, seen) = ask(&client, inside).await;
        assert_eq!(
            (status, seen.as_str()),
            (200, inside),
            "forwarded as it was written"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leads_out_of_a_public_prefix_on_the_reference_configuration() {
    let stack = Stack::with(|config| config.rules(rules())).await;
    let client = stack.client().await;
    for path in ESCAPES {
        let (status, seen) = ask(&client, path).await;
        // Envoy resolves some of them to a path that is public for the filter and the upstream alike.
        let same_for_both = seen.starts_with("/public/") && !seen.contains(['.', '%', '\\', ';']);
        assert!(
            matches!(status, 400 | 401) || same_for_both,
            "{path}: {status}, upstream saw {seen}"
        );
    }
    for (inside, forwarded) in [
        ("/public/a/../x", "/public/x"),
        ("/public//x", "/public/x"),
        ("/publi%63/x", "/public/x"),
        ("/x/../public", "/public"),
    ] {
        assert_eq!(
            ask(&client, inside).await,
            (200, forwarded.to_owned()),
            "{inside}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_prefix_cannot_be_written_around() {
    let rules = json!([{"paths": [{"prefix": "/admin"}], "key_auth": {}}, {"public": true}]);
    let stack = Stack::with(|config| config.rules(rules).with_envoys_defaults()).await;
    let client = stack.client().await;
    for path in [
        "/admin",
        "/%61dmin",
        "/admi%6e/x",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/admin/../admin",
        "/%2fadmin",
        "/x%2f..%2fadmin",
        "/x\\..\\admin",
        "/admin;x=1/y",
        "/admin%2fy",
        "/admin?x",
        "/admin#x",
    ] {
        let (status, seen) = ask(&client, path).await;
        assert!(
            matches!(status, 400 | 401),
            "{path}: {status}, upstream saw {seen}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_paths_pass_where_no_rule_looks_at_the_path() {
    let stack = Stack::with(|config| {
        config
            .rules(json!([{"public": true}]))
            .with_envoys_defaults()
    })
    .await;
    let client = stack.client().await;
    let (status, seen) = ask(&client, "/x/..%2fadmin").await;
    assert_eq!((status, seen.as_str()), (200, "/x/..%2fadmin"));
}
