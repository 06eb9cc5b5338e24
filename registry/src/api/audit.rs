//! `/v1/audit`.

use std::{fmt, str::FromStr};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Overseer,
    answer::Answer,
    extract::Query,
    page::{Page, slice},
    problem::Problem,
    time::Moment,
};
use crate::{
    audit::{self, Action, AuditQuery, NumberedEntry, Position},
    clock::Timestamp,
    token::Role,
};

mod export;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(export::head))
        .routes(routes!(export::export))
}

/// Which entries, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditParameters {
    /// Only what was done to this application or its credentials: its id.
    #[param(nullable = false)]
    application: Option<String>,
    /// Only what was done to this credential: its id.
    #[param(nullable = false)]
    credential: Option<String>,
    /// Only what was done with this token, or tried with it: its id.
    #[param(nullable = false)]
    token: Option<String>,
    /// Only this, for example `credential.rotated`.
    #[param(nullable = false)]
    action: Option<String>,
    /// Only what was done at this moment or later.
    #[param(nullable = false)]
    since: Option<Moment>,
    /// Only what was done before this moment.
    #[param(nullable = false)]
    until: Option<Moment>,
    /// Items at most on the page.
    #[param(minimum = 1, maximum = 500, default = 50, nullable = false)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// One thing that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryBody {
    /// Rises with each entry; numbers are missing where another organization has the entry.
    sequence: u64,
    /// When.
    at: Moment,
    /// The id of the token with which it was asked for; null if the registry did it by itself.
    token: Option<String>,
    /// The address from which it was asked for, as the connection shows it.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    /// What was done.
    #[schema(example = "credential.rotated")]
    action: String,
    /// The id of the application, if it was one or one's credential.
    application: Option<String>,
    /// The id of the credential, if it was one.
    credential: Option<String>,
    /// The name, or the id where there is no name, of what it was done to.
    subject: String,
    /// More about it. `before` and `after` hold the fields that changed. No secret is ever here.
    #[schema(value_type = Object)]
    detail: Map<String, Value>,
}

impl From<NumberedEntry> for EntryBody {
    fn from(numbered: NumberedEntry) -> Self {
        let entry = numbered.entry;
        Self {
            sequence: numbered.sequence,
            at: entry.at.into(),
            token: entry.token.map(|id| id.to_string()),
            address: entry.address,
            action: entry.action,
            application: entry.application.map(|id| id.to_string()),
            credential: entry.credential.map(|id| id.to_string()),
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// One page of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
struct PageBody {
    /// The entries, the newest first.
    items: Vec<EntryBody>,
    /// Names the next page; null on the last.
    next_cursor: Option<String>,
    /// A signed head of the whole log as it is now, as `GET /v1/audit/head` has it: who keeps it with the page can prove later
    /// what was there. Null while the log does not end where the registry ended it, which its next entry says; and for an
    /// `org_admin`, who sees a part of the log.
    #[schema(
        example = "keysmith-audit-head-1:118:1800000000:nE1ZXZ7bqWJrTn0fZbPpeRZqVwzjzHuxxbOX4NFX5GE"
    )]
    head: Option<String>,
}

/// A [`Position`] as a cursor: the moment in milliseconds, a hyphen, the number.
struct Cursor(Position);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0.at.as_millis(), self.0.sequence)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, sequence) = text.split_once('-').ok_or(())?;
        let at = Timestamp::from_millis(at.parse().map_err(|_| ())?);
        // No more than the database can hold.
        let sequence: i64 = sequence.parse().map_err(|_| ())?;
        let sequence = sequence.try_into().map_err(|_| ())?;
        Ok(Self(Position { at, sequence }))
    }
}

impl AuditParameters {
    fn query(self) -> Result<AuditQuery, Problem> {
        let slice = slice::<Cursor>(self.limit, self.cursor.as_deref())?;
        Ok(AuditQuery {
            before: slice.after.map(|cursor| cursor.0),
            limit: slice.limit,
            application: parse("application", self.application, "an application's id")?,
            credential: parse("credential", self.credential, "a credential's id")?,
            token: parse("token", self.token, "a token's id")?,
            action: parse("action", self.action, &actions())?,
            since: self.since.map(Into::into),
            until: self.until.map(Into::into),
            ..AuditQuery::default()
        })
    }
}

fn actions() -> String {
    let words: Vec<&str> = Action::ALL.iter().map(|action| action.word()).collect();
    format!("one of {}", words.join(", "))
}

fn parse<T: FromStr>(
    field: &str,
    text: Option<String>,
    wanted: &str,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| Problem::invalid(field, format!("must be {wanted}")))
}

/// List what was done
///
/// Every change is there with the token and the address that it came from, the newest first. Entries cannot be changed. Each
/// page carries a signed head of the log.
/// An `org_admin` reads what concerns its organization's applications, credentials and tokens.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", operation_id = "list_audit", security(("Overseer" = [])), params(AuditParameters),
    responses((status = 200, description = "One page, newest first", body = PageBody)))]
async fn list(
    overseer: Overseer,
    State(app): State<AppState>,
    Query(parameters): Query<AuditParameters>,
) -> Result<Answer, Problem> {
    let query = parameters.query()?;
    let env = app.environment();
    let listing = audit::list(env, overseer.caller(), query).await?;
    // Signed after the entries were read, so it stands for each of them.
    let head = match overseer.caller().role {
        Role::OrgAdmin => None,
        _ => audit::head(env).await?,
    };
    let page = Page::new(
        listing,
        |item| {
            Cursor(Position {
                at: item.entry.at,
                sequence: item.sequence,
            })
        },
        EntryBody::from,
    );
    Ok(Answer::ok(&PageBody {
        items: page.items,
        next_cursor: page.next_cursor,
        head: head.map(|head| head.to_string()),
    })?)
}
