//! What the registry says after it was started again.

use e2e::admin::Admin;
use serde_json::Value;

use crate::{
    follower::Follower,
    model::{Model, Truth},
    writer::Writer,
};

/// Tokens for the registry with their descriptions.
pub(crate) async fn tokens(admin: &Admin) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = admin.get("/v1/tokens").await;
    let all = all["items"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|one| (text(&one["id"]), text(&one["description"])))
        .collect()
}

/// What there is of one writer.
pub(crate) async fn truth(admin: &Admin, writer: &Writer, tokens: &[(String, String)]) -> Truth {
    let application = format!("/v1/applications/{}", writer.model.application);
    let mine = format!("w{}-", writer.number);
    let on_edge = format!("{application}/credentials?limit=100&gateway_group=edge");
    let on_edge = items(&admin.get(&on_edge).await);
    Truth {
        disabled: admin.get(&application).await["enabled"] == false,
        keys: items(
            &admin
                .get(&format!("{application}/credentials?limit=100"))
                .await,
        ),
        on_edge: on_edge
            .iter()
            .filter_map(|key| key["id"].as_str().map(str::to_owned))
            .collect(),
        tokens: tokens
            .iter()
            .filter(|(_, about)| about.starts_with(&mine))
            .cloned()
            .collect(),
    }
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().cloned().unwrap_or_default()
}

/// Whether the writer's tokens work, and those that it revoked last do not.
///
/// # Errors
/// The first that does not do as it must.
pub(crate) async fn logins(admin: &Admin, model: &Model) -> Result<(), String> {
    let alive = model.tokens.values().flatten().map(|token| (token, 403));
    let dead = model.dead_tokens.iter().rev().take(2);
    for (token, expected) in alive.chain(dead.map(|token| (token, 401))) {
        // Its role may nothing of this, but only who is known is told so.
        let answer = admin
            .with(token)
            .call("GET", "/v1/tokens")
            .try_send()
            .await?;
        if answer.status != expected {
            return Err(format!(
                "a token is answered {}, not {expected}",
                answer.status
            ));
        }
    }
    Ok(())
}

/// Whether what the writer revoked and disabled does not work, whatever else is there.
///
/// # Errors
/// The first secret that works.
pub(crate) fn nothing_is_back(follower: &Follower, model: &Model) -> Result<(), String> {
    if model.dead.iter().any(|value| follower.knows(value)) {
        return Err("a revoked secret works again".to_owned());
    }
    for key in model
        .keys
        .values()
        .filter(|key| model.disabled || !key.enabled)
    {
        let values = key
            .secrets
            .iter()
            .filter_map(|secret| secret.value.as_ref());
        for value in values {
            if follower.admits(value) {
                return Err(format!("what was disabled works again: {key:?}"));
            }
        }
    }
    Ok(())
}

/// Whether none of the writer's revoked tokens works.
///
/// # Errors
/// The first that does.
pub(crate) async fn dead_logins(admin: &Admin, model: &Model) -> Result<(), String> {
    for token in &model.dead_tokens {
        let call = admin.with(token).call("GET", "/v1/tokens");
        let status = call.try_send().await?.status;
        if status != 401 {
            return Err(format!("a revoked token is answered {status}"));
        }
    }
    Ok(())
}

/// Whether gateways admit exactly what they should.
///
/// # Errors
/// The first secret that is wrong.
pub(crate) fn gateway(follower: &Follower, models: &[&Model], is_edge: bool) -> Result<(), String> {
    if follower.snapshots != 1 {
        return Err("the cursor was not known any more".to_owned());
    }
    // The reporter's own is in the group that has everything.
    let mut expected = usize::from(!is_edge);
    for model in models {
        for key in model.keys.values().filter(|key| !is_edge || key.on_edge) {
            expected += key.secrets.len();
            let honoured = key.enabled && !model.disabled;
            for (number, secret) in key.secrets.iter().enumerate() {
                let Some(value) = &secret.value else { continue };
                let which = || format!("secret {number} of {key:?}");
                if !follower.knows(value) {
                    return Err(format!("a gateway misses {}", which()));
                }
                if follower.admits(value) != honoured {
                    return Err(format!("honoured should be {honoured} for {}", which()));
                }
            }
        }
        if model.dead.iter().any(|value| follower.knows(value)) {
            return Err(format!(
                "a revoked secret of {} is there",
                model.application_name
            ));
        }
    }
    if follower.secrets() != expected {
        let found = follower.secrets();
        return Err(format!("{found} secrets are there, not {expected}"));
    }
    Ok(())
}
