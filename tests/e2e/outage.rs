//! The registry goes away, comes back, and comes back as another.

use std::{fs, path::Path, process::Command};

use e2e::{
    echo::Echoed,
    envoy::Envoy,
    stack::{Foundation, READY, Stack},
};
use serde_json::json;

const UNAVAILABLE: &str = "Credentials cannot be checked right now";

fn rules() -> serde_json::Value {
    json!([{"paths": [{"prefix": "/public"}], "public": true}, {"key_auth": {}}])
}

#[tokio::test(flavor = "multi_thread")]
async fn known_credentials_outlive_the_registry() {
    let mut stack = Stack::with_rules(rules()).await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    stack.registry.kill();
    client
        .get("/")
        .key(&key)
        .consistently(200)
        .await
        .expect("known");
    client
        .get("/")
        .key("wrong")
        .consistently(401)
        .await
        .expect("unknown");
    client
        .get(READY)
        .consistently(200)
        .await
        .expect("it can decide");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_silent_for_too_long_makes_the_gateway_refuse() {
    let mut stack = Stack::with(|config| {
        config.rules(rules()).with_filter(|filter| {
            filter["registry"]["poll_wait_seconds"] = json!(1);
            filter["registry"]["max_staleness_seconds"] = json!(4);
        })
    })
    .await;
    let client = stack.client().await;
    let key = stack.admin().key("jack").await.secret;
    client.get("/").key(&key).until(200).await;
    // Nothing changes for longer than the limit, but the registry answers.
    e2e::eventually::within(std::time::Duration::from_mins(1), "six seconds pass", {
        let started = std::time::Instant::now();
        let call = client.get("/").key(&key);
        move || {
            let call = call.clone();
            async move {
                call.send().await.expect(200);
                if started.elapsed().as_secs() >= 6 {
                    Ok(())
                } else {
                    Err("not yet")
                }
            }
        }
    })
    .await;

    stack.registry.kill();
    let refused = client
        .get("/")
        .key(&key)
        .until(503)
        .await
        .refused(503, UNAVAILABLE);
    assert_ne!(refused.header("retry-after"), "");
    client.get(READY).until(503).await;
    client
        .get("/public")
        .consistently(200)
        .await
        .expect("needs no credential");

    stack.registry.restart().await;
    client.get("/").key(&key).until(200).await;
    client
        .get("/")
        .key("wrong")
        .consistently(401)
        .await
        .expect("it decides again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_alone_refuses_and_heals_by_itself() {
    let mut foundation = Foundation::lay().await;
    let key = foundation.registry.admin().key("jack").await.secret;
    foundation.registry.kill();
    let config = foundation.config().rules(rules());
    let mut stack = foundation.envoy(&config).await;
    let client = stack.client().await;

    for call in [
        client.get("/"),
        client.get("/").key(&key),
        client.get("/").key("wrong"),
    ] {
        let refused = call.send().await.refused(503, UNAVAILABLE);
        assert_ne!(refused.header("retry-after"), "");
        assert_eq!(refused.header("www-authenticate"), "");
    }
    let ready = client.get(READY).send().await.expect(503);
    assert_ne!(ready.header("retry-after"), "");
    client
        .get("/public")
        .consistently(200)
        .await
        .expect("needs no credential");

    stack.registry.restart().await;
    client.get(READY).until(200).await;
    client.get("/").key(&key).until(200).await;
    client.get("/").consistently(401).await.expect("it decides");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_comes_back_with_its_data_is_followed_on() {
    let mut stack = Stack::with_rules(rules()).await;
    let client = stack.client().await;
    let admin = stack.admin();
    let before = admin.key("jack").await;
    client.get("/").key(&before.secret).until(200).await;
    stack.registry.stop();
    stack.registry.restart().await;

    let after = admin.key("rose").await;
    client.get("/").key(&after.secret).until(200).await;
    client
        .get("/")
        .key(&before.secret)
        .consistently(200)
        .await
        .expect("still known");
    admin
        .delete(&format!("/v1/credentials/{}", before.id))
        .await;
    client.get("/").key(&before.secret).until(401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_with_another_database_is_followed_from_its_beginning() {
    let mut stack = Stack::with_rules(rules()).await;
    let client = stack.client().await;
    let admin = stack.admin();
    let before = admin.key("jack").await;
    client.get("/").key(&before.secret).until(200).await;
    stack.registry.restart_empty().await;

    client.get("/").key(&before.secret).until(401).await;
    let after = admin.key("jack").await;
    client.get("/").key(&after.secret).until(200).await;
    client
        .get("/")
        .key(&before.secret)
        .consistently(401)
        .await
        .expect("of the other database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_rolled_back_is_noticed_although_its_revisions_are_used_again() {
    let mut stack = Stack::with_rules(rules()).await;
    let client = stack.client().await;
    let admin = stack.admin();
    let kept = admin.key("jack").await;
    client.get("/").key(&kept.secret).until(200).await;

    stack.registry.stop();
    let data = stack.registry.settings().data.clone();
    let backup = stack.folder().join("backup");
    copy(&data, &backup);
    stack.registry.restart().await;
    let lost = admin.key("rose").await;
    client.get("/").key(&lost.secret).until(200).await;

    stack.registry.stop();
    fs::remove_dir_all(&data).expect("the data folder");
    copy(&backup, &data);
    stack.registry.restart().await;
    // As many changes as were lost, so that the revisions are the same.
    let other = admin.key("mary").await;
    client.get("/").key(&other.secret).until(200).await;
    client.get("/").key(&lost.secret).until(401).await;
    client
        .get("/")
        .key(&kept.secret)
        .consistently(200)
        .await
        .expect("from before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_stays_revoked_when_an_older_copy_of_the_database_is_put_back() {
    let mut stack = Stack::with_rules(rules()).await;
    let client = stack.client().await;
    let admin = stack.admin();
    let kept = admin.key("jack").await;
    let deleted = admin.key("rose").await;
    client.get("/").key(&deleted.secret).until(200).await;

    stack.registry.stop();
    let database = stack.registry.settings().data.join("keysmith.db");
    let older = fs::read(&database).expect("the database");
    stack.registry.restart().await;
    admin
        .delete(&format!("/v1/credentials/{}", deleted.id))
        .await;
    client.get("/").key(&deleted.secret).until(401).await;

    stack.registry.stop();
    // The database alone: nobody says that it is an older one.
    fs::write(&database, older).expect("the older database");
    stack.registry.restart().await;
    let fresh = admin.key("mary").await;
    client.get("/").key(&fresh.secret).until(200).await;
    client
        .get("/")
        .key(&deleted.secret)
        .consistently(401)
        .await
        .expect("as the journal of revocations says");
    client
        .get("/")
        .key(&kept.secret)
        .consistently(200)
        .await
        .expect("from before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_again_has_everything_at_once() {
    let stack = Stack::with_rules(rules()).await;
    let key = stack.admin().key("jack").await.secret;
    let Stack {
        envoy,
        registry,
        upstream,
        ..
    } = stack;
    drop(envoy);
    let folder = tempfile::tempdir().expect("a folder");
    let foundation = Foundation {
        registry,
        upstream,
        folder,
    };
    let config = foundation.config().rules(rules());
    let envoy = Envoy::start(foundation.start(&config)).await;
    let address = envoy.listener("api").await.expect("a listener");
    let client = e2e::http::Client::new(address);
    let seen: Echoed = client.get("/").key(&key).until(200).await.echoed();
    assert_eq!(seen.header("x-consumer-username"), "jack");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_of_several_pages_arrives_whole() {
    const KEYS: usize = 1_300;
    let foundation = Foundation::lay().await;
    let admin = foundation.registry.admin();
    let application = admin.application(json!({"name": "jack"})).await;
    let makers: Vec<_> = (0..10)
        .map(|maker| {
            let (admin, application) = (admin.clone(), application.clone());
            tokio::spawn(async move {
                let mut keys = Vec::new();
                for number in 0..KEYS / 10 {
                    let body = json!({"type": "api_key", "name": format!("k{maker}-{number}")});
                    keys.push(admin.credential(&application, body).await.secret);
                }
                keys
            })
        })
        .collect();
    let mut keys = Vec::new();
    for maker in makers {
        keys.extend(maker.await.expect("keys"));
    }
    assert_eq!(keys.len(), KEYS);

    let config = foundation.config().rules(rules());
    let stack = foundation.envoy(&config).await;
    stack.ready().await;
    let client = stack.client().await;
    let mut session = client.connect().await;
    for key in &keys {
        let answer = session.send(client.get("/").key(key)).await;
        answer.expect("an answer").expect(200);
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("cp runs");
    assert!(copied.success(), "{} is copied", from.display());
}
