//! `/v1/organizations`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::{Admin, AdminReader},
    answer::Answer,
    extract::{Json, Path, Query},
    page::{Page, slice},
    patch,
    problem::{Problem, ProblemBody},
    time::Moment,
    version::IfMatch,
};
use crate::{
    edit::Edit,
    organization::{self, NewOrganization, Organization, OrganizationPatch, Quotas},
};

/// No limit is greater.
const MOST: u64 = 1_000_000_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

/// Which organizations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// Items at most on the page.
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// An organization to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrganization)]
#[serde(deny_unknown_fields)]
struct OrganizationRequest {
    /// Unique, also among those that are gone; it never changes.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "acme")]
    name: String,
    /// For people; at most 1024 characters.
    #[serde(default)]
    description: String,
    /// How many applications it may have; null for as many as the setting of this name says.
    #[schema(maximum = 1_000_000_000)]
    max_applications: Option<u64>,
    /// How many credentials it may have; null for as many as the setting of this name says.
    #[schema(maximum = 1_000_000_000)]
    max_credentials: Option<u64>,
    /// How many valid tokens it may have; null for as many as the setting of this name says.
    #[schema(maximum = 1_000_000_000)]
    max_tokens: Option<u64>,
}

/// What is to change of an organization. Fields that are absent stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = OrganizationChange)]
#[serde(deny_unknown_fields)]
struct OrganizationChange {
    /// The next description.
    #[serde(default, deserialize_with = "patch::present")]
    #[schema(nullable = false)]
    description: Option<String>,
    /// How many applications it may have; null for as many as the setting of this name says. What it has already stays.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<u64>, maximum = 1_000_000_000)]
    max_applications: Edit<Option<u64>>,
    /// How many credentials it may have; null for as many as the setting of this name says. What it has already stays.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<u64>, maximum = 1_000_000_000)]
    max_credentials: Edit<Option<u64>>,
    /// How many valid tokens it may have; null for as many as the setting of this name says. What it has already stays.
    #[serde(default, deserialize_with = "patch::edit")]
    #[schema(value_type = Option<u64>, maximum = 1_000_000_000)]
    max_tokens: Edit<Option<u64>>,
}

/// A tenant, which owns applications.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Organization)]
struct OrganizationBody {
    /// Its id.
    #[schema(example = "org_01kag3p5k8e4trsn0ps4fwt5ea")]
    id: String,
    /// Its name, for the header `Keysmith-Organization`.
    name: String,
    /// For people.
    description: String,
    /// How many applications it may have; null for as many as the setting of this name says.
    max_applications: Option<u64>,
    /// How many credentials it may have; null for as many as the setting of this name says.
    max_credentials: Option<u64>,
    /// How many valid tokens it may have; null for as many as the setting of this name says.
    max_tokens: Option<u64>,
    /// How many applications it has.
    applications: u64,
    /// How many credentials it has.
    credentials: u64,
    /// When it was created.
    created_at: Moment,
    /// When it was last changed.
    updated_at: Moment,
}

impl From<Organization> for OrganizationBody {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            name: organization.name,
            description: organization.description,
            max_applications: organization.quotas.applications,
            max_credentials: organization.quotas.credentials,
            max_tokens: organization.quotas.tokens,
            applications: organization.applications,
            credentials: organization.credentials,
            created_at: organization.created_at.into(),
            updated_at: organization.updated_at.into(),
        }
    }
}

