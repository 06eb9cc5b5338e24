//! `/v1/keys`.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Admin, AdminReader},
    answer::Answer,
    problem::{Problem, ProblemBody},
    time::Moment,
};
use crate::{
    keys::{self, Progress, Status},
    oauth::{SigningKey, signing::SigningKeyState},
    store::UsedMasterKey,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(rotate_master))
        .routes(routes!(rotate_signing))
}

/// The keys under which the registry keeps everything. None of them is ever shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keys)]
struct KeysBody {
    /// The id of the master key that new values are sealed under.
    #[schema(example = "5f0c2a91")]
    master_key: String,
    /// Every master key that there was, in order of their use.
    master_keys: Vec<MasterKeyBody>,
    /// How far everything has come on its way to another master key; null while none is.
    rotation: Option<MasterRotationBody>,
    /// The keys that access tokens of the built-in authorization server are or were signed with, the oldest first.
    signing_keys: Vec<SigningKeyBody>,
}

/// How far everything has come on its way from one master key to another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MasterKeyRotation)]
struct MasterRotationBody {
    /// The id of the key that is being left.
    #[schema(example = "5f0c2a91")]
    from: String,
    /// The id of the key under which everything will be.
    #[schema(example = "c07a11e3")]
    to: String,
    /// Since when.
    began_at: Moment,
    /// Values that were sealed anew.
    done: u64,
    /// Values that were sealed when it began.
    total: u64,
}

impl From<Progress> for MasterRotationBody {
    fn from(progress: Progress) -> Self {
        Self {
            from: progress.from.to_string(),
            to: progress.to.to_string(),
            began_at: progress.began_at.into(),
            done: progress.done,
            total: progress.total,
        }
    }
}

/// A master key. Its id says nothing of the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MasterKey)]
struct MasterKeyBody {
    /// Eight hexadecimal digits.
    #[schema(example = "5f0c2a91")]
    id: String,
    /// Since when new values are sealed under it.
    since: Moment,
    /// Since when nothing is sealed under it any more; null while something is.
    until: Option<Moment>,
}

/// A key that access tokens are signed with. Its public part is at `/.well-known/jwks.json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
struct SigningKeyBody {
    /// What its tokens say in `kid`.
    #[schema(example = "sk_01jz8x6y7g3k5m9n2p4q6r8s0t")]
    kid: String,
    /// What it is used for.
    state: SigningKeyWord,
    /// When it was made; since then it is published and known to gateways.
    created_at: Moment,
    /// From when on it signs.
    current_from: Moment,
    /// From when on it signs no more; null while that is not known.
    retired_from: Option<Moment>,
}

/// What a key for access tokens is used for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SigningKeyState)]
enum SigningKeyWord {
    /// Published, and signs nothing yet.
    Next,
    /// Signs every token.
    Current,
    /// Signs no more: published for the tokens that it has signed.
    Retired,
}

impl From<(SigningKey, SigningKeyState)> for SigningKeyBody {
    fn from((key, state): (SigningKey, SigningKeyState)) -> Self {
        Self {
            kid: key.id.to_string(),
            state: match state {
                SigningKeyState::Next => SigningKeyWord::Next,
                SigningKeyState::Current => SigningKeyWord::Current,
                SigningKeyState::Retired => SigningKeyWord::Retired,
            },
            created_at: key.created_at.into(),
            current_from: key.current_from.into(),
            retired_from: key.retired_from.map(Moment::from),
        }
    }
}

impl From<Status> for KeysBody {
    fn from(status: Status) -> Self {
        let all = status.master_keys.into_iter();
        let signing = status.signing_keys.into_iter();
        Self {
            master_key: status.master_key.to_string(),
            master_keys: all.map(MasterKeyBody::from).collect(),
            rotation: status.rotation.map(MasterRotationBody::from),
            signing_keys: signing.map(SigningKeyBody::from).collect(),
        }
    }
}

impl From<UsedMasterKey> for MasterKeyBody {
    fn from(key: UsedMasterKey) -> Self {
        Self {
            id: key.id.to_string(),
            since: key.since.into(),
            until: key.until.map(Moment::from),
        }
    }
}

/// Show the keys
///
/// Which keys there are and since when, never the keys themselves.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", operation_id = "show_keys", security(("AdminReader" = [])),
    responses((status = 200, description = "The keys", body = KeysBody)))]
async fn show(_: AdminReader, State(app): State<AppState>) -> Result<Answer, Problem> {
    let status = keys::status(app.environment()).await?;
    Ok(Answer::ok(&KeysBody::from(status))?)
}

/// Replace the master key
///
/// Begins to seal everything under the next master key while the registry serves, or goes on with it; the answer says how
/// far it is. Where the master key lies in the data directory, the next one is made there. Where it is configured, the next
/// one is the setting `next_master_key`, which every registry of the database needs first.
#[utoipa::path(post, path = "/v1/keys/rotate-master", tag = "keys", operation_id = "rotate_master_key", security(("Admin" = [])),
    responses(
        (status = 200, description = "How far it is", body = KeysBody),
        (status = 409, description = "There is no next master key, or not every registry has it", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn rotate_master(admin: Admin, State(app): State<AppState>) -> Result<Answer, Problem> {
    let status = app.master_rotator().rotate(admin.caller()).await?;
    Ok(Answer::ok(&KeysBody::from(status))?)
}

/// Replace the key that access tokens are signed with
///
/// Makes the next one, which is published and told to gateways at once and signs after an hour, when everybody has it. Tokens that
/// the one before has signed stay good until they end. Where there is a next key that does not sign yet, nothing is changed.
#[utoipa::path(post, path = "/v1/keys/rotate-signing", tag = "keys", operation_id = "rotate_signing_key", security(("Admin" = [])),
    responses((status = 200, description = "The keys", body = KeysBody)))]
async fn rotate_signing(admin: Admin, State(app): State<AppState>) -> Result<Answer, Problem> {
    let status = keys::rotate_signing(app.environment(), admin.caller()).await?;
    Ok(Answer::ok(&KeysBody::from(status))?)
}
