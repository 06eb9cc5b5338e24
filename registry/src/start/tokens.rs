//! The first tokens: those that are configured, and an admin token where nobody could come in otherwise.

use std::io::{self, IsTerminal as _, Write as _};

use super::{
    DataDir, StartError,
    files::{read_if_exists, replace_secret, write_secret},
};
use crate::{
    config::Secrets,
    environment::Environment,
    error::{Conflict, Error},
    gateway::DEFAULT_GROUP,
    secrets::SecretText,
    token::{self, NewRole},
};

impl DataDir {
    /// Makes the configured tokens valid; makes an admin token if nobody could come in otherwise.
    pub(crate) async fn provision_tokens(
        &self,
        env: &Environment,
        secrets: &Secrets,
    ) -> Result<(), StartError> {
        let gateway = NewRole::Gateway {
            group: DEFAULT_GROUP.to_owned(),
        };
        let configured = [
            (NewRole::PortalAdmin, &secrets.admin_token),
            (gateway, &secrets.gateway_token),
        ];
        for (role, secret) in configured {
            if let Some(secret) = secret {
                provision(env, role, secret.expose(), secret.origin()).await?;
            }
        }
        if !token::has_admin(env).await? {
            self.first_admin(env).await?;
        }
        Ok(())
    }

    /// The file comes before the row: a crash between the two leaves a token that the next start makes valid.
    async fn first_admin(&self, env: &Environment) -> Result<(), StartError> {
        let path = self.path.join("admin-token");
        let shown = path.display().to_string();
        let kept = read_if_exists(&path)?;
        if let Some(text) = &kept
            && provision(env, NewRole::PortalAdmin, text.trim(), &shown).await?
        {
            return Ok(());
        }
        let secret = token::mint(env)?;
        if kept.is_some() {
            replace_secret(&path, secret.expose())?;
        } else {
            write_secret(&path, secret.expose())?;
        }
        provision(env, NewRole::PortalAdmin, secret.expose(), &shown).await?;
        tracing::info!(
            file = shown,
            "made an admin token, because no other is valid"
        );
        let mut stderr = io::stderr();
        if stderr.is_terminal() {
            // A person is watching, and nothing keeps what a terminal shows.
            let _ = writeln!(stderr, "\nThe new admin token: {}\n", secret.expose());
        }
        Ok(())
    }
}

/// Whether the token is valid now. One that was revoked, or whose time is over, stays dead and does not stop the start:
/// it must be possible to revoke a token first, and to change the configuration later.
async fn provision(
    env: &Environment,
    role: NewRole,
    value: &str,
    origin: &str,
) -> Result<bool, StartError> {
    let value = SecretText::new(value.to_owned());
    match token::provision(env, role, &value).await {
        Ok(_) => Ok(true),
        Err(Error::Conflict(dead @ (Conflict::TokenRevoked | Conflict::TokenExpired))) => {
            tracing::error!(
                setting = origin,
                "{origin}: {dead}, and does not work any more"
            );
            Ok(false)
        }
        Err(source @ (Error::Invalid(_) | Error::Conflict(_))) => Err(StartError::Token {
            origin: origin.to_owned(),
            source,
        }),
        Err(other) => Err(other.into()),
    }
}
