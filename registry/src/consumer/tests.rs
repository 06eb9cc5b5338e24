//! Claims about what happens while a consumer is changed.

use std::collections::BTreeMap;

use super::{
    plan::{Notes, Plan},
    *,
};
use crate::{
    gateway::Mode,
    testing::{World, secret},
};

fn key() -> Plugin {
    Plugin::KeyAuth {
        key: secret("an-own-key-of-some-length"),
    }
}

async fn consumer(world: &World) -> Consumer {
    let new = NewConsumer {
        name: "jack".to_owned(),
        custom_id: None,
        description: String::new(),
        labels: BTreeMap::new(),
        plugins: vec![key()],
        gateway_group: None,
    };
    let put = put(&world.env, world.caller(), new).await.unwrap();
    put.value.value
}

#[tokio::test]
async fn a_gateway_group_that_is_deleted_in_between_is_not_found() {
    let world = World::new().await;
    let (env, caller) = (&world.env, world.caller());
    let application = consumer(&world).await.application;
    let made = gateway::create_group(env, caller, "edge".to_owned(), Mode::OnDemand);
    let group = made.await.unwrap().value;
    let identifier = Method::KeyAuth.own_identifier();
    let notes = Notes::of_own(Method::KeyAuth);
    let mut read = env.store.read().await.unwrap();
    let found = held(read.as_mut(), &application, identifier).await.unwrap();
    drop(read);
    let named = (identifier, &notes);
    let plan = Plan::of(env, caller, found.as_ref(), named, key(), Some(&group)).await;
    gateway::delete_group(env, caller, "edge").await.unwrap();
    let mut write = env.store.write().await.unwrap();
    let done = plan.unwrap();
    let done = done.carry_out(
        env,
        write.as_mut(),
        caller,
        &application,
        found,
        Some(&group),
    );
    let done = done.await;
    assert!(
        matches!(done, Err(Error::NotFound(Kind::GatewayGroup))),
        "{done:?}"
    );
}
