//! The master key is replaced under load, and the registry is killed (SIGKILL) at every stage of it. Nobody is refused
//! anything before the kill, and what was sealed opens after it, whichever key it was under.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use e2e::{
    admin::Admin,
    eventually::eventually,
    http::{Client, answer::Answer},
    left,
    registry::{Registry, Settings},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::run::Database;

/// Keys that lie there, so that a move takes many steps.
const KEYS: usize = 1_500;
/// Stages at which the registry is killed: at once, after so many percent of all values, and after the end.
const STAGES: [Stage; 6] = [
    Stage::Begun,
    Stage::Done(5),
    Stage::Done(30),
    Stage::Done(60),
    Stage::Done(85),
    Stage::Over,
];
const PASSWORD: &str = "correct horse battery staple";

#[derive(Clone, Copy, Debug)]
enum Stage {
    Begun,
    /// Percent.
    Done(u64),
    Over,
}

/// What must open under whatever key.
#[derive(Clone, Debug)]
struct Sealed {
    /// A credential, and what it is revealed as.
    shown: Vec<(String, String)>,
    application: String,
    /// A request, and what it was answered.
    replayed: (String, String),
}

/// Counts what is asked and answered, of each kind.
type Asked = Arc<[AtomicUsize; 4]>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_replaced_under_load_and_under_kill_on_sqlite() {
    replace_and_kill(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_is_replaced_under_load_and_under_kill_on_postgresql() {
    replace_and_kill(Database::Postgres).await;
}

async fn replace_and_kill(database: Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = match database {
        Database::Sqlite => None,
        Database::Postgres => Some(private_postgres::Database::empty().await),
    };
    let url = server.as_ref().map(private_postgres::Database::url);
    let mut registry = Registry::start(settings(&folder, url), folder.path()).await;
    let file = registry.settings().data.join("master.key");
    let first = std::fs::read_to_string(&file).expect("the master key");
    let sealed = fill(&registry.admin()).await;
    let asked = Asked::default();
    let mut under_way = 0;
    for stage in STAGES {
        let left = one(&mut registry, &sealed, &asked, stage).await;
        under_way += usize::from(left);
        check(&registry, &sealed).await;
        eventually("the move is over", || async {
            let keys = registry.admin().get("/v1/keys").await;
            keys["rotation"].is_null().then_some(()).ok_or(keys)
        })
        .await;
        check(&registry, &sealed).await;
    }
    assert!(under_way >= 3, "it was killed {under_way} times under way");
    for (kind, asked) in asked.iter().enumerate() {
        assert_ne!(asked.load(Ordering::SeqCst), 0, "kind {kind} was asked");
    }
    let keys = registry.admin().get("/v1/keys").await;
    let known = keys["master_keys"].as_array().map_or(0, Vec::len);
    assert_eq!(known, STAGES.len() + 1, "{keys}");
    let mut verify = left::keysmith(registry.settings());
    let verified = verify.args(["audit", "verify"]).output();
    let verified = verified.expect("the registry's command line");
    assert!(verified.status.success(), "{verified:?}");
    registry.stop();
    let last = std::fs::read_to_string(&file).expect("the master key");
    assert_ne!(first, last);

    let mut old = settings(&folder, url);
    let key = ("MASTER_KEY".to_owned(), first.trim().to_owned());
    old.more.push(key);
    let log = Registry::try_start(old, folder.path()).await;
    let log = log.expect_err("the first master key opens nothing");
    assert!(log.contains("does not belong to this database"), "{log}");
}

fn settings(folder: &TempDir, url: Option<&str>) -> Settings {
    let mut settings = Settings::new(folder.path());
    let more = [
        ("LOG_LEVEL", "warn"),
        ("ALLOW_RETRIEVABLE_SECRETS", "true"),
        // Each verification opens what is sealed, and takes no time.
        ("VERDICT_SECONDS", "0"),
        ("VERIFY_PER_USERNAME_PER_MINUTE", "1000000"),
        ("VERIFY_PER_SOURCE_PER_MINUTE", "1000000"),
        ("ARGON2_MEMORY_KIB", "8"),
        ("ARGON2_ITERATIONS", "1"),
    ];
    let url = url.map(|url| ("DATABASE_URL", url));
    let more = more.into_iter().chain(url);
    settings.more = more
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    settings
}

/// Something in every column that is sealed, and much in one.
async fn fill(admin: &Admin) -> Sealed {
    let lines: Vec<String> = (0..KEYS)
        .map(|number| {
            let name = format!("imported-{number}");
            let value = format!("a-key-of-an-earlier-gateway-{number:06}");
            let line = json!({
                "application": "imported", "create_application": true, "type": "api_key", "name": name, "value": value,
            });
            line.to_string()
        })
        .collect();
    let call = admin.call("POST", "/v1/import");
    let call = call.body("application/x-ndjson", lines.join("\n").into_bytes());
    let answer = call.send().await.expect(200).text();
    assert_eq!(answer.matches("\"created\"").count(), KEYS, "{answer:.500}");

    let application = admin.application(json!({"name": "load"})).await;
    let mut shown = Vec::new();
    for number in 0..5 {
        let name = format!("shown-{number}");
        let body = json!({"type": "api_key", "name": name, "secret_type": "retrievable"});
        let made = admin.credential(&application, body).await;
        shown.push((made.id, made.secret));
    }
    let bob = json!({"type": "basic", "name": "bob", "username": "bob", "password": PASSWORD});
    admin.credential(&application, bob).await;
    let replayed = replay(admin, &application, "before-everything").await;
    let replayed = replayed.expect("an answer").expect(201).text();
    Sealed {
        shown,
        replayed: ("before-everything".to_owned(), replayed),
        application,
    }
}

/// Makes a credential, once.
async fn replay(admin: &Admin, application: &str, key: &str) -> Result<Answer, String> {
    let path = format!("/v1/applications/{application}/credentials");
    let body = json!({"type": "api_key", "name": key});
    let call = admin.call("POST", &path).header("idempotency-key", key);
    call.json(&body).try_send().await
}

/// Replaces the key under load and kills the registry at this stage of it. Whether it was under way, by what is left.
async fn one(registry: &mut Registry, sealed: &Sealed, asked: &Asked, stage: Stage) -> bool {
    let mut load = JoinSet::new();
    for kind in 0..4 {
        let (admin, client) = (registry.admin(), registry.client());
        let token = registry.settings().gateway_token.clone();
        let (sealed, asked) = (sealed.clone(), Arc::clone(asked));
        let run = format!("{stage:?}").replace(['(', ')'], "-");
        load.spawn(async move {
            let user = User {
                admin,
                client,
                token,
                sealed,
                run,
            };
            user.until_killed(kind, &asked[kind]).await
        });
    }
    let admin = registry.admin();
    admin
        .post("/v1/keys/rotate-master", json!({}))
        .await
        .expect(200);
    reach(&admin, stage).await;
    registry.kill();
    while let Some(ended) = load.join_next().await {
        if let Err(refused) = ended.expect("the load") {
            panic!("at {stage:?} something was refused: {refused}");
        }
    }
    let left = left::rows(registry.settings(), "master_rotation");
    registry.restart().await;
    left.first()
        .is_some_and(|row| row["values_done"] != row["values_total"])
}

async fn reach(admin: &Admin, stage: Stage) {
    let wanted = match stage {
        Stage::Begun => return,
        Stage::Done(percent) => percent,
        Stage::Over => 100,
    };
    loop {
        let keys = admin.get("/v1/keys").await;
        let number = |name: &str| keys["rotation"][name].as_u64();
        let (Some(done), Some(total)) = (number("done"), number("total")) else {
            return;
        };
        if wanted < 100 && done * 100 >= total * wanted {
            return;
        }
    }
}

/// Somebody who asks for one kind of thing again and again.
struct User {
    admin: Admin,
    client: Client,
    token: String,
    sealed: Sealed,
    run: String,
}

impl User {
    /// The error is an answer that should have been another one.
    async fn until_killed(self, kind: usize, asked: &AtomicUsize) -> Result<(), String> {
        for round in 0.. {
            let done = match kind {
                0 => self.make_and_repeat(round).await,
                1 => self.reveal(round).await,
                2 => self.verify().await,
                _ => self.begin_to_follow().await,
            };
            match done {
                Some(Ok(())) => asked.fetch_add(1, Ordering::SeqCst),
                Some(Err(answer)) => return Err(format!("{answer:?}")),
                None => return Ok(()),
            };
        }
        Ok(())
    }

    /// `None` once nobody answers.
    async fn make_and_repeat(&self, round: usize) -> Option<Result<(), Answer>> {
        let key = format!("{}-{round}", self.run);
        let first = replay(&self.admin, &self.sealed.application, &key)
            .await
            .ok()?;
        if first.status != 201 {
            return Some(Err(first));
        }
        let again = replay(&self.admin, &self.sealed.application, &key)
            .await
            .ok()?;
        Some(if again.text() == first.text() {
            Ok(())
        } else {
            Err(again)
        })
    }

    async fn reveal(&self, round: usize) -> Option<Result<(), Answer>> {
        let (id, value) = &self.sealed.shown[round % self.sealed.shown.len()];
        let path = format!("/v1/credentials/{id}/reveal");
        let call = self.admin.call("POST", &path).json(&json!({}));
        let answer = call.try_send().await.ok()?;
        let is_it = answer.status == 200 && answer.text().contains(value);
        Some(if is_it { Ok(()) } else { Err(answer) })
    }

    async fn verify(&self) -> Option<Result<(), Answer>> {
        let body = json!({"username": "bob", "password": PASSWORD});
        let call = self.client.call("POST", "/v1/gateway/verify");
        let answer = call.bearer(&self.token).json(&body).try_send().await.ok()?;
        let is_it = answer.status == 200 && answer.json()["verified"] == Value::Bool(true);
        Some(if is_it { Ok(()) } else { Err(answer) })
    }

    /// The first page holds the group's key, which lies sealed.
    async fn begin_to_follow(&self) -> Option<Result<(), Answer>> {
        let call = self.client.get("/v1/feed?wait=0").bearer(&self.token);
        let answer = call.try_send().await.ok()?;
        Some(if answer.status == 200 {
            Ok(())
        } else {
            Err(answer)
        })
    }
}

/// After a kill, everything opens.
async fn check(registry: &Registry, sealed: &Sealed) {
    let user = User {
        admin: registry.admin(),
        client: registry.client(),
        token: registry.settings().gateway_token.clone(),
        sealed: sealed.clone(),
        run: String::new(),
    };
    for round in 0..sealed.shown.len() {
        let shown = user.reveal(round).await.expect("an answer");
        shown.expect("what is sealed opens");
    }
    user.verify().await.expect("an answer").expect("a password");
    user.begin_to_follow()
        .await
        .expect("an answer")
        .expect("a page");
    let (key, before) = &sealed.replayed;
    let again = replay(&user.admin, &sealed.application, key).await;
    assert_eq!(&again.expect("an answer").expect(201).text(), before);
}
