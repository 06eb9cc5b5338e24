//! `keysmith bridge-check` and `keysmith providers reconcile`, at bridges that are right and wrong.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use registry::{entropy::SystemEntropy, ids::OperationId};
use serde_json::{Value, json};

use super::{Ran, Shell};
use crate::support::{
    START, TestRegistry,
    bridge::{Bridge, KEY},
    text,
};

fn shell() -> Shell {
    let shell = Shell::without_anything();
    let secrets = json!({"headers": {"X-API-KEY": KEY}});
    shell.file("secrets.json", secrets.to_string());
    shell
}

async fn check(bridge: &Bridge, options: &str) -> Ran {
    let url = &bridge.url;
    let command = format!(
        "bridge-check {url} --secrets secrets.json --list {url}/list --allow-network 127.0.0.0/8 {options}"
    );
    let ran = shell().run(&command).await;
    let said = format!("{}{}", ran.out, ran.err);
    for secret in bridge.secrets().iter().map(String::as_str).chain([KEY]) {
        assert!(!said.contains(secret), "a secret is printed: {said}");
    }
    ran
}

/// Steps as `step outcome`, without those that are in order; with the whole text for what is to be found in it.
async fn troubles(bridge: &Bridge, options: &str) -> (i32, Vec<String>, String) {
    let ran = check(bridge, &format!("{options} --output json")).await;
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let steps = report["steps"].as_array().unwrap();
    let troubles = steps.iter().filter(|step| step["outcome"] != "ok");
    let troubles =
        troubles.map(|step| format!("{} {}", text(&step["step"]), text(&step["outcome"])));
    assert_eq!(report["ok"], ran.code == 0);
    (ran.code, troubles.collect(), ran.out)
}

