//! Database and journal agree from the start on: what either of them knows as revoked, the other does too.

use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    sync::Arc,
    time::Duration,
};

use super::{Journal, JournalError, Reader, Revocation, Revoked, Switched, file::Appender};
use crate::{
    application,
    caller::Caller,
    clock::Timestamp,
    credential,
    environment::Environment,
    error::{Error, Kind},
    store::RevokedSource,
    token,
};

/// Revocations that are looked up, or written, at a time.
const BATCH: usize = 500;
/// By how much the order of the journal's times may differ from that of the commits: between a revocation and its commit
/// lies some time, and clocks are set back.
const DISORDER: Duration = Duration::from_mins(10);

/// What came of reading a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// How many revocations it holds.
    pub(crate) read: u64,
    /// How many of them the database had forgotten.
    pub(crate) again: u64,
    /// When the last one was.
    pub(crate) last_at: Option<Timestamp>,
}

/// Opens the journal at this path, or begins it. What it says is true in the database from then on, and what the database
/// says is in it.
pub(crate) async fn open(env: &Environment, path: &Path) -> Result<Arc<Journal>, JournalError> {
    let file = Appender::lock(path)?;
    let mut recent = Recent::default();
    let (mut appender, id) = match Reader::open(path, &env.keys)? {
        None => Appender::begin(file, path, &env.keys, env.now(), env.entropy.as_ref())?,
        Some(mut reader) => {
            let id = reader.id();
            let mark = env
                .store
                .read()
                .await
                .map_err(Error::from)?
                .journal_mark(&id)
                .await;
            let mark = mark.map_err(Error::from)?;
            let tally = read_on(env, &mut reader, mark, Some(&mut recent)).await?;
            if tally.again > 0 {
                tracing::warn!(
                    revocations = tally.again,
                    "the database is older than the journal of revocations: it was restored, copied or lags behind. What it \
                     had forgotten is revoked again"
                );
            }
            if reader.number() < mark {
                tracing::warn!(
                    has = reader.number(),
                    had = mark,
                    "the journal of revocations has lost lines: what the database knows is written again"
                );
            }
            (Appender::resume(file, path, reader)?, id)
        }
    };
    catch_up(env, &mut appender, path, &recent).await?;
    let mut write = env.store.write().await.map_err(Error::from)?;
    let marked = write.set_journal_mark(&id, appender.number()).await;
    marked.map_err(Error::from)?;
    env.commit(write).await?;
    Ok(Arc::new(Journal::new(
        appender,
        Arc::clone(&env.keys),
        path,
    )?))
}

/// Makes what the journal at this path says true in a database that has forgotten some of it. The journal may be kept meanwhile.
pub(crate) async fn agree_again(env: &Environment, path: &Path) -> Result<(), JournalError> {
    let Some(mut reader) = Reader::open(path, &env.keys)? else {
        return Ok(());
    };
    let tally = revoke_again(env, &mut reader).await?;
    if tally.again > 0 {
        tracing::warn!(
            revocations = tally.again,
            "the database had forgotten what the journal says is revoked: it is revoked again"
        );
    }
    Ok(())
}

/// Has everything revoked again that the journal says.
pub(crate) async fn revoke_again(
    env: &Environment,
    reader: &mut Reader<'_>,
) -> Result<Tally, JournalError> {
    read_on(env, reader, 0, None).await
}

/// Reads to the end. What comes after the mark is made true in the database.
async fn read_on(
    env: &Environment,
    reader: &mut Reader<'_>,
    mark: u64,
    mut recent: Option<&mut Recent>,
) -> Result<Tally, JournalError> {
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(revocation) = reader.next()? {
        tally.read = tally.read.saturating_add(1);
        tally.last_at = tally.last_at.max(Some(revocation.at));
        if let Some(recent) = recent.as_deref_mut() {
            recent.add(&revocation);
        }
        if reader.number() > mark {
            batch.push(revocation.what);
        }
        if batch.len() == BATCH {
            tally.again = tally.again.saturating_add(revoke_batch(env, &batch).await?);
            batch.clear();
        }
    }
    tally.again = tally.again.saturating_add(revoke_batch(env, &batch).await?);
    Ok(tally)
}

