//! `keysmith scan` and `keysmith leaks`.

use std::os::unix::fs::symlink;

use filter_core::key::SecretType;
use serde_json::json;

use super::Shell;
use crate::support::{TestRegistry, text, token};

#[tokio::test]
async fn secrets_are_found_in_files_and_folders_and_never_printed_whole() {
    let shell = Shell::without_anything();
    let key = token(SecretType::ApiKey, 1);
    let bearer = token(SecretType::BearerToken, 2);
    shell.file("src/config.py", format!("# settings\nKEY = \"{key}\"\n"));
    shell.file(
        "src/deep/er/notes.txt",
        format!("curl -H 'Authorization: Bearer {bearer}'"),
    );
    shell.file("src/clean.txt", "ks_ak_0369CFILORUXadgjmpsvy147ADG3mdGVm");
    shell.file("src/.git/packed", &key);
    shell.file("elsewhere.txt", &key);
    symlink(shell.path("elsewhere.txt"), shell.path("src/link")).unwrap();

    let ran = shell.run("scan src").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let (key_end, bearer_end) = (&key[35..], &bearer[35..]);
    assert_eq!(
        ran.out,
        format!(
            "src/config.py:2:8 api_key ks_ak_…{key_end}\nsrc/deep/er/notes.txt:1:32 bearer_token ks_bt_…{bearer_end}\n"
        )
    );
    // What is named is read, whatever it is.
    let ran = shell.run("scan src/link src/.git --output json").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let masked = format!("ks_ak_…{key_end}");
    assert_eq!(
        found,
        json!([
            {"path": "src/link", "line": 1, "column": 1, "type": "api_key", "masked": masked},
            {"path": "src/.git/packed", "line": 1, "column": 1, "type": "api_key", "masked": masked},
        ])
    );
}

#[tokio::test]
async fn a_clean_folder_is_no_find_and_what_cannot_be_read_is_trouble() {
    let shell = Shell::without_anything();
    shell.file("clean/notes.txt", "nothing here");
    assert_eq!(shell.does("scan clean").await, "");
    assert_eq!(shell.json("scan clean").await, json!([]));
    let missing = shell.fails(2, "scan missing").await;
    assert!(missing.starts_with("keysmith: missing: "), "{missing}");

    shell.file("found.txt", token(SecretType::ApiKey, 1));
    let ran = shell.run("scan missing found.txt").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    shell.fails(2, "scan").await;
}

