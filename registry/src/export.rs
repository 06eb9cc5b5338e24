//! Every credential that somebody sees, written out without secrets, digests and hashes.

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    credential::Credential,
    environment::Environment,
    error::Error,
    ids::CredentialId,
    listing::Listing,
};

/// Credentials at most that are read at a time: an export holds nobody up.
const PART: usize = 200;

/// A credential with what names its application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The name of its application.
    pub application: String,
    /// The credential.
    pub credential: Credential,
}

/// Notes that somebody takes everything. To be done before the first [`part`].
pub async fn begin(env: &Environment, caller: Caller, format: &str) -> Result<(), Error> {
    let mut write = env.store.write().await?;
    let event = Event::of(Action::CredentialsExported, "credentials").with("format", format);
    audit::note(env, write.as_mut(), caller, event).await?;
    env.commit(write).await?;
    Ok(())
}

/// The credentials that the caller sees and that were created after this one, as many as are read at a time. Each part is as it is when it is read.
pub async fn part(
    env: &Environment,
    caller: Caller,
    after: Option<CredentialId>,
) -> Result<Listing<Exported>, Error> {
    let mut read = env.store.read().await?;
    let limit = PART.saturating_add(1);
    let found = read
        .credentials_for_export(caller.organization, caller.owner(), after, limit)
        .await?;
    Ok(Listing::cut(found, PART))
}
