//! `keysmith import` and `keysmith export`.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Shell;
use crate::support::TestRegistry;

#[tokio::test]
async fn keys_are_imported_once_however_often_the_file_is() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let mut lines = String::new();
    for number in 0..1200 {
        let sha256 = filter_core::gateway::hex(&Sha256::digest(format!("old key {number}")));
        let line = json!({
            "application": "billing", "create_application": true, "name": format!("key-{number}"),
            "type": "api_key", "sha256": sha256,
        });
        writeln!(lines, "{line}").unwrap();
    }
    shell.file("keys.ndjson", &lines);
    assert_eq!(
        shell.does("import keys.ndjson").await,
        "1200 created, 0 unchanged, 0 failed\n"
    );
    assert_eq!(
        shell.does("import keys.ndjson").await,
        "0 created, 1200 unchanged, 0 failed\n"
    );
    assert_eq!(
        shell
            .json("credentials list billing")
            .await
            .as_array()
            .unwrap()
            .len(),
        1200
    );
    let from_a_pipe = shell.typing(&lines);
    let summary = from_a_pipe.json("import - --format ndjson").await;
    assert_eq!(
        summary,
        json!({"created": 0, "unchanged": 1200, "skipped": 0, "failed": 0, "failures": []})
    );
}

#[tokio::test]
async fn each_line_that_fails_is_named_with_its_reason() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let good = |name: &str| json!({"application": "billing", "name": name, "type": "api_key", "value": format!("a long enough key of {name}").replace(' ', "-")});
    let unknown = json!({"application": "nobody", "name": "x", "type": "api_key", "value": "a-long-enough-key-of-nobody"});
    shell.file(
        "keys.ndjson",
        format!("{}\n\nnonsense\n{unknown}\n{}\n", good("a"), good("b")),
    );
    let ran = shell.run("import keys.ndjson").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("line 3: "), "{ran:?}");
    assert!(lines[1].starts_with("line 4: application: "), "{ran:?}");
    assert_eq!(lines[2], "2 created, 0 unchanged, 2 failed");
    assert!(!ran.out.contains("a-long-enough-key"), "{ran:?}");

    let ran = shell.run("import keys.ndjson --output json").await;
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(summary["failures"][1]["line"], 4);
    assert_eq!(summary["failures"][1]["problem"]["field"], "application");
}

#[tokio::test]
async fn a_csv_file_names_its_fields_in_the_first_line() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell
        .does("apps create billing --scope orders:read --scope orders:write")
        .await;
    shell.file(
        "keys.csv",
        "application,name,type,value,description,labels,scopes\n\
         billing,a,api_key,a-long-enough-key-of-a,\"two\nlines, no\",team=pay;env=prod,orders:read orders:write\n\
         billing,b,api_key,a-long-enough-key-of-b,,,\n",
    );
    let ran = shell.run("import keys.csv").await;
    assert!(ran.out.contains("line 2: description: "), "{ran:?}");
    assert!(
        ran.out.ends_with("1 created, 0 unchanged, 1 failed\n"),
        "{ran:?}"
    );
    let text = shell
        .read("keys.csv")
        .replace('\n', " ")
        .replace("scopes ", "scopes\n")
        .replace(" billing,b", "\nbilling,b");
    shell.file("keys.csv", text);
    assert_eq!(
        shell.does("import keys.csv").await,
        "1 created, 1 unchanged, 0 failed\n"
    );
    let made = shell.json("credentials show billing/a").await;
    assert_eq!(made["labels"], json!({"team": "pay", "env": "prod"}));
    assert_eq!(made["scopes"], json!(["orders:read", "orders:write"]));
    assert_eq!(made["description"], "two lines, no");
}

#[tokio::test]
async fn users_of_htpasswd_come_in_with_their_passwords() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    // htpasswd -nbs bob secret
    shell.file(
        "old.htpasswd",
        "# users\nbob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n",
    );
    shell.fails(2, "import old.htpasswd").await;
    shell
        .fails(2, "import old.htpasswd --create-application")
        .await;
    let out = shell
        .does("import old.htpasswd --application web --create-application")
        .await;
    assert_eq!(out, "1 created, 0 unchanged, 0 failed\n");
    assert_eq!(
        shell.json("credentials show web/bob").await["username"],
        "bob"
    );

    shell.file(
        "bad.htpasswd",
        "carol:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\ndave:plain\nnonsense\n",
    );
    let ran = shell.run("import bad.htpasswd --application web").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("line 2: password_hash: "), "{ran:?}");
    assert!(
        ran.out
            .contains("line 3: not a user name, a colon and a hash"),
        "{ran:?}"
    );
    assert!(!ran.out.contains("plain"), "{ran:?}");
}

#[tokio::test]
async fn an_interrupted_import_goes_on_where_it_was() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    let line = |number: u32| {
        let value = format!("a-long-enough-key-of-{number}");
        json!({"application": "billing", "create_application": true, "name": format!("key-{number}"), "type": "api_key", "value": value})
            .to_string()
    };
    shell.file("keys.ndjson", format!("{}\n{}\n", line(1), line(2)));
    shell.does("import keys.ndjson --resume mark").await;
    assert!(!shell.read("mark").contains("long-enough"));
    // The file has grown.
    shell.file(
        "keys.ndjson",
        format!("{}\n{}\n{}\n", line(1), line(2), line(3)),
    );
    let out = shell.does("import keys.ndjson --resume mark").await;
    assert_eq!(out, "1 created, 0 unchanged, 0 failed, 2 skipped\n");

    shell.file(
        "other.ndjson",
        format!("{}\n{}\n{}\n", line(4), line(2), line(3)),
    );
    let ran = shell.run("import other.ndjson --resume mark").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("another file's import"), "{ran:?}");
    shell.file("short.ndjson", line(1));
    assert_eq!(shell.run("import short.ndjson --resume mark").await.code, 2);
    shell.file("mark", "something else");
    shell.fails(2, "import keys.ndjson --resume mark").await;
}

#[tokio::test]
async fn an_import_that_cannot_begin_says_why() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.file("keys.txt", "");
    assert!(shell.fails(2, "import keys.txt").await.contains("--format"));
    shell.fails(1, "import missing.ndjson").await;
    shell
        .fails(2, "import keys.txt --format ndjson --application web")
        .await;
    let out = shell.does("import keys.txt --format ndjson").await;
    assert_eq!(out, "0 created, 0 unchanged, 0 failed\n");
    registry.stop().await;
    shell.file("one.ndjson", "{}");
    let ran = shell.run("import one.ndjson").await;
    assert_eq!(ran.code, 6, "{ran:?}");
}

#[tokio::test]
async fn an_export_holds_everything_but_the_secrets() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let out = shell
        .does("credentials create billing ci --show-secret")
        .await;
    let secret = out.lines().last().unwrap();
    let exported = shell.does("export").await;
    assert!(
        exported.contains("\"billing\"") && exported.contains("\"ci\""),
        "{exported}"
    );
    assert!(!exported.contains(secret), "{exported}");
    for line in exported.lines() {
        assert!(
            serde_json::from_str::<Value>(line).unwrap().is_object(),
            "{line}"
        );
    }
    let table = shell.does("export --format csv").await;
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.starts_with("application,"), "{table}");
    assert!(!table.contains(secret), "{table}");
    shell.fails(2, "export --format xml").await;
    let stranger = shell.with("KEYSMITH_TOKEN", "nobody");
    stranger.fails(5, "export").await;
}