#[tokio::test]
async fn standard_input_is_searched() {
    let shell = Shell::without_anything().typing(&format!("\n {}", token(SecretType::ApiKey, 1)));
    let ran = shell.run("scan -").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.starts_with("(standard input):2:2 api_key ks_ak_…"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn brand_size_and_binary_files_are_chosen() {
    let shell = Shell::without_anything();
    shell.file("key.txt", token(SecretType::ApiKey, 1));
    shell.file("key.bin", format!("\0{}", token(SecretType::ApiKey, 1)));
    shell.does("scan key.txt --brand acme").await;
    shell.fails(2, "scan key.txt --brand Acme").await;
    assert_eq!(shell.run("scan key.txt --brand ks").await.code, 1);
    shell.does("scan key.bin").await;
    assert_eq!(shell.run("scan key.bin --binary").await.code, 1);
}

#[tokio::test]
async fn nothing_found_is_never_said_of_what_was_too_large_to_be_read() {
    let shell = Shell::without_anything();
    let key = token(SecretType::ApiKey, 1);
    shell.file("large.txt", &key);
    let skipped = "keysmith: large.txt: skipped, it is larger than 0 MiB (--max-size)\n";
    assert_eq!(shell.fails(2, "scan large.txt --max-size 0").await, skipped);
    let shell = shell.typing(&key);
    let ran = shell.run("scan - large.txt --max-size 0").await;
    assert_eq!((ran.code, ran.err.as_str()), (1, skipped), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
}

#[tokio::test]
async fn files_that_are_not_text_are_counted() {
    let shell = Shell::without_anything();
    let key = token(SecretType::ApiKey, 1);
    let utf16: Vec<u8> = format!("\u{feff}{key}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    shell.file("files/a.bin", format!("\0{key}"));
    shell.file("files/b.bin", "\0");
    shell.file("files/windows.txt", utf16);
    let ran = shell.run("scan files").await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    assert_eq!(
        ran.err,
        "keysmith: not searched because they are not text (--binary): 2\n\
         keysmith: not searched because they are UTF-16 (make UTF-8 of them): 1\n"
    );
    let ran = shell.run("scan files --binary").await;
    assert_eq!((ran.code, ran.out.lines().count()), (1, 1), "{ran:?}");
    assert!(ran.err.ends_with("UTF-8 of them): 1\n"), "{ran:?}");
}

#[tokio::test]
async fn what_is_found_can_be_reported() {
    let registry = TestRegistry::with(&[("KEYSMITH_LEAK_POLICY", "disable")]).await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let made = shell
        .json("credentials create billing ci --show-secret")
        .await;
    let strange = token(SecretType::ApiKey, 1);
    let leaked = text(&made["secret"]["value"]);
    shell.file(
        "found.txt",
        format!(
            "{leaked}\n{strange}\n{}\n",
            token(SecretType::GatewayToken, 1)
        ),
    );
    let ran = shell.run("scan found.txt --report").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[0].ends_with(&format!(" recorded disable {}", text(&made["id"]))),
        "{ran:?}"
    );
    assert!(lines[1].ends_with(" unknown"), "{ran:?}");
    assert!(lines[2].contains(" gateway_token ks_gt_…"), "{ran:?}");
    assert!(!ran.out.contains(&leaked), "{ran:?}");
    assert_eq!(
        shell.json("credentials show billing/ci").await["enabled"],
        false
    );

    let ran = shell.run("scan found.txt --report --output json").await;
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found[0]["report"]["action"], "none", "{found}");
}

#[tokio::test]
async fn what_is_found_is_said_also_when_it_cannot_be_reported() {
    let shell = Shell::without_anything();
    let (key, other) = (
        token(SecretType::ApiKey, 1),
        token(SecretType::GatewayToken, 1),
    );
    shell.file("found.txt", format!("{key}\n{other}\n"));
    let ran = shell.run("scan found.txt --report").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[0].ends_with(&format!("{} outcome unknown", &key[35..])),
        "{ran:?}"
    );
    assert!(lines[1].ends_with(&other[35..]), "{ran:?}");
    assert!(ran.err.contains("there is no token"), "{ran:?}");

    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    registry.stop().await;
    shell.file("found.txt", format!("{key}\n{other}\n"));
    let ran = shell.run("scan found.txt --report --output json").await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found[0].get("report"), Some(&serde_json::Value::Null));
    assert_eq!(found[1].get("report"), None);
}

#[tokio::test]
async fn values_that_leaked_elsewhere_are_reported_from_a_file() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let made = shell
        .json("credentials create billing ci --show-secret")
        .await;
    let mut values = vec![token(SecretType::ApiKey, 1); 30];
    values.push(text(&made["secret"]["value"]));
    let shell = shell.typing(&values.join("\n"));
    let outcomes = shell
        .json("leaks report - --found-at https://git.example.com/x --source auditor")
        .await;
    assert_eq!(outcomes.as_array().unwrap().len(), 31);
    assert_eq!(outcomes[0]["status"], "unknown");
    assert_eq!(outcomes[30]["credential"], made["id"]);
    let table = shell.does("leaks report -").await;
    assert!(table.contains("31     recorded  none    cred_"), "{table}");
    shell.fails(1, "leaks report missing").await;
    let wrong = format!("leaks report - --source {}", "x".repeat(129));
    assert!(shell.fails(1, &wrong).await.contains("source"));
}
