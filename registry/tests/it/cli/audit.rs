//! `keysmith audit`.

use super::Shell;
use crate::support::{Data, TestRegistry, text};

#[tokio::test]
async fn what_was_done_is_listed_the_latest_first() {
    let registry = TestRegistry::start().await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    shell.does("apps create search").await;
    shell
        .does("credentials create billing ci --show-secret")
        .await;
    let table = shell.does("audit list").await;
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("AT "), "{table}");
    assert!(
        lines[1].contains("credential.created") && lines[1].contains("127.0.0.1"),
        "{table}"
    );

    let of_billing = shell.json("audit list --app billing").await;
    assert_eq!(of_billing.as_array().unwrap().len(), 2);
    let of_ci = shell.json("audit list --credential billing/ci").await;
    assert_eq!(of_ci.as_array().unwrap().len(), 1);
    let made = shell
        .json("audit list --action application.created --limit 1")
        .await;
    assert_eq!(text(&made[0]["subject"]), "search");
    let by = text(&made[0]["token"]);
    let by_admin = shell.json(&format!("audit list --token {by}")).await;
    let by_admin = by_admin.as_array().unwrap();
    assert!(by_admin.len() > 1 && by_admin.iter().all(|one| one["token"] == by));
    let by_nobody = shell
        .json("audit list --token tok_01hzzzzzzzzzzzzzzzzzzzzzzz")
        .await;
    assert_eq!(by_nobody, serde_json::json!([]));
    // The registry's clock stands in 2027.
    let since = shell
        .json("audit list --app billing --since 2027-01-16T00:00:00Z")
        .await;
    assert_eq!(since, serde_json::json!([]));
    let until = shell
        .json("audit list --app billing --until 2027-01-16T00:00:00Z")
        .await;
    assert_eq!(until.as_array().unwrap().len(), 2);

    assert!(
        shell
            .fails(1, "audit list --action nothing")
            .await
            .contains("action: ")
    );
    shell.fails(2, "audit list --since yesterday").await;
    shell.fails(3, "audit list --app nobody").await;
}

#[tokio::test]
async fn the_log_is_verified_beside_the_registry() {
    let data = Data::sqlite();
    let path = data.path();
    let registry = data.start(&[]).await;
    let shell = Shell::at(&registry);
    shell.does("apps create billing").await;
    let here = Shell::without_anything().with("KEYSMITH_DATA_DIR", path.to_str().unwrap());
    let said = here.does("audit verify").await;
    assert!(said.starts_with("OK: "), "{said}");
    let head = said.lines().find_map(|line| line.strip_prefix("head: "));
    let head = head.unwrap().to_owned();
    shell.does("apps create search").await;
    here.does(&format!("audit verify --head {head}")).await;
    let report = here.json("audit verify").await;
    assert_eq!(
        (&report["intact"], &report["first"]),
        (&true.into(), &1.into())
    );
    let export = registry
        .admin()
        .get("/v1/audit/export")
        .await
        .has(200)
        .text();
    here.file("export", &export);
    let said = here
        .does(&format!("audit verify --file export --head {head}"))
        .await;
    assert!(said.starts_with("OK: "), "{said}");
    here.file("export", export.replace("billing", "milling"));
    let ran = here.run("audit verify --file export").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.out.starts_with("BROKEN: record ") && ran.out.contains("application.created): altered"),
        "{ran:?}"
    );
    let later = head.replace("head-1:", "head-1:9");
    let ran = here.run(&format!("audit verify --head {later}")).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("the log is cut off"), "{ran:?}");

    here.fails(2, "audit verify --head x").await;
    let nowhere = Shell::without_anything().with("KEYSMITH_DATA_DIR", "/nonexistent");
    nowhere.fails(2, "audit verify").await;
}
