//! What becomes of the secrets that a credential had, when it gets a new one.

use std::time::Duration;

use super::{Credential, Rotation};
use crate::{
    clock::Timestamp,
    environment::Environment,
    error::Error,
    ids::CredentialId,
    secret::{Part, SecretState},
    store::WriteTransaction,
};

/// How long secrets still work that are not the current one any more.
pub(super) struct Retirement {
    now: Timestamp,
    part: Part,
    until: Timestamp,
    end_after_silence: Option<Duration>,
    most: usize,
}

impl Retirement {
    /// A secret never outlives its credential, nor the end that this had while the secret was the current one.
    pub(super) fn of(
        env: &Environment,
        rotation: &Rotation,
        (before, after): (&Credential, &Credential),
        now: Timestamp,
    ) -> Self {
        let end = now.after(rotation.grace);
        Self {
            now,
            part: rotation.part,
            until: [before.expires_at, after.expires_at]
                .into_iter()
                .flatten()
                .fold(end, Timestamp::min),
            end_after_silence: rotation.end_after_silence,
            most: env.rotation.max_retiring,
        }
    }

    /// Retires or ends the credential's secrets of the part, the newest first.
    pub(super) async fn carry_out(
        self,
        write: &mut dyn WriteTransaction,
        id: CredentialId,
    ) -> Result<(), Error> {
        let mut secrets = write.unrevoked_secrets(id).await?;
        secrets.retain(|secret| secret.part == self.part);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.version));
        let mut retiring: usize = 0;
        for secret in secrets {
            let is_current = secret.state == SecretState::Current;
            let lives = self.until > self.now && secret.is_living(self.now) && retiring < self.most;
            if !lives {
                let ended = SecretState::Revoked { at: self.now };
                write.set_secret_state(secret.id, ended).await?;
                continue;
            }
            retiring = retiring.saturating_add(1);
            if is_current {
                let until = self.until;
                let retires = SecretState::Retiring { until };
                write.set_secret_state(secret.id, retires).await?;
                if let Some(silence) = self.end_after_silence {
                    write.set_end_after_silence(secret.id, silence).await?;
                }
            }
        }
        Ok(())
    }
}
