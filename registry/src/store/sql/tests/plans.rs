//! Claims about how the database finds things: the plan of every statement there is.

use std::{collections::BTreeSet, fs, path::PathBuf};

use sqlx::{AssertSqlSafe, Row as _};

use super::*;
use crate::store::sql::{
    access_token, admission, application, audit, authorization, catalog, chain, connection::Sql,
    copy, credential, deployment, export, feed, gateway, idempotency, installation, issuer,
    journal, key, leak, log, master, oauth_client, operation, organization, provider, registration,
    rekeying, rendering, restoring, rotation, sealed, secret, token, usage, username, witness,
};

mod exceptions;

use exceptions::{RARE_WALKS, SORTS, WALKS};

macro_rules! statements {
    ($($module:ident: $($name:ident)+;)+) => {
        vec![$($((concat!(stringify!($module), "::", stringify!($name)), Sql::from($module::$name))),+),+]
    };
}

/// Every statement, by the name of its constant. Those in lists are numbered.
pub(super) fn statements() -> Vec<(String, Sql)> {
    let single = statements! {
        access_token: GET BY_DIGEST OF_CREDENTIAL OF_MANY OWNERS LIVING INSERT DELETE DELETE_OF DELETE_ENDED;
        admission: GROUPS_ADMITTING ADMIT TOUCH_APPLICATION DISMISS DEPLOYED DIGEST_OWNER DEPLOYED_OF_MANY DEPLOY TOUCH WITHDRAW
            WITHDRAW_OF_APPLICATION DEPLOYMENTS_OF;
        application: GET LIST LIST_OWNED LIST_NAMED LIST_FROM EVERY NAME_OWNER NAMED LISTING RESERVE_NAME INSERT UPDATE;
        audit: LIST OF_APPLICATION OF_CREDENTIAL OF_TOKEN OF_ACTION;
        authorization: GET OF_CREDENTIAL SECRETS KEYS REVOKED INSERT UPDATE INSERT_SECRET END_SECRETS END_RETIRING INSERT_KEY RETIRE_KEY
            DELETE_KEY USE_ASSERTION REVOKE;
        chain: INSERT RECORDS CHAIN NEWEST FIRST_SINCE CHAINED DELETE STATE PUT_STATE;
        catalog: COLUMNS REFERENCES;
        copy: SCHEMA MIGRATIONS_EXIST BEGIN_RESTORE NEW_EPOCH;
        restoring: IN_PROGRESS;
        credential: GET LIST BEYOND NAMED IDENTIFIED INSERT UPDATE FOLLOW_EXPIRY DUE;
        deployment: OVERRIDES OVERRIDES_OF_MANY IS_WANTED SET_OVERRIDE REMOVE_OVERRIDE DEPLOYED_AT WITHDRAWN_AT
            ADMITTED_AT DISMISSED WITHDRAW_ONE WITHDRAW_MANY;
        export: LIST;
        leak: INSERT;
        feed: APPLICATIONS CREDENTIALS CHANGES;
        gateway: GROUPS DIGEST_KEYS INSERT_GROUP INSERT_DIGEST_KEY GATEWAYS PUT;
        idempotency: GET PUT DELETE DELETE_UNANSWERED PRUNE;
        installation: TABLE_EXISTS KEY_CHECK_OF INSERT INSERT_ORGANIZATION
            NEXT_APPLICATION_NUMBER;
        issuer: ALL NAMED PUT REMOVE;
        journal: SECRET_WORKS TOKEN_WORKS SECRETS TOKENS CREDENTIALS APPLICATIONS TURNS CUT_OFFS MARK SET_MARK FORGET;
        switch: COUNT_CREDENTIAL COUNT_APPLICATION CREDENTIAL_IS_BEHIND APPLICATION_IS_BEHIND SET_CREDENTIAL SET_APPLICATION
            COUNT_TURN TURN_IS_BEHIND SET_TURN CUT_OFF_IS_BEHIND;
        key: SET_CHECK MASTER_KEYS INSERT_MASTER_KEY DATA_KEYS LATEST_DATA_KEY INSERT_DATA_KEY;
        master: ROTATION BEGIN COUNT_DONE END LEAVE REGISTRIES PUT_REGISTRY FORGET_REGISTRIES DELETE_REGISTRY;
        log: HEAD COMMITTED_AT CHANGED_GROUPS COMMITS_OF CHANGE_ID NEXT_REVISION INSERT_CHANGE WITHDRAW INSERT_REVISION LAST_BEFORE PRUNE_CHANGES
            PRUNE_REVISIONS;
        oauth_client: GET OF_CREDENTIAL KNOWN_AS WAS_KNOWN AT_PROVIDER INSERT UPDATE;
        operation: GET ABOUT AT_PROVIDER DUE NEXT INSERT UPDATE LET_GO DELETE;
        provider: GET NAMED ISSUING LIST INSERT UPDATE;
        organization: NAMED GET LIST NAME_TAKEN INSERT UPDATE DELETE COUNT_APPLICATION COUNT_CREDENTIAL
            DISCOUNT_APPLICATION DISCOUNT_CREDENTIAL VALID_TOKENS;
        rendering: OF_SECRET UNRENDERED SET_FORMAT DISCARD RECORD REFRESH;
        registration: GET BY_DIGEST OF_ORGANIZATION INSERT USE DELETE PRUNE;
        rekeying: OF_GROUP ALL DEPLOYING_KEYS COUNT RECORDS BEGIN SET COPY END FORGET_KEY;
        rotation: WAS_CREDENTIAL BETWEEN USE TO_NOTE COUNT SET_SILENCE SET_NOTE FORGET_BY_POLICY FORGET_OWN;
        secret: GET KNOWN_BY MARK_LEAKED UNREVOKED UNREVOKED_OF_MANY FINGERPRINT_OWNER SET_PROVEN PASSWORDS ADMITTED INSERT SET_STATE REVOKE_OF_APPLICATION RESEAL;
        search: SECRETS;
        token: OF_ORGANIZATION OF_GROUP HAS_ADMIN GET BY_DIGEST INSERT REVOKE;
        forgetting: PRUNE_DAYS PRUNE_BATCHES PRUNE_LOST;
        usage: ENDING_BY_SILENCE OF DAYS LOST REPORTED LANES APPLIED PUT_APPLIED ADD ADD_DAYS USED ADD_LOST;
        username: OWNER CLAIM RELEASE;
        witness: POLLS PUT_POLL ALL PUT FORGET DELETE;
    };
    let mut all: Vec<_> = single
        .into_iter()
        .map(|(name, sql)| (name.to_owned(), sql))
        .collect();
    let lists: [(&str, Vec<Sql>); 17] = [
        ("sealed::COUNT", every(&sealed::COUNT)),
        ("sealed::ELSEWHERE", every(&sealed::ELSEWHERE)),
        ("sealed::PUT", every(&sealed::PUT)),
        ("authorization::DELETE", every(&authorization::DELETE)),
        ("authorization::PRUNE", every(&authorization::PRUNE)),
        ("credential::DELETE", every(&credential::DELETE)),
        ("provider::DELETE", every(&provider::DELETE)),
        ("application::DELETE", every(&application::DELETE)),
        ("search::OF_ORGANIZATION", every(&search::OF_ORGANIZATION)),
        ("search::OF_APPLICATION", every(&search::OF_APPLICATION)),
        ("deployment::FORGET", every(&deployment::FORGET)),
        ("gateway::DELETE", every(&gateway::DELETE)),
        ("gateway::DELETE_GROUP", every(&gateway::DELETE_GROUP)),
        (
            "credential::DELETE_OF_APPLICATION",
            every(&credential::DELETE_OF_APPLICATION),
        ),
        ("forgetting::DELETE_OF", every(&forgetting::DELETE_OF)),
        (
            "forgetting::DELETE_OF_APPLICATION",
            every(&forgetting::DELETE_OF_APPLICATION),
        ),
        (
            "forgetting::DELETE_OF_GROUP",
            every(&forgetting::DELETE_OF_GROUP),
        ),
    ];
    for (name, list) in lists {
        let numbered = (0..).zip(list);
        all.extend(numbered.map(|(nth, sql)| (format!("{name} {nth}"), sql)));
    }
    all
}

