//! `keysmith scan`.

use std::os::unix::fs::symlink;

use filter_core::key::SecretType;
use serde_json::json;

use super::Shell;
use crate::support::token;

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

    let ran = shell.run("scan key.txt --max-size 0").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.err,
        "keysmith: key.txt: skipped, it is larger than 0 MiB (--max-size)\n"
    );
}
