//! Refusing every access token that a client has got so far.

use std::time::Duration;

use crate::{
    audit::{self, Action, Event},
    caller::Caller,
    change::Changed,
    clock::Timestamp,
    credential::{self, Credential, CredentialDetail, CredentialType},
    environment::Environment,
    error::{Conflict, Error, Kind},
    ids::CredentialId,
    oauth,
};

/// Refuses the tokens that were issued until now, if the credential is at the expected version. The client can ask its
/// provider for another at once, and has it accepted from the next whole second on.
pub async fn revoke_tokens(
    env: &Environment,
    caller: Caller,
    id: CredentialId,
    expected: Option<u64>,
) -> Result<Changed<CredentialDetail>, Error> {
    let mut write = env.store.write().await?;
    let now = env.now();
    let before = credential::find(write.as_mut(), caller, id).await?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(Error::VersionMismatch(Kind::Credential));
    }
    if before.kind != CredentialType::OauthClient {
        return Err(Conflict::NoTokens.into());
    }
    let mut credential = before.clone();
    cut_off(&mut credential, now);
    credential.updated_at = now;
    credential.version = credential.version.saturating_add(1);
    write.update_credential(&credential).await?;
    oauth::revoke_all(write.as_mut(), id).await?;
    let event =
        Event::of_credential(Action::TokensRevoked, &credential).changed(&before, &credential);
    audit::note(env, write.as_mut(), caller, event).await?;
    let detail = credential::detail(env, write.as_mut(), credential, now).await?;
    let changed = Changed::of(write.as_mut(), detail).await?;
    env.commit(write).await?;
    Ok(changed)
}

/// Lets the credential's tokens count only if they are issued after `now`.
///
/// Tokens say in whole seconds when they were issued. Those of the second that is running may be older than this moment, so
/// the next one is the first that counts.
pub(super) fn cut_off(credential: &mut Credential, now: Timestamp) {
    let begun = now.as_millis() / 1000;
    let next = Timestamp::from_millis(begun.saturating_mul(1000)).after(Duration::from_secs(1));
    credential.tokens_valid_from = credential.tokens_valid_from.max(Some(next));
}