fn every<T: Copy + Into<Sql>>(list: &[T]) -> Vec<Sql> {
    list.iter().map(|sql| (*sql).into()).collect()
}

async fn plan(world: &World, sql: impl Into<Sql>) -> Vec<String> {
    let sql = sql.into().sqlite;
    sqlx::query(AssertSqlSafe(format!("explain query plan {sql}")))
        .fetch_all(world.store.sqlite())
        .await
        .unwrap()
        .iter()
        .map(|row| row.get("detail"))
        .collect()
}

fn is_walk(step: &str) -> bool {
    let of_rows = step.starts_with("SCAN ");
    // What another step has found, or the items of one JSON value.
    let of_few = step.contains("subquery")
        || step.contains("VIRTUAL TABLE")
        || step.contains("CONSTANT ROW");
    of_rows && !of_few
}

fn sorts(step: &str) -> bool {
    step.contains("USE TEMP B-TREE FOR")
}

async fn check(world: &World) {
    let mut wrong = Vec::new();
    for (name, sql) in statements() {
        let allows = |list: &[(&str, &str)]| list.iter().any(|(known, _)| *known == name);
        let plan = plan(world, sql).await;
        let walks = plan.iter().any(|step| is_walk(step));
        let sorts = plan.iter().any(|step| sorts(step));
        let may_walk = allows(&WALKS) || allows(&RARE_WALKS);
        if (walks && !may_walk) || (sorts && !allows(&SORTS)) {
            wrong.push((name, plan));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn filled() -> World {
    fill(World::sqlite().await).await
}

pub(super) async fn fill(world: World) -> World {
    for number in 0..12 {
        let id = world.application(&format!("a{number}")).await;
        for name in ["x", "y", "z"] {
            let new = World::new_credential(id, name, NewSecret::GeneratedApiKey);
            let issued = world.issue(new).await.unwrap();
            let next = crate::credential::RotatedSecret::Generated { username: None };
            let id = issued.detail.credential.id;
            world.rotate(id, HOUR, next).await.unwrap();
        }
    }
    world
}

#[tokio::test]
async fn no_statement_looks_at_every_row_or_sorts_what_an_index_could_give_in_order() {
    let world = filled().await;
    check(&world).await;
    // Closing leaves statistics, by which the plans are made from then on.
    let world = World::open(world.close().await, 2).await;
    check(&world).await;
}

#[tokio::test]
async fn what_may_look_at_every_row_or_sort_still_does() {
    let world = filled().await;
    let mut unneeded = exceptions_without_need(&world).await;
    let world = World::open(world.close().await, 2).await;
    let unneeded_later = exceptions_without_need(&world).await;
    unneeded.retain(|name| unneeded_later.contains(name));
    assert!(unneeded.is_empty(), "{unneeded:?} need no exception");
}

async fn exceptions_without_need(world: &World) -> Vec<&'static str> {
    let statements = statements();
    let mut unneeded = Vec::new();
    for (name, _) in WALKS.iter().chain(&RARE_WALKS).chain(&SORTS) {
        let known = statements.iter().find(|(known, _)| known == name);
        let plan = plan(world, known.unwrap().1).await;
        if !plan.iter().any(|step| is_walk(step) || sorts(step)) {
            unneeded.push(*name);
        }
    }
    unneeded
}

#[tokio::test]
async fn pages_of_the_feed_are_walks_along_one_index_from_their_first_row() {
    let world = filled().await;
    for sql in [feed::APPLICATIONS, feed::CREDENTIALS, feed::CHANGES] {
        let plan = plan(&world, sql).await;
        assert!(plan[0].contains("USING PRIMARY KEY"), "{plan:?}");
        assert!(
            plan.iter().all(|step| step.starts_with("SEARCH")),
            "{plan:?}"
        );
    }
    let page = plan(&world, feed::CREDENTIALS).await;
    assert_eq!(page.len(), 1, "nothing is joined: {page:?}");
}

#[tokio::test]
async fn pages_of_credentials_are_walks_along_one_index_from_where_the_last_ended() {
    let world = filled().await;
    for sql in search::OF_ORGANIZATION {
        let plan = plan(&world, sql).await;
        assert!(
            plan[0].starts_with("SEARCH c USING INDEX credentials_by_")
                && plan[0].contains("organization_id=? AND "),
            "{plan:?}"
        );
    }
}

#[tokio::test]
async fn what_is_asked_often_is_found_by_an_index_made_for_it() {
    let world = filled().await;
    for (sql, index) in [
        (Sql::from(secret::UNREVOKED), "secrets_unrevoked"),
        (Sql::from(application::LIST), "applications_by_organization"),
        (Sql::from(application::LIST_NAMED), "(name=?)"),
        (Sql::from(token::OF_ORGANIZATION), "tokens_by_organization"),
        (Sql::from(token::OF_GROUP), "tokens_by_group"),
        (Sql::from(token::HAS_ADMIN), "tokens_of_administrators"),
        (Sql::from(log::LAST_BEFORE), "revisions_by_time"),
        (credential::DUE, "secrets_retiring"),
        (credential::DUE, "deployed_by_expiry"),
        (Sql::from(rendering::UNRENDERED), "deployed_unrendered"),
        (rotation::TO_NOTE, "credentials_by_rotation"),
        (rotation::TO_NOTE, "credentials_by_own_rotation"),
        (rotation::COUNT, "credentials_by_rotation"),
        (rotation::COUNT, "credentials_by_own_rotation"),
    ] {
        let plan = plan(&world, sql).await;
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
    }
}

/// The constants of a file that hold statements, and whether every statement that it runs is one of them.
fn constants(text: &str) -> (BTreeSet<String>, bool) {
    let mut names = BTreeSet::new();
    for declared in text.split("pub(super) const ").skip(1) {
        let (name, rest) = declared.split_once(':').unwrap();
        let is_text = ["&str", "[&str", "Sql", "[Sql"]
            .iter()
            .any(|kind| rest.trim_start().starts_with(kind));
        if is_text {
            names.insert(name.to_owned());
        }
    }
    let run = text.match_indices("sql(").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_some_and(|last| !last.is_alphanumeric() && last != '_')
    });
    let all_named = run
        .map(|(at, _)| text[at + 4..].split(')').next().unwrap_or_default())
        .all(|argument| names.contains(argument) || argument == "statement");
    (names, all_named)
}

#[test]
fn every_statement_is_on_the_list() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let listed: BTreeSet<String> = statements()
        .into_iter()
        .map(|(name, _)| name.split(' ').next().unwrap().to_owned())
        .collect();
    let mut found = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // Those in which no verb lies.
        if ["tests", "connection", "database", "sqlite", "postgres"].contains(&module.as_str()) {
            continue;
        }
        let (names, all_named) = constants(&fs::read_to_string(&path).unwrap());
        assert!(
            all_named,
            "{module} runs a statement that is not a constant"
        );
        found.extend(names.into_iter().map(|name| format!("{module}::{name}")));
    }
    assert_eq!(found, listed);
}
