//! `/v1/credentials/{id}/rotate`, and what ends a grace period.

use axum::{extract::State, response::Response};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer_detail, answer_issued,
    body::{CredentialBody, IssuedBody},
    request::RotationRequest,
    revealed::RevealedBody,
};
use crate::{
    api::{
        AppState,
        access::Editor,
        answer::Answer,
        extract::{Body, OptionalBody, Path},
        idempotency::Repeatable,
        prefer::Prefer,
        problem::{Problem, ProblemBody},
        version::IfMatch,
    },
    change::Changed,
    credential::{self, Issued},
    ids::CredentialId,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(rotate))
        .routes(routes!(finish))
        .routes(routes!(cancel))
        .routes(routes!(reveal))
}

/// Rotate a credential
///
/// A new secret works from now on; the one before ends at once or after `grace_period`. Everything else stays, but for an end
/// that `max_lifetime_..._seconds` gave.
#[utoipa::path(post, path = "/v1/credentials/{id}/rotate", tag = "credentials", operation_id = "rotate_credential", security(("Editor" = [])), request_body = RotationRequest,
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be rotated", nullable = false),
        ("Idempotency-Key" = Option<String>, Header, nullable = false,
            description = "Makes the request repeatable: the same answer is given again for 15 minutes"),
    ),
    responses(
        (status = 200, description = "The credential with its new secret", body = IssuedBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "The credential is deleted or has expired, the user name or value is taken, or the \
            first request with this Idempotency-Key is still running", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn rotate(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    repeatable: Repeatable,
    prefer: Prefer,
    OptionalBody(Body {
        value: request,
        bytes,
    }): OptionalBody<RotationRequest>,
) -> Result<Response, Problem> {
    let rotation = request.into_rotation()?;
    let answer = |issued: &Changed<Issued>| answer_issued(issued, Answer::ok);
    let work = move |env, receipt| async move {
        credential::rotate(&env, editor.caller(), id, expected, rotation, receipt).await
    };
    let repeated = repeatable.answer(&app, bytes, answer, work).await?;
    repeated.settle(&app, prefer).await
}

/// Finish a rotation
///
/// Every retiring secret ends now.
#[utoipa::path(post, path = "/v1/credentials/{id}/rotate/finish", tag = "credentials", operation_id = "finish_rotation", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is meant", nullable = false),
    ),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "No secret is retiring, no other would be left because the current one leaked, or the \
            credential is deleted", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn finish(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let env = app.environment();
    let finished = credential::finish_rotation(env, editor.caller(), id, expected).await?;
    prefer.settle(&app, answer_detail(finished)?).await
}

/// Cancel a rotation
///
/// The new secret dies, and the retiring one is the current one again, without an end of its own. Refused once gateways
/// have reported a use of the new secret. They report every few seconds, and one that is cut off from the registry only once
/// it is back: look at `GET /v1/gateways` first.
#[utoipa::path(post, path = "/v1/credentials/{id}/rotate/cancel", tag = "credentials", operation_id = "cancel_rotation", security(("Editor" = [])),
    params(
        ("id" = String, Path, description = "The credential's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is meant", nullable = false),
    ),
    responses(
        (status = 200, description = "The credential as it is now", body = CredentialBody, headers(
            ("ETag", description = "Its version"))),
        (status = 409, description = "The new secret was used, the one before leaked or has ended, or the credential is \
            deleted", body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn cancel(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
) -> Result<Answer, Problem> {
    let env = app.environment();
    let cancelled = credential::cancel_rotation(env, editor.caller(), id, expected).await?;
    prefer.settle(&app, answer_detail(cancelled)?).await
}

/// Reveal a credential's secrets
///
/// Only for `secret_type` `retrievable`, and where the setting `allow_retrievable_secrets` is true. Every call is audited.
#[utoipa::path(post, path = "/v1/credentials/{id}/reveal", tag = "credentials", operation_id = "reveal_credential", security(("Editor" = [])),
    params(("id" = String, Path, description = "The credential's id")),
    responses(
        (status = 200, description = "Its living secrets", body = RevealedBody),
        (status = 400, description = "The settings do not allow it", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 409, description = "Its secrets are hashed", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn reveal(
    editor: Editor,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
) -> Result<Answer, Problem> {
    let revealed = credential::reveal(app.environment(), editor.caller(), id).await?;
    Ok(Answer::ok(&RevealedBody::from(revealed))?)
}
