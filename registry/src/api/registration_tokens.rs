//! `/v1/registration-tokens`.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::ApiOwner,
    answer::Answer,
    extract::{Body, Path},
    idempotency::Repeatable,
    page::Page,
    problem::{Problem, ProblemBody},
    time::Moment,
};
use crate::{
    ids::RegistrationTokenId,
    registration::{self, Made, NewRegistrationToken, RegistrationToken},
    secrets::SecretText,
};

const COLLECTION: &str = "/v1/registration-tokens";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(delete))
}

/// A token to be created with which clients register themselves.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRegistrationToken)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The id of the application whose credentials the clients are.
    application: String,
    /// What a client may be given at most: some of the application's scopes; all that it has now when absent.
    #[schema(nullable = false)]
    scopes: Option<Vec<String>>,
    /// How many clients it registers: 1 to 1000.
    #[serde(default = "one")]
    #[schema(default = 1, minimum = 1, maximum = 1000)]
    clients: u32,
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// Until when it works; in the future, and beyond neither the token that makes it nor `max_lifetime_token_seconds`, which
    /// are what holds when it is absent.
    expires_at: Option<Moment>,
}

const fn one() -> u32 {
    1
}

/// A token with which clients register themselves, of which the registry keeps only a keyed digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegistrationToken)]
struct TokenBody {
    /// Its id.
    #[schema(example = "rtk_01kag3p5k8e4trsn0ps4fwt5ea")]
    id: String,
    /// The id of the application whose credentials the clients are.
    application: String,
    /// What a client may be given at most.
    scopes: Vec<String>,
    /// How many clients it registers.
    clients: u32,
    /// How many of them have registered; those that are gone since count.
    registered: u32,
    /// The id of the token that made it.
    created_by: Option<String>,
    /// For people.
    description: String,
    /// Its brand and type.
    #[schema(example = "ks_rt_")]
    prefix: String,
    /// Its last four characters.
    last_four: String,
    /// When it was made.
    created_at: Moment,
    /// Until when it works.
    expires_at: Option<Moment>,
}

/// A new registration token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IssuedRegistrationToken)]
struct IssuedBody {
    /// What is known of it.
    #[serde(flatten)]
    details: TokenBody,
    /// The token itself, shown this once.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    token: SecretText,
}

fn expose<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

impl From<RegistrationToken> for TokenBody {
    fn from(token: RegistrationToken) -> Self {
        Self {
            id: token.id.to_string(),
            application: token.application.to_string(),
            scopes: token.scopes.iter().map(ToOwned::to_owned).collect(),
            clients: token.clients,
            registered: token.registered,
            created_by: token.created_by.map(|id| id.to_string()),
            description: token.description,
            prefix: token.display.prefix,
            last_four: token.display.last_four,
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Moment),
        }
    }
}

/// Create a registration token
///
/// The answer holds the token, and nothing shows it again. Clients present it at `/oauth2/register` (RFC 7591), and become
/// credentials of its application.
#[utoipa::path(post, path = "/v1/registration-tokens", tag = "tokens", operation_id = "create_registration_token", security(("ApiOwner" = [])), request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, nullable = false,
        description = "Makes the request repeatable: the same answer is given again for 15 minutes")),
    responses(
        (status = 201, description = "Created", body = IssuedBody),
        (status = 409, description = "The organization has 500 of them, or the first request with this Idempotency-Key is still running",
            body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The Idempotency-Key was used for another request", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create(
    owner: ApiOwner,
    State(app): State<AppState>,
    repeatable: Repeatable,
    Body {
        value: request,
        bytes,
    }: Body<Request>,
) -> Result<Response, Problem> {
    let application = request.application.parse();
    let new = NewRegistrationToken {
        application: application
            .map_err(|_| Problem::invalid("application", "must be the id of an application"))?,
        scopes: request.scopes,
        description: request.description,
        clients: request.clients,
        expires_at: request.expires_at.map(Into::into),
    };
    let caller = owner.caller();
    let answer = |(made, token): &Made| {
        let details = TokenBody::from(made.clone());
        let location = format!("{COLLECTION}/{}", details.id);
        let token = token.clone();
        Answer::created(location, &IssuedBody { details, token })
    };
    let work =
        move |env, receipt| async move { registration::create(&env, caller, new, receipt).await };
    repeatable.run(&app, bytes, answer, work).await
}

/// List the registration tokens of the organization
///
/// Those that have ended, or registered as many clients as they may, are on the list until another one is made.
#[utoipa::path(get, path = "/v1/registration-tokens", tag = "tokens", operation_id = "list_registration_tokens", security(("ApiOwner" = [])),
    responses((status = 200, description = "All of them, oldest first", body = Page<TokenBody>)))]
async fn list(owner: ApiOwner, State(app): State<AppState>) -> Result<Answer, Problem> {
    let tokens = registration::list(app.environment(), owner.caller()).await?;
    let items = tokens.into_iter().map(TokenBody::from).collect();
    Ok(Answer::ok(&Page::whole(items))?)
}

/// Delete a registration token
///
/// The clients that registered with it stay.
#[utoipa::path(delete, path = "/v1/registration-tokens/{id}", tag = "tokens", operation_id = "delete_registration_token", security(("ApiOwner" = [])),
    params(("id" = String, Path, description = "The registration token's id")),
    responses((status = 204, description = "It does not work any more")))]
async fn delete(
    owner: ApiOwner,
    State(app): State<AppState>,
    Path(id): Path<RegistrationTokenId>,
) -> Result<StatusCode, Problem> {
    registration::delete(app.environment(), owner.caller(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
