//! Claims about who is served first.

use std::time::Duration;

use super::{
    pool::tests::{limits, occupy},
    *,
};
use crate::{
    credential::NewSecret,
    password::PasswordHasher,
    testing::{World, secret},
};

const PASSWORD: &str = "correct horse battery";

#[tokio::test]
async fn whoever_only_knows_a_name_waits_in_the_half_for_everyone() {
    let world = World::new().await;
    let ann = NewSecret::ChosenPassword {
        username: "ann".to_owned(),
        password: secret(PASSWORD),
    };
    world.credential("a", ann).await;
    let limits = Passwords {
        remember: Duration::ZERO,
        ..limits(1, 2)
    };
    let metrics = Arc::new(Metrics::new());
    let hasher = PasswordHasher::cheapest().unwrap();
    let pool = Arc::new(Pool::new(hasher, &limits, Arc::clone(&metrics)));
    let verifier = Verifier::new(
        world.env.clone(),
        Arc::clone(&pool),
        &limits,
        Arc::clone(&metrics),
    );
    let verifier = Arc::new(verifier.await.unwrap());
    let group = world.default_group().await;
    let ask = |password: &str| {
        let question = Question {
            group,
            username: "ann".to_owned(),
            password: secret(password),
            source: String::new(),
        };
        let verifier = Arc::clone(&verifier);
        async move { verifier.verify(question).await.unwrap() }
    };
    assert!(is_verified(&ask(PASSWORD).await));

    let (task, hold) = occupy(&pool);
    while metrics.password_running.get() == 0 {
        tokio::task::yield_now().await;
    }
    let guess = tokio::spawn(ask("a guess"));
    while metrics.password_waiting.get() == 0 {
        tokio::task::yield_now().await;
    }
    let refused = tokio::time::timeout(Duration::from_secs(30), ask("another guess")).await;
    assert_eq!(refused.expect("it waits"), Outcome::Busy);
    let right = tokio::spawn(ask(PASSWORD));
    while metrics.password_waiting.get() < 2 {
        assert!(!right.is_finished(), "turned away");
        tokio::task::yield_now().await;
    }
    drop(hold);
    task.await.unwrap().unwrap();
    assert_eq!(guess.await.unwrap(), Outcome::Decided(Verdict::Refused));
    assert!(is_verified(&right.await.unwrap()));
}

fn is_verified(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Decided(Verdict::Verified { .. }))
}
