//! One leaked secret: marked, and ended as configured.

use super::{Leak, Outcome, Policy, Report, Taken};
use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    clock::Timestamp,
    credential::Credential,
    deployment::{self, Digesters},
    environment::Environment,
    error::Error,
    ids::LeakId,
    secret::{Secret, SecretState},
    store::WriteTransaction,
};

/// Marks the secret and does what the policy wants, unless that was done before. It is noted in the organization whose
/// secret it is.
pub(super) async fn record(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    caller: Caller,
    policy: Policy,
    report: &Report,
    secret: &Secret,
) -> Result<Outcome, Error> {
    let now = env.now();
    let before = write.credential(secret.credential).await?;
    let known = |taken, leaked_at| Outcome::Known {
        taken,
        credential: secret.credential,
        application: before.as_ref().map(|credential| credential.application),
        version: secret.version,
        leaked_at,
    };
    if let Some(leaked_at) = secret.leaked_at {
        return Ok(known(Taken::Nothing, leaked_at));
    }
    write.mark_leaked(secret.id, now).await?;
    let mut after = before.clone();
    let taken = match &mut after {
        Some(credential) if secret.is_living(now) => {
            act(env, write, policy, credential, secret).await?
        }
        _ => Taken::Nothing,
    };
    let leak = Leak {
        id: LeakId::generate(now, env.entropy.as_ref())?,
        organization: secret.organization,
        credential: secret.credential,
        secret: secret.id,
        token: caller.token,
        source: report.source.clone(),
        url: report.url.clone(),
        action: taken.word(),
        reported_at: now,
    };
    write.insert_leak(&leak).await?;
    let event = match (&before, &after) {
        (Some(before), Some(after)) => {
            Event::of_credential(Action::SecretLeaked, after).changed(before, after)
        }
        _ => Event::of_former_credential(Action::SecretLeaked, secret.credential),
    };
    let event = event
        .with("version", secret.version)
        .with("action", taken.word())
        .with("source", report.source.clone())
        .with("url", report.url.clone());
    let caller = caller.acting_in(secret.organization);
    audit::note(env, write, caller, event).await?;
    Ok(known(taken, now))
}

/// Ends a living secret as the policy wants.
async fn act(
    env: &Environment,
    write: &mut dyn WriteTransaction,
    policy: Policy,
    credential: &mut Credential,
    secret: &Secret,
) -> Result<Taken, Error> {
    let now = env.now();
    let taken = match policy {
        // Gateways and versions see no difference.
        Policy::Record => return Ok(Taken::Record),
        Policy::Grace(grace) => {
            let until = end(credential, secret, now.after(grace));
            write
                .set_secret_state(secret.id, SecretState::Retiring { until })
                .await?;
            Taken::Grace
        }
        Policy::Disable if must_stay_enabled(write, credential, secret).await? => {
            write
                .set_secret_state(secret.id, SecretState::Revoked { at: now })
                .await?;
            Taken::Revoke
        }
        Policy::Disable => {
            credential.enabled = false;
            Taken::Disable
        }
    };
    credential.version = credential.version.saturating_add(1);
    credential.updated_at = now;
    write.update_credential(credential).await?;
    let digesters = Digesters::load(write, &env.keys).await?;
    deployment::settle(write, &env.keys, &digesters, credential, now).await?;
    Ok(taken)
}

/// The soonest of the ends that there are.
fn end(credential: &Credential, secret: &Secret, until: Timestamp) -> Timestamp {
    let retiring = match secret.state {
        SecretState::Retiring { until } => Some(until),
        SecretState::Current | SecretState::Revoked { .. } => None,
    };
    let ends = retiring.into_iter().chain(credential.expires_at);
    ends.fold(until, Timestamp::min)
}

/// A default credential is always honoured; and where the secret was replaced already, nothing else leaked.
async fn must_stay_enabled(
    write: &mut dyn WriteTransaction,
    credential: &Credential,
    secret: &Secret,
) -> Result<bool, Error> {
    if secret.state != SecretState::Current {
        return Ok(true);
    }
    let application = write.application(credential.application).await?;
    Ok(
        application
            .is_some_and(|application| application.default_credential == Some(credential.id)),
    )
}
