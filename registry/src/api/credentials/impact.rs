//! `POST /v1/credentials/{id}/impact`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::secret::SecretBody;
use crate::{
    api::{
        AppState,
        access::Reader,
        answer::Answer,
        extract::{Json, Path},
        problem::Problem,
        time::Moment,
    },
    credential::{self, Impact, ImpactAction, Unknown},
    ids::CredentialId,
};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(impact))
}

/// What is thought of doing to a credential.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImpactRequest {
    /// What.
    action: ActionWord,
}

/// What can be thought of doing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImpactAction)]
enum ActionWord {
    /// Disable it.
    Disable,
    /// Delete it.
    Delete,
}

/// What it would break, by what gateways have reported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Impact)]
struct ImpactBody {
    /// What is thought of.
    action: ActionWord,
    /// Whether requests were admitted with it within 30 days, and would be refused. False is only as good as `unknown` is
    /// empty.
    breaks: bool,
    /// How often it was used, allowed or forbidden.
    requests: RequestsBody,
    /// When it was last used, however long ago; null if it never was.
    last_used_at: Option<Moment>,
    /// Where it was used within 30 days.
    groups: Vec<GroupBody>,
    /// Its living secrets.
    secrets: Vec<SecretBody>,
    /// Why it would be refused; null if it would not.
    would_be_refused: Option<String>,
    /// How many other credentials of the application are honoured now, of the 500 oldest.
    remaining: usize,
    /// What this answer does not know.
    unknown: Vec<UnknownBody>,
}

/// How often a credential was used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactRequests)]
struct RequestsBody {
    /// Today and on the 6 days before, in UTC.
    last_7_days: u64,
    /// Today and on the 29 days before.
    last_30_days: u64,
    /// The days of those on which it was used, the last first.
    days: Vec<DayBody>,
}

/// How often a credential was used on one day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactDay)]
struct DayBody {
    /// When the day began, in UTC.
    day: Moment,
    /// How often.
    requests: u64,
}

/// What a gateway group used a credential for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactGroup)]
struct GroupBody {
    /// The group's name.
    group: String,
    /// How often.
    requests: u64,
    /// When last.
    last_used_at: Moment,
}

/// Something that the answer does not know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImpactUnknown)]
struct UnknownBody {
    /// What: `gateways_silent`, `reporting_gap`, `usage_lost` or `window_shorter`.
    reason: &'static str,
    /// The same for people.
    detail: String,
}

impl From<Unknown> for UnknownBody {
    fn from(unknown: Unknown) -> Self {
        let (reason, detail) = match unknown {
            Unknown::Silent { group } => (
                "gateways_silent",
                format!("no gateway of group {group} reports, or one of them is silent"),
            ),
            Unknown::Gap { group, since } => (
                "reporting_gap",
                format!(
                    "the gateways of group {group} have reported without a gap only since {}",
                    serde_json::to_value(Moment(since))
                        .ok()
                        .and_then(|text| text.as_str().map(ToOwned::to_owned))
                        .unwrap_or_default()
                ),
            ),
            Unknown::Lost { group, count: 0 } => (
                "usage_lost",
                format!("a gateway of group {group} fell silent and was forgotten"),
            ),
            Unknown::Lost { group, count } => (
                "usage_lost",
                format!("the gateways of group {group} could not tell apart {count} uses"),
            ),
            Unknown::Kept { days } => (
                "window_shorter",
                format!("usage is kept for {days} days only (usage_kept_days)"),
            ),
        };
        Self { reason, detail }
    }
}

impl ImpactBody {
    fn of(action: ActionWord, impact: Impact) -> Self {
        Self {
            action,
            breaks: impact.breaks,
            requests: RequestsBody {
                last_7_days: impact.last_7_days,
                last_30_days: impact.last_30_days,
                days: impact
                    .days
                    .into_iter()
                    .map(|(day, requests)| DayBody {
                        day: day.begin().into(),
                        requests,
                    })
                    .collect(),
            },
            last_used_at: impact.last_used_at.map(Moment),
            groups: impact
                .groups
                .into_iter()
                .map(|one| GroupBody {
                    group: one.group,
                    requests: one.requests,
                    last_used_at: one.last_used_at.into(),
                })
                .collect(),
            secrets: impact.secrets.into_iter().map(SecretBody::from).collect(),
            would_be_refused: impact.refused.map(|conflict| conflict.to_string()),
            remaining: impact.remaining,
            unknown: impact.unknown.into_iter().map(UnknownBody::from).collect(),
        }
    }
}

/// Ask what disabling or deleting a credential would break
///
/// Nothing is changed. The answer is made from what gateways have reported, and says what it does not know.
#[utoipa::path(post, path = "/v1/credentials/{id}/impact", tag = "credentials", operation_id = "credential_impact", security(("Reader" = [])),
    request_body = ImpactRequest,
    params(("id" = String, Path, description = "The credential's id")),
    responses((status = 200, description = "What it would break", body = ImpactBody)))]
async fn impact(
    reader: Reader,
    State(app): State<AppState>,
    Path(id): Path<CredentialId>,
    Json(request): Json<ImpactRequest>,
) -> Result<Answer, Problem> {
    let action = match request.action {
        ActionWord::Disable => ImpactAction::Disable,
        ActionWord::Delete => ImpactAction::Delete,
    };
    let (env, gateways) = (app.environment(), app.gateways());
    let impact = credential::impact(env, gateways, reader.caller(), id, action).await?;
    Ok(Answer::ok(&ImpactBody::of(request.action, impact))?)
}