#[tokio::test]
async fn a_bridge_that_is_right_is_told_so_and_nothing_is_left_in_it() {
    for (bridge, dialect) in [
        (Bridge::api7("").await, "api7"),
        (Bridge::konnect("").await, "konnect"),
    ] {
        let ran = check(&bridge, &format!("--dialect {dialect}")).await;
        assert_eq!(ran.code, 0, "{dialect}: {ran:?}");
        let steps: Vec<&str> = ran.out.lines().skip(1).collect();
        assert_eq!(steps.len(), 14, "{}", ran.out);
        assert!(
            steps.iter().all(|step| step.contains("  ok  ")),
            "{}",
            ran.out
        );
        assert_eq!(bridge.clients(), 0);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_bridge_is_named_where_it_is_wrong() {
    for (fault, wrong, detail) in [
        ("open", "authentication wrong", "where 401 is due"),
        ("html", "register wrong", "its Content-Type is text/plain"),
        ("no secret", "register wrong", "holds no client_secret"),
        ("no id", "register wrong", "holds no client_id"),
        (
            "odd time",
            "register wrong",
            "client_secret_expires_at is neither",
        ),
        ("odd scope", "register wrong", "scope is not a text"),
        (
            "another mark",
            "register wrong",
            "software_version is not what was sent",
        ),
        (
            "one client",
            "register another wrong",
            "the same client_id once more",
        ),
        ("unmarked", "mark wrong", "without the mark"),
        ("no update", "update wrong", "it answers 405: not_allowed"),
        ("moved", "update wrong", "redirects are not followed"),
        ("another client", "update wrong", "about another client"),
        (
            "same secret",
            "rotate secret wrong",
            "the same client_secret once more",
        ),
        (
            "tells in errors",
            "rotate secret wrong",
            "cannot replace (hidden)",
        ),
        ("fails", "refuse what is not JSON wrong", "it answers 500"),
        ("forbids", "refuse what is not JSON wrong", "400 is due"),
        (
            "silent",
            "refuse what is not JSON wrong",
            "so nobody learns why",
        ),
        (
            "echoes",
            "refuse what is not JSON wrong",
            "repeats what it was opened with",
        ),
        (
            "takes anything",
            "refuse wrong types wrong",
            "as if nothing were wrong",
        ),
        (
            "updates nobody",
            "update a client that is not there wrong",
            "404 is due",
        ),
        (
            "rotates nobody",
            "rotate a client that is not there wrong",
            "404 is due",
        ),
        (
            "deletes once",
            "delete again wrong",
            "go on trying for ever",
        ),
        (
            "deletes nothing",
            "is gone wrong",
            "still gets another secret",
        ),
        (
            "no delete",
            "clean up wrong",
            "left behind, remove them: c 1, c 2",
        ),
    ] {
        for (bridge, dialect) in [
            (Bridge::api7(fault).await, "api7"),
            (Bridge::konnect(fault).await, "konnect"),
        ] {
            let (code, troubles, out) = troubles(&bridge, &format!("--dialect {dialect}")).await;
            assert_eq!(code, 1, "{fault} {dialect}: {out}");
            assert!(
                troubles.contains(&wrong.to_owned()),
                "{fault} {dialect}: {out}"
            );
            assert!(out.contains(detail), "{fault} {dialect}: {out}");
        }
    }
}

#[tokio::test]
async fn what_the_registry_gets_along_with_is_advice_and_nothing_wrong() {
    let bridge = Bridge::api7("plain").await;
    let (code, troubles, out) = troubles(&bridge, "").await;
    assert_eq!(troubles, ["register advice", "register advice"], "{out}");
    assert_eq!(code, 0);
}

#[tokio::test]
async fn a_bridge_that_cannot_be_talked_to_is_wrong_and_a_wrong_command_is_not() {
    let bridge = Bridge::api7("").await;
    let url = &bridge.url;
    let ran = shell().run(&format!("bridge-check {url}")).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("--allow-network"), "{ran:?}");
    shell().fails(2, "bridge-check ftp://bridge.example").await;
    shell().fails(2, "bridge-check http://bridge.example").await;
    let shell = shell();
    shell.file("other.json", "{\"headers\": \"hush-hush\"}");
    let said = shell
        .fails(2, &format!("bridge-check {url} --secrets other.json"))
        .await;
    assert!(
        said.contains("other.json") && !said.contains("hush"),
        "{said}"
    );
}

#[tokio::test]
async fn providers_are_compared_and_repaired_on_request() {
    let registry =
        TestRegistry::with(&[("KEYSMITH_OUTGOING_ALLOWED_NETWORKS", "127.0.0.0/8")]).await;
    let bridge = Bridge::api7("").await;
    let shell = Shell::at(&registry);
    let list = format!("{}/list", bridge.url);
    let configuration = json!({"base_url": bridge.url, "dialect": "api7", "list_endpoint": list});
    shell.file("bridge.json", configuration.to_string());
    shell.file(
        "secrets.json",
        json!({"headers": {"X-API-KEY": KEY}}).to_string(),
    );
    shell
        .does("providers create bridge --kind http_bridge --issuer https://id.example --configuration bridge.json --secrets secrets.json")
        .await;
    assert_eq!(shell.does("providers reconcile").await, "");

    let provider = text(&shell.json("providers get bridge").await["id"]);
    let operation = OperationId::generate(START, &SystemEntropy).unwrap();
    let mark = json!({"software_id": format!("keysmith-{provider}"), "software_version": operation.to_string()});
    bridge.put("stray", mark);
    let ran = shell.run("providers reconcile --output json").await;
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(found[0]["provider"], "bridge");
    assert_eq!(found[0]["findings"][0]["kind"], "orphan", "{found}");
    let ran = shell.run("providers reconcile bridge --repair").await;
    assert_eq!(
        ran.code, 1,
        "an orphan is removed only where that is asked for: {ran:?}"
    );
    assert!(
        ran.out.contains("orphan") && ran.out.contains("stray"),
        "{ran:?}"
    );
    let ran = shell.run("providers reconcile bridge --orphans").await;
    assert_eq!((ran.code, bridge.clients()), (0, 0), "{ran:?}");
    assert_eq!(
        shell.json("providers reconcile bridge").await["findings"],
        json!([])
    );
    shell.fails(3, "providers reconcile nowhere").await;
}

/// `registry/examples/bridge.py`, which ends with this value.
struct Example(Child, String);

impl Example {
    fn start() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bridge.py");
        let mut child = Command::new("python3")
            .args([file, "0"])
            .env("BRIDGE_KEY", KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_example_of_a_bridge_is_one_with_which_nothing_is_wrong() {
    let example = Example::start();
    let url = &example.1;
    let command = format!(
        "bridge-check {url} --secrets secrets.json --list {url}/clients --allow-network 127.0.0.0/8"
    );
    let ran = shell().run(&command).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let steps: Vec<&str> = ran.out.lines().skip(1).collect();
    assert!(
        steps.iter().all(|step| step.contains("  ok  ")),
        "{}",
        ran.out
    );
}
