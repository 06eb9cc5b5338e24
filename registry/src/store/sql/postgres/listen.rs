//! What other registries commit: told by `NOTIFY` with the commit, and looked up wherever that may have been missed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use sqlx::{
    PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions},
};
use tokio::{
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{PATIENCE, PING, compare::compare, within};
use crate::{
    ids::GroupId,
    store::{StoreError, sql::wake::Heads},
};

const CHANNEL: &str = "keysmith_changes";
/// For what registries hear of gateways, which is no change.
const GATEWAYS: &str = "keysmith_gateways";
const NOTIFY_GATEWAYS: &str = "select pg_notify('keysmith_gateways', '')";
const NOTIFY: &str = "select pg_notify('keysmith_changes', $1)";
/// What stands for the groups where they are too many.
const EVERY_GROUP: &str = "*";
/// PostgreSQL takes less than 8000 bytes.
const MAX_PAYLOAD: usize = 7_900;
/// Between two attempts to listen again: short beside the seconds that a server takes to come back, and gateways wait no
/// longer than that for what was committed meanwhile; two attempts a second are nothing to a server that refuses them.
const RETRY: Duration = Duration::from_millis(500);
/// After which a connection on which nothing comes is tried.
const QUIET: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 20 });
/// How often the log's end is looked up in any case: a connection may be dead without anybody noticing. It bounds how
/// late a gateway then hears of a revocation at another registry, for one look-up by primary key each time.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Tells every registry of the commit that follows: of its revision, and of the groups that it changes something for.
pub(in crate::store::sql) async fn announce(
    transaction: &mut Transaction<'static, Postgres>,
    head: u64,
    groups: &BTreeSet<GroupId>,
) -> Result<(), StoreError> {
    sqlx::query(NOTIFY)
        .bind(payload(head, groups))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// Tells every registry that the commit that follows has news of gateways.
pub(in crate::store::sql) async fn announce_gateways(
    transaction: &mut Transaction<'static, Postgres>,
) -> Result<(), StoreError> {
    sqlx::query(NOTIFY_GATEWAYS)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn payload(head: u64, groups: &BTreeSet<GroupId>) -> String {
    let mut payload = head.to_string();
    for group in groups {
        payload.push(' ');
        payload.push_str(&group.to_string());
    }
    if payload.len() > MAX_PAYLOAD {
        return format!("{head} {EVERY_GROUP}");
    }
    payload
}

/// Wakes those whom a commit concerns. What cannot be read concerns everybody.
fn heard(heads: &Heads, payload: &str) {
    let mut words = payload.split(' ');
    let head = words.next().and_then(|word| word.parse().ok());
    let head = head.unwrap_or_else(|| heads.revision().saturating_add(1));
    match words.map(str::parse).collect::<Result<BTreeSet<_>, _>>() {
        Ok(groups) => heads.rise(head, groups),
        Err(_) => heads.rise_for_all(head),
    }
}

/// The tasks that listen. They end with this.
#[derive(Debug)]
pub(super) struct Listening([AbortHandle; 2]);

impl Listening {
    /// Listens, and then wakes whoever waits for what was committed before that.
    pub(super) async fn begin(
        options: &PgConnectOptions,
        readers: &PgPool,
        heads: &Arc<Heads>,
    ) -> Result<Self, StoreError> {
        let first = listen(options, readers, heads).await?;
        let hearing = hear(options.clone(), readers.clone(), Arc::clone(heads), first);
        let looking = look_regularly(readers.clone(), Arc::clone(heads));
        Ok(Self([
            tokio::spawn(hearing).abort_handle(),
            tokio::spawn(looking).abort_handle(),
        ]))
    }

    pub(super) fn end(&self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.end();
    }
}

async fn listen(
    options: &PgConnectOptions,
    readers: &PgPool,
    heads: &Heads,
) -> Result<PgListener, sqlx::Error> {
    // One connection that is for nothing else. It is kept while nothing comes, and not replaced for its age: what comes in
    // between would be missed. Another one, if ever, is of another pool: this one waits for a connection that died unnoticed.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    within(PATIENCE, listener.listen_all([CHANNEL, GATEWAYS])).await?;
    // In this order: what is committed from here on is heard of, what was before is seen.
    heads.rise_for_all(revision(readers, heads).await?);
    heads.gateways_heard();
    Ok(listener)
}

async fn hear(options: PgConnectOptions, readers: PgPool, heads: Arc<Heads>, first: PgListener) {
    let mut listener = first;
    loop {
        while let Some(notification) = next(&mut listener).await {
            if notification.channel() == GATEWAYS {
                heads.gateways_heard();
            } else {
                heard(&heads, notification.payload());
            }
        }
        drop(listener);
        tracing::warn!("the connection is lost on which other registries' changes are heard of");
        listener = loop {
            sleep(RETRY).await;
            if let Ok(again) = listen(&options, &readers, &heads).await {
                break again;
            }
        };
        tracing::info!("other registries' changes are heard of again");
    }
}

/// What comes next; `None` once the connection is lost. Where nothing comes for long, the server is asked whether it is there.
async fn next(listener: &mut PgListener) -> Option<PgNotification> {
    loop {
        if let Ok(received) = timeout(QUIET, listener.try_recv()).await {
            return received.ok().flatten();
        }
        let ping = sqlx::query(PING).execute(&mut *listener);
        within(PATIENCE, ping).await.ok()?;
    }
}

async fn look_regularly(readers: PgPool, heads: Arc<Heads>) {
    loop {
        sleep(LOOK_INTERVAL).await;
        if let Ok(revision) = revision(&readers, &heads).await
            && revision > heads.revision()
        {
            heads.rise_for_all(revision);
        }
    }
}

async fn revision(readers: &PgPool, heads: &Heads) -> Result<u64, sqlx::Error> {
    let mut connection = readers.acquire().await?;
    within(PATIENCE, compare(&mut connection, heads)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, entropy::SeededEntropy};

    #[test]
    fn a_commit_for_more_groups_than_can_be_named_is_for_all() {
        let entropy = SeededEntropy::new(1);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let groups = |count| -> BTreeSet<GroupId> {
            let ids = (0..count).map(|_| GroupId::generate(now, &entropy).unwrap());
            ids.collect()
        };
        let few = groups(2);
        let heads = Heads::new(0);
        let named = heads.watch(*few.first().unwrap());
        let other = heads.watch(GroupId::generate(now, &entropy).unwrap());
        heard(&heads, &payload(7, &few));
        assert_eq!((*named.borrow(), *other.borrow()), (7, 0));
        let many = payload(8, &groups(1000));
        assert!(many.len() < 8000);
        heard(&heads, &many);
        assert_eq!((*named.borrow(), *other.borrow()), (8, 8));
        assert_eq!(heads.revision(), 8);
    }
}