/// Returns how many were not true in the database.
async fn revoke_batch(env: &Environment, batch: &[Revoked]) -> Result<u64, JournalError> {
    let mut forgotten = Vec::new();
    let mut read = env.store.read().await.map_err(Error::from)?;
    for what in batch {
        if !read.is_revoked(what).await.map_err(Error::from)? {
            forgotten.push(*what);
        }
    }
    drop(read);
    for what in &forgotten {
        revoke(env, *what)
            .await
            .map_err(|source| JournalError::Again {
                what: what.to_string(),
                source: Box::new(source),
            })?;
    }
    Ok(forgotten.len() as u64)
}

async fn revoke(env: &Environment, what: Revoked) -> Result<(), Error> {
    match what {
        Revoked::Switched(switch) => match switch.what {
            Switched::Credential(id) => credential::switch_again(env, id, switch).await,
            Switched::Application(id) => application::switch_again(env, id, switch).await,
        },
        Revoked::Turned(turn) => credential::turn_again(env, turn).await,
        Revoked::CutOff(cut_off) => credential::cut_off_again(env, cut_off).await,
        Revoked::Secret(id) => credential::revoke_again(env, id).await,
        Revoked::Credential(id) => credential::delete_again(env, id).await,
        Revoked::Token(id) => token::revoke_again(env, id).await,
        Revoked::Application(id) => {
            let found = env.store.read().await?.application(id).await?;
            let organization = found
                .ok_or(Error::NotFound(Kind::Application))?
                .organization;
            application::delete(env, Caller::registry(organization), id, None).await?;
            Ok(())
        }
    }
}

/// Writes what the database knows as revoked since the journal's last lines, and the journal does not know: a crash came
/// between the two, or another registry revoked it.
async fn catch_up(
    env: &Environment,
    appender: &mut Appender,
    path: &Path,
    recent: &Recent,
) -> Result<(), JournalError> {
    let revision = env.store.revision();
    let mut read = env.store.read().await.map_err(Error::from)?;
    for source in [
        RevokedSource::Secrets,
        RevokedSource::Tokens,
        RevokedSource::Credentials,
        RevokedSource::Applications,
        RevokedSource::Turns,
        RevokedSource::CutOffs,
    ] {
        let mut after = (recent.since(), String::new());
        loop {
            let found = read
                .revoked_after(source, &after, BATCH)
                .await
                .map_err(Error::from)?;
            let Some((last, at)) = found.last() else {
                break;
            };
            after = (*at, last.to_string());
            let missing: Vec<Revocation> = found
                .into_iter()
                .filter(|(what, _)| !recent.known.contains(what))
                .map(|(what, at)| Revocation { what, at, revision })
                .collect();
            appender
                .append(&env.keys, &missing)
                .map_err(|source| JournalError::file("write", path, source))?;
        }
    }
    Ok(())
}

/// The journal's last lines.
#[derive(Default)]
struct Recent {
    lines: VecDeque<(Timestamp, Revoked)>,
    known: HashSet<Revoked>,
    last_at: Option<Timestamp>,
}

impl Recent {
    fn add(&mut self, revocation: &Revocation) {
        self.last_at = self.last_at.max(Some(revocation.at));
        self.lines.push_back((revocation.at, revocation.what));
        self.known.insert(revocation.what);
        let begin = self.since();
        while let Some((_, what)) = self.lines.pop_front_if(|(at, _)| *at < begin) {
            self.known.remove(&what);
        }
    }

    /// From when on the journal may lack something.
    fn since(&self) -> Timestamp {
        let last = self.last_at.unwrap_or(Timestamp::from_millis(0));
        last.before(DISORDER)
    }
}
