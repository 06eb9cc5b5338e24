//! The registry is killed (SIGKILL) between each two steps of registering, changing, rotating and removing a client at an
//! identity provider. Once it runs again, everything is finished or undone: the provider has the clients that the registry
//! knows, or the registry says which it cannot reach.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::{Value, json};

use crate::{
    fake_provider::{Manners, Moment},
    provider_desk::{Desk, text},
};

/// When the registry dies: at a moment of a call, or once it has answered, with the answer lost.
const DEATHS: [Option<Moment>; 4] = [
    Some(Moment::Arrived),
    Some(Moment::Done),
    Some(Moment::Answered),
    None,
];
const BOTH: [Manners; 2] = [Manners::Helpful, Manners::Strict];

fn at(method: &Method, death: Option<Moment>) -> Option<(Method, Moment)> {
    death.map(|moment| (method.clone(), moment))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_ends_whenever_the_registry_is_killed_and_its_repetition_succeeds() {
    for manners in BOTH {
        let mut desk = Desk::new(manners).await;
        for death in DEATHS {
            let what = format!("{manners:?} {death:?}");
            let call = desk.create(&what.replace(['(', ')', ' '], "-"));
            let answer = desk.kill(call.clone(), at(&Method::POST, death)).await;
            let left = desk.settled().await;
            let orphans = desk.orphans_named_by(&left, &what).await;
            let repeated = call.send().await.expect(201);
            if let Some(answer) = answer {
                assert_eq!(repeated.body, answer.expect(201).body, "{what}");
            }
            let made = repeated.json();
            desk.is_good(&made);
            assert!(desk.accepts(&text(&made["client"]["client_id"])).await);
            desk.forget(&orphans).await;
            desk.agrees(&what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_ends_whenever_the_registry_is_killed() {
    for manners in BOTH {
        let mut desk = Desk::new(manners).await;
        let made = desk.create("updated").send().await.expect(201).json();
        let path = format!("/v1/credentials/{}", text(&made["id"]));
        for death in DEATHS {
            let what = format!("{manners:?} {death:?}");
            let client = json!({"client_type": "confidential", "grant_types": ["client_credentials"], "client_name": what});
            let call = desk.call("PATCH", &path, &json!({"client": client}));
            desk.kill(call.clone(), at(&Method::PUT, death)).await;
            let left = desk.settled().await;
            let shown = desk.admin().get(&path).await;
            let client = text(&shown["client"]["client_id"]);
            let there = desk.provider.clients()[&client].metadata.clone();
            assert_eq!(there["client_name"], json!(what));
            assert!(desk.accepts(&client).await, "{what}");
            let is_lost = left.iter().any(|one| one["kind"] == "lost");
            if is_lost {
                // What manages the client was in the answer that nobody got. Its owner gets another one.
                assert_eq!(manners, Manners::Strict, "{what}");
                let rotated = desk.rotate(&path).send().await.expect(200).json();
                desk.is_good(&rotated);
                assert!(!desk.accepts(&client).await, "{what}");
                let left = desk.settled().await;
                assert_eq!(left.len(), 1, "the removal is refused, and stays: {left:?}");
                desk.forget(&BTreeSet::from([client])).await;
            } else {
                assert_eq!(left, [] as [Value; 0], "{what}");
                call.send().await.expect(200);
            }
            desk.agrees(&what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_ends_whenever_the_registry_is_killed_and_its_repetition_succeeds() {
    for manners in BOTH {
        let mut desk = Desk::new(manners).await;
        let made = desk.create("rotated").send().await.expect(201).json();
        let path = format!("/v1/credentials/{}", text(&made["id"]));
        let method = match manners {
            Manners::Helpful => Method::PUT,
            Manners::Strict => Method::POST,
        };
        for death in DEATHS {
            let what = format!("{manners:?} {death:?}");
            let call = desk.rotate(&path);
            let answer = desk.kill(call.clone(), at(&method, death)).await;
            let left = desk.settled().await;
            let orphans = desk.orphans_named_by(&left, &what).await;
            let shown = desk.admin().get(&path).await;
            assert!(desk.accepts(&text(&shown["client"]["client_id"])).await);
            desk.forget(&orphans).await;
            let repeated = call.send().await.expect(200);
            if let Some(answer) = answer {
                assert_eq!(repeated.body, answer.expect(200).body, "{what}");
            }
            desk.is_good(&repeated.json());
            assert_eq!(desk.settled().await, [] as [Value; 0], "{what}");
            desk.agrees(&what).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_ends_whenever_the_registry_is_killed_and_gateways_refuse_from_the_first_moment()
{
    for manners in BOTH {
        let mut desk = Desk::new(manners).await;
        for death in DEATHS {
            let what = format!("{manners:?} {death:?}");
            let made = desk.create("removed").send().await.expect(201).json();
            let client = text(&made["client"]["client_id"]);
            assert!(desk.accepts(&client).await, "{what}");
            let path = format!("/v1/credentials/{}", text(&made["id"]));
            let call = desk.admin().call("DELETE", &path);
            desk.kill(call, at(&Method::DELETE, death)).await;
            assert!(!desk.accepts(&client).await, "{what}");
            assert_eq!(desk.settled().await, [] as [Value; 0], "{what}");
            desk.agrees(&what).await;
            assert!(!desk.there().contains(&client), "{what}");
        }
    }
}
