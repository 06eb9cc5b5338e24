//! Claims about tokens.

use super::*;
use crate::{
    environment::Environment,
    error::{Conflict, Error, InvalidField, Kind},
    secrets::SecretText,
    testing::{HOUR, World, secret},
};

fn admin() -> NewToken {
    NewToken {
        role: NewRole::PortalAdmin,
        description: "for tests".to_owned(),
        expires_at: None,
    }
}

fn default_gateway() -> NewRole {
    NewRole::Gateway {
        group: "default".to_owned(),
    }
}

async fn identity(env: &Environment, text: &SecretText) -> Option<Identity> {
    authenticate(env, text.expose(), None).await.unwrap()
}

#[tokio::test]
async fn a_token_is_known_until_it_is_revoked() {
    let world = World::new().await;
    let (token, text) = create(&world.env, world.caller(), admin(), None)
        .await
        .unwrap();
    assert!(text.expose().starts_with("ks_at_"));
    let known = identity(&world.env, &text).await.unwrap();
    assert_eq!((known.token, known.role), (token.id, Role::PortalAdmin));
    assert!(is_valid(&world.env, token.id).await.unwrap());
    revoke(&world.env, world.caller(), None, token.id)
        .await
        .unwrap();
    assert_eq!(identity(&world.env, &text).await, None);
    assert!(!is_valid(&world.env, token.id).await.unwrap());
    let again = revoke(&world.env, world.caller(), None, token.id).await;
    assert!(matches!(again, Err(Error::NotFound(Kind::Token))));
}

#[tokio::test]
async fn a_token_is_known_until_it_expires() {
    let world = World::new().await;
    let expires_at = Some(world.env.now().after(HOUR));
    let new = NewToken {
        expires_at,
        ..admin()
    };
    let (_, text) = create(&world.env, world.caller(), new.clone(), None)
        .await
        .unwrap();
    assert!(identity(&world.env, &text).await.is_some());
    world.clock.advance(HOUR);
    assert_eq!(identity(&world.env, &text).await, None);
    let created = create(&world.env, world.caller(), new, None).await;
    assert!(matches!(
        created,
        Err(Error::Invalid(InvalidField {
            field: "expires_at",
            ..
        }))
    ));
}

#[tokio::test]
async fn nothing_else_is_a_token() {
    let world = World::new().await;
    let (_, text) = create(&world.env, world.caller(), admin(), None)
        .await
        .unwrap();
    let cut = text.expose().len() - 1;
    for value in [
        "",
        "x",
        &text.expose()[..cut],
        &format!("{} ", text.expose()),
        &"x".repeat(100_000),
    ] {
        assert_eq!(identity(&world.env, &secret(value)).await, None);
    }
}

#[tokio::test]
async fn a_groups_tokens_are_listed_and_revoked_with_the_group_only() {
    let world = World::new().await;
    let new = NewToken {
        role: default_gateway(),
        ..admin()
    };
    let (gateway, text) = create(&world.env, world.caller(), new, None).await.unwrap();
    let (other, _) = create(&world.env, world.caller(), admin(), None)
        .await
        .unwrap();
    assert!(text.expose().starts_with("ks_gt_"));
    let listed = list(&world.env, world.caller(), Some("default"))
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(&gateway));
    let administrators = list(&world.env, world.caller(), None).await.unwrap();
    assert_eq!(administrators, std::slice::from_ref(&other));
    for (group, id) in [(Some("default"), other.id), (None, gateway.id)] {
        let crossed = revoke(&world.env, world.caller(), group, id).await;
        assert!(matches!(crossed, Err(Error::NotFound(Kind::Token))));
    }
    revoke(&world.env, world.caller(), Some("default"), gateway.id)
        .await
        .unwrap();
    assert!(
        list(&world.env, world.caller(), Some("default"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_first_administrators_token_is_provisioned_and_known_from_then_on() {
    let world = World::new().await;
    assert!(!has_admin(&world.env).await.unwrap());
    let text = mint(&world.env).unwrap();
    assert_eq!(
        identity(&world.env, &text).await,
        None,
        "it is written down before it is valid"
    );
    let id = provision(&world.env, NewRole::PortalAdmin, &text)
        .await
        .unwrap();
    assert!(has_admin(&world.env).await.unwrap());
    assert_eq!(
        provision(&world.env, NewRole::PortalAdmin, &text)
            .await
            .unwrap(),
        id
    );
    assert_eq!(identity(&world.env, &text).await.unwrap().token, id);
}

#[tokio::test]
async fn a_configured_token_that_was_revoked_stays_revoked() {
    let world = World::new().await;
    let text = world
        .env
        .policy
        .generate(
            filter_core::key::SecretType::GatewayToken,
            world.env.entropy.as_ref(),
        )
        .unwrap();
    let id = provision(&world.env, default_gateway(), &text)
        .await
        .unwrap();
    revoke(&world.env, world.caller(), Some("default"), id)
        .await
        .unwrap();
    let again = provision(&world.env, default_gateway(), &text).await;
    assert!(matches!(
        again,
        Err(Error::Conflict(Conflict::TokenRevoked))
    ));
}

#[tokio::test]
async fn a_configured_token_that_expired_stays_expired() {
    let world = World::new().await;
    let new = NewToken {
        expires_at: Some(world.env.now().after(HOUR)),
        ..admin()
    };
    let (_, text) = create(&world.env, world.caller(), new, None).await.unwrap();
    world.clock.advance(HOUR);
    let again = provision(&world.env, NewRole::PortalAdmin, &text).await;
    assert!(matches!(
        again,
        Err(Error::Conflict(Conflict::TokenExpired))
    ));
}

#[tokio::test]
async fn a_configured_token_must_fit_its_role() {
    let world = World::new().await;
    let own = secret("an-administrators-own-token-of-40-chars!");
    let admin_token = mint(&world.env).unwrap();
    let refused = |result: Result<crate::ids::TokenId, Error>, field: &str| match result {
        Err(Error::Invalid(invalid)) => assert_eq!(invalid.field, field),
        other => panic!("{other:?}"),
    };
    refused(
        provision(&world.env, default_gateway(), &own).await,
        "gateway_token",
    );
    refused(
        provision(&world.env, default_gateway(), &admin_token).await,
        "gateway_token",
    );
    refused(
        provision(&world.env, NewRole::PortalAdmin, &secret("too short")).await,
        "admin_token",
    );
    refused(
        provision(
            &world.env,
            NewRole::PortalAdmin,
            &secret("ks_at_invented-by-somebody-0123456789"),
        )
        .await,
        "admin_token",
    );
    provision(&world.env, NewRole::PortalAdmin, &own)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_token_that_was_revoked_meanwhile_makes_no_other() {
    let world = World::new().await;
    let (maker, _) = create(&world.env, world.caller(), admin(), None)
        .await
        .unwrap();
    let caller = crate::caller::Caller {
        token: Some(maker.id),
        ..world.caller()
    };
    create(&world.env, caller, admin(), None).await.unwrap();
    revoke(&world.env, world.caller(), None, maker.id)
        .await
        .unwrap();
    let refused = create(&world.env, caller, admin(), None).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
}