fn check(limits: [(&'static str, Option<u64>); 3]) -> Result<(), Problem> {
    let beyond = limits
        .into_iter()
        .find(|(_, most)| most.is_some_and(|most| most > MOST));
    beyond.map_or(Ok(()), |(field, _)| {
        Err(Problem::invalid(field, format!("must be at most {MOST}")))
    })
}

const fn set(edit: &Edit<Option<u64>>) -> Option<u64> {
    match edit {
        Edit::Set(most) => *most,
        Edit::Keep => None,
    }
}

/// Create an organization
#[utoipa::path(post, path = "/v1/organizations", tag = "organizations", operation_id = "create_organization", security(("Admin" = [])),
    request_body = OrganizationRequest,
    responses(
        (status = 201, description = "Created", body = OrganizationBody, headers(
            ("Location", description = "Its path"), ("ETag", description = "Its version"))),
        (status = 409, description = "An organization has, or once had, this name", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn create(
    admin: Admin,
    State(app): State<AppState>,
    Json(request): Json<OrganizationRequest>,
) -> Result<Answer, Problem> {
    check([
        ("max_applications", request.max_applications),
        ("max_credentials", request.max_credentials),
        ("max_tokens", request.max_tokens),
    ])?;
    let new = NewOrganization {
        name: request.name,
        description: request.description,
        quotas: Quotas {
            applications: request.max_applications,
            credentials: request.max_credentials,
            tokens: request.max_tokens,
        },
    };
    let made = organization::create(app.environment(), admin.caller(), new).await?;
    let (location, version) = (format!("/v1/organizations/{}", made.name), made.version);
    Ok(Answer::created(location, &OrganizationBody::from(made))?.at_version(version))
}

/// List organizations
#[utoipa::path(get, path = "/v1/organizations", tag = "organizations", operation_id = "list_organizations", security(("AdminReader" = [])),
    params(ListQuery),
    responses((status = 200, description = "One page, oldest first", body = Page<OrganizationBody>)))]
async fn list(
    _: AdminReader,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Answer, Problem> {
    let slice = slice(query.limit, query.cursor.as_deref())?;
    let listing = organization::list(app.environment(), slice.after, slice.limit).await?;
    Ok(Answer::ok(&Page::new(
        listing,
        |item| item.id,
        OrganizationBody::from,
    ))?)
}

/// Show an organization
#[utoipa::path(get, path = "/v1/organizations/{name}", tag = "organizations", operation_id = "get_organization", security(("AdminReader" = [])),
    params(("name" = String, Path, description = "The organization's name")),
    responses(
        (status = 200, description = "The organization", body = OrganizationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 404, description = "No such organization", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn get(
    _: AdminReader,
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<Answer, Problem> {
    let found = organization::get(app.environment(), &name).await?;
    let version = found.version;
    Ok(Answer::ok(&OrganizationBody::from(found))?.at_version(version))
}

/// Change an organization
///
/// Fields that are absent stay as they are.
#[utoipa::path(patch, path = "/v1/organizations/{name}", tag = "organizations", operation_id = "update_organization", security(("Admin" = [])),
    request_body = OrganizationChange,
    params(
        ("name" = String, Path, description = "The organization's name"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that the change is based on", nullable = false),
    ),
    responses(
        (status = 200, description = "The organization as it is now", body = OrganizationBody, headers(
            ("ETag", description = "Its version"))),
        (status = 412, description = "It has changed since", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn update(
    admin: Admin,
    State(app): State<AppState>,
    Path(name): Path<String>,
    IfMatch(expected): IfMatch,
    Json(change): Json<OrganizationChange>,
) -> Result<Answer, Problem> {
    check([
        ("max_applications", set(&change.max_applications)),
        ("max_credentials", set(&change.max_credentials)),
        ("max_tokens", set(&change.max_tokens)),
    ])?;
    let patch = OrganizationPatch {
        description: change.description,
        max_applications: change.max_applications,
        max_credentials: change.max_credentials,
        max_tokens: change.max_tokens,
    };
    let (env, caller) = (app.environment(), admin.caller());
    let updated = organization::update(env, caller, &name, expected, patch).await?;
    let version = updated.version;
    Ok(Answer::ok(&OrganizationBody::from(updated))?.at_version(version))
}

/// Delete an organization
///
/// Only one that has no applications and no valid tokens. Its name, and those of its applications, stay reserved.
#[utoipa::path(delete, path = "/v1/organizations/{name}", tag = "organizations", operation_id = "delete_organization", security(("Admin" = [])),
    params(
        ("name" = String, Path, description = "The organization's name"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that is to be deleted", nullable = false),
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 409, description = "It is not empty", body = ProblemBody, content_type = "application/problem+json"),
    ))]
async fn delete(
    admin: Admin,
    State(app): State<AppState>,
    Path(name): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Answer, Problem> {
    organization::delete(app.environment(), admin.caller(), &name, expected).await?;
    Ok(Answer::none())
}
