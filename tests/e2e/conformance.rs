//! Replays the cases of APISIX's own tests on one Envoy, one rule per case, told apart by host; those of its admin API
//! against the registry.
//!
//! Every case is accounted for: passed, different on purpose, or not applicable; the latter two with their reasons in
//! [`accounts`]. A case that is none of these fails the test, and so does a listed difference that is none.

use std::fmt::Write as _;

use e2e::{
    built,
    echo::{Answers, Echo},
    http::Client,
    stack::{Foundation, READY},
};
use serde_json::{Value, json};

mod accounts;
mod admin;
mod case;
mod world;

use case::Case;

/// What became of a case.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// What differs.
    Differs(String),
}

impl Verdict {
    fn of(differences: &[String]) -> Self {
        if differences.is_empty() {
            Self::Passed
        } else {
            Self::Differs(differences.join("; "))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apisixs_cases_pass_or_are_accounted_for() {
    let cases = Case::all(&built::root().join("tests/conformance/apisix-cases.json"));
    accounts::know_only(&cases);

    let mut foundation = Foundation::with(|settings| {
        // The cases use keys and passwords as short as `bar`.
        settings
            .more
            .push(("MINIMUM_OWN_KEY_LENGTH".to_owned(), "8".to_owned()));
        settings
            .more
            .push(("MINIMUM_PASSWORD_LENGTH".to_owned(), "1".to_owned()));
    })
    .await;
    foundation.upstream = Echo::start(Answers::HelloWorld).await;
    let runnable: Vec<&Case> = cases
        .iter()
        .filter(|case| case.not_applicable().is_none())
        .collect();
    let admin = foundation.registry.admin();
    let mut rules: Vec<Value> = Vec::new();
    for case in runnable.iter().filter(|case| !case.is_admin()) {
        world::register(case, &admin).await;
        rules.extend(world::rules(case));
    }
    let last = admin.key("the-last-one").await.secret;
    rules.push(json!({"key_auth": {}}));
    let config = foundation.config().rules(json!(rules));
    let stack = foundation.envoy(&config).await;
    let client = stack.client().await;
    client.get(READY).until(200).await;
    client.get("/").key(&last).until(200).await;

    let mut report = Report::default();
    for case in &cases {
        match case.not_applicable() {
            Some(reason) => report.line(case, "not applicable", reason),
            None if case.is_admin() => {
                let differences = admin::differences(case, &admin).await;
                report.ran(case, &Verdict::of(&differences));
            }
            None => report.ran(case, &run(case, &client).await),
        }
    }
    let summary = format!(
        "{}{} passed, {} differ on purpose, {} not applicable, {} in all\n",
        report.table,
        report.passed,
        report.different,
        report.not_applicable,
        cases.len()
    );
    e2e::say(&summary);
    assert!(report.mistakes.is_empty(), "{:#?}", report.mistakes);
}

async fn run(case: &Case, client: &Client) -> Verdict {
    let client = client.clone().host(&case.host());
    let mut differences = Vec::new();
    for expected in case.expected_statuses() {
        let mut answer = case.call(&client).send().await;
        if answer.status == 503 && expected != 503 {
            // Verifications of passwords are limited: this is not a verdict, and says so.
            answer = e2e::eventually::eventually("a verdict", || async {
                let answer = case.call(&client).send().await;
                if answer.status == 503 {
                    Err(answer)
                } else {
                    Ok(answer)
                }
            })
            .await;
        }
        differences.extend(case.differences(expected, &answer));
    }
    Verdict::of(&differences)
}

/// The table, and what is wrong with it.
#[derive(Default)]
struct Report {
    table: String,
    passed: usize,
    different: usize,
    not_applicable: usize,
    mistakes: Vec<String>,
}

impl Report {
    fn ran(&mut self, case: &Case, verdict: &Verdict) {
        match (verdict, accounts::difference(&case.id)) {
            (Verdict::Passed, None) => {
                self.passed += 1;
                self.row(case, "passed", "");
            }
            (Verdict::Differs(what), Some(reason)) => {
                self.different += 1;
                self.row(case, "differs on purpose", &format!("{reason} ({what})"));
            }
            (Verdict::Passed, Some(_)) => {
                self.row(case, "LISTED, BUT PASSES", "");
                self.mistakes
                    .push(format!("{} is listed as different and passes", case.id));
            }
            (Verdict::Differs(what), None) => {
                self.row(case, "FAILED", what);
                self.mistakes
                    .push(format!("{} ({}): {what}", case.id, case.source));
            }
        }
    }

    fn line(&mut self, case: &Case, result: &str, reason: &str) {
        self.not_applicable += 1;
        self.row(case, result, reason);
    }

    fn row(&mut self, case: &Case, result: &str, reason: &str) {
        let _ = writeln!(
            self.table,
            "{:10} | {:58} | {result:18} | {reason}",
            case.id, case.source
        );
    }
}
