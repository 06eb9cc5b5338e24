//! What a registry does because others may share its database, and because the database may be replaced by another server.

use std::{path::Path, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use super::GATHER;
use crate::{environment::Environment, gateway::Gateways, journal, shutdown::Shutdown};

/// How often it is looked what other registries wrote down, if nothing is heard of that.
const LEARN_INTERVAL: Duration = Duration::from_secs(5);
/// After which it is tried again to make the database agree with the journal of revocations. It fails while the database is
/// away, and as long as it does, something revoked may work.
const AGREE_AGAIN: Duration = Duration::from_secs(1);

/// Takes in what other registries on the same database have heard of gateways.
pub(super) async fn learn_regularly(
    environment: &Environment,
    gateways: &Gateways,
    shutdown: &Shutdown,
) {
    if !environment.store.is_shared() {
        return;
    }
    let mut news = environment.store.gateway_news();
    let mut ticks = interval(LEARN_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = news.changed() => tokio::time::sleep(GATHER).await,
            () = shutdown.wait() => return,
        }
        news.borrow_and_update();
        if let Err(error) = environment.store.settle_doubts().await {
            tracing::warn!(%error, "whether something was revoked is not known yet");
        }
        if let Err(error) = gateways.refresh(environment).await {
            tracing::warn!(%error, "what other registries know of gateways could not be read");
        }
    }
}

/// Where the database turns out to be another one than it was: forgets what gateways said of the one before, and has revoked
/// again what this one has forgotten.
pub(super) async fn begin_anew_with_the_log(
    environment: &Environment,
    gateways: &Gateways,
    journal: &Path,
    shutdown: &Shutdown,
) {
    let mut generation = environment.store.generation();
    loop {
        tokio::select! {
            changed = generation.changed() => if changed.is_err() {
                return;
            },
            () = shutdown.wait() => return,
        }
        generation.borrow_and_update();
        gateways.begin_anew();
        while let Err(error) = journal::agree_again(environment, journal).await {
            tracing::error!(%error, "what the journal says is revoked could not be revoked again, and will be");
            tokio::select! {
                () = tokio::time::sleep(AGREE_AGAIN) => {}
                () = shutdown.wait() => return,
            }
        }
    }
}

/// After the last that was heard.
pub(super) async fn leave(environment: &Environment, gateways: &Gateways) {
    if let Err(error) = gateways.leave(environment).await {
        tracing::warn!(%error, "other registries could not be told that this one stops");
    }
}
