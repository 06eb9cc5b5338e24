//! `/v1/credentials/{id}/revoke-tokens`.

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer_detail, body::CredentialBody};
use crate::{
    api::{
        AppState,
        access::Editor,
        answer::Answer,
        extract::Path,
        prefer::Prefer,
        problem::{Problem, ProblemBody},
        version::IfMatch,
    },
    ids::CredentialId,
    oauth_client,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(revoke))
}

/// Revoke an OAuth client's access tokens
///
/// Gateways refuse every token that the client has got until now, whoever issued it. It can ask for another at once, which is
/// accepted from the next whole second on: tokens do not say more exactly when they were issued.
#[utoipa::path(post, path = "/v1/credentials/{id}/revoke-tokens", tag = "credentials", operation_id = "revoke_tokens", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is meant", nullable = false),
    ),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "It is no OAuth client", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn revoke(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let env = app.environment();
    let revoked = oauth_client::revoke_tokens(env, editor.caller(), id, expected).await?;
    prefer.settle(&app, answer_detail(revoked)?).await
}
