//! `/v1/leaks`.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::LeakReporter,
    answer::Answer,
    credentials::request::Given,
    extract::Json,
    object,
    problem::{Kind, Problem, ProblemBody},
    time::Moment,
};
use crate::{
    leak::{MAX_REPORTS, Outcome, Report},
    token::Role,
};

const MAX_URL_LENGTH: usize = 2048;
const MAX_SOURCE_LENGTH: usize = 128;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Values that were found where they do not belong.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LeakReports)]
#[serde(deny_unknown_fields)]
struct ReportsRequest {
    /// At most 100.
    #[serde(deserialize_with = "object::several")]
    #[schema(min_items = 1, max_items = 100)]
    leaks: Vec<ReportRequest>,
}

/// A value that was found where it does not belong.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LeakReport)]
#[serde(deny_unknown_fields)]
struct ReportRequest {
    /// What may be an API key, a shared secret or a bearer token. No passwords.
    #[schema(value_type = String, write_only)]
    value: Given,
    /// Where it was found; at most 2048 characters.
    #[serde(default)]
    #[schema(
        max_length = 2048,
        example = "https://git.example.com/billing/blob/main/config.py"
    )]
    url: String,
    /// Who found it, or how; at most 128 characters.
    #[serde(default)]
    #[schema(max_length = 128)]
    source: String,
}

/// What came of the reports, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeakOutcomes)]
struct OutcomesBody {
    /// One for each report.
    leaks: Vec<OutcomeBody>,
}

/// What came of a report. A `leak_reporter` is told the status alone.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = LeakOutcome)]
struct OutcomeBody {
    /// `recorded` for what is or was a secret of the organization, `unknown` for everything else.
    #[schema(example = "recorded")]
    status: &'static str,
    /// What was done: `record`, `grace`, `disable`, `revoke` (the secret alone), or `none` where it did not work any more or
    /// was reported before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    action: Option<&'static str>,
    /// The id of its credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    credential: Option<String>,
    /// The id of its application, unless the credential is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    application: Option<String>,
    /// Which of the credential's secrets it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<u32>,
    /// When it was first reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Moment>)]
    leaked_at: Option<Moment>,
}

impl OutcomeBody {
    fn new(outcome: Outcome, in_full: bool) -> Self {
        match outcome {
            Outcome::Unknown => Self {
                status: "unknown",
                ..Self::default()
            },
            Outcome::Known { .. } if !in_full => Self {
                status: "recorded",
                ..Self::default()
            },
            Outcome::Known {
                taken,
                credential,
                application,
                version,
                leaked_at,
            } => Self {
                status: "recorded",
                action: Some(taken.word()),
                credential: Some(credential.to_string()),
                application: application.map(|id| id.to_string()),
                version: Some(version),
                leaked_at: Some(leaked_at.into()),
            },
        }
    }
}

impl ReportsRequest {
    fn reports(self) -> Result<Vec<Report>, Problem> {
        if !(1..=MAX_REPORTS).contains(&self.leaks.len()) {
            let detail = format!("must be 1 to {MAX_REPORTS} reports");
            return Err(Problem::invalid("leaks", detail));
        }
        let reports = (0..).zip(self.leaks);
        reports.map(|(index, report)| report.check(index)).collect()
    }
}

impl ReportRequest {
    fn check(self, index: usize) -> Result<Report, Problem> {
        let is_text = |text: &str, max| text.len() <= max && !text.chars().any(char::is_control);
        for (field, text, max) in [
            ("url", &self.url, MAX_URL_LENGTH),
            ("source", &self.source, MAX_SOURCE_LENGTH),
        ] {
            if !is_text(text, max) {
                return Err(Problem::invalid(
                    format!("leaks[{index}].{field}"),
                    format!("must be at most {max} characters, none of them a control character"),
                ));
            }
        }
        Ok(Report {
            value: self.value.0,
            url: self.url,
            source: self.source,
        })
    }
}

/// Report leaked secrets
///
/// For `portal_admin` and `leak_reporter`. What becomes of a secret that leaked is configured (`leak_policy`). To report the
/// same again changes nothing. Secrets of every organization are found; passwords and what is no secret are `unknown`.
#[utoipa::path(post, path = "/v1/leaks", tag = "leaks", operation_id = "report_leaks", security(("LeakReporter" = [])), request_body = ReportsRequest,
    responses(
        (status = 200, description = "What came of each", body = OutcomesBody),
        (status = 429, description = "Too many reports from this token", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn report(
    reporter: LeakReporter,
    State(app): State<AppState>,
    Json(request): Json<ReportsRequest>,
) -> Result<Answer, Problem> {
    let reports = request.reports()?;
    let (env, desk) = (app.environment(), app.leaks());
    if let Some(wait) = desk.limited(reporter.token, reports.len(), env.now()) {
        return Err(Problem::new(Kind::TooManyAttempts).retry_after(wait));
    }
    let outcomes = desk.report(env, reporter.caller(), reports).await?;
    // Somebody who only reports is not told whose it is.
    let in_full = reporter.caller().role == Role::PortalAdmin;
    let leaks = outcomes.value.into_iter();
    let leaks = leaks.map(|outcome| OutcomeBody::new(outcome, in_full));
    let body = OutcomesBody {
        leaks: leaks.collect(),
    };
    Ok(Answer::ok(&body)?.of_revision(outcomes.revision))
}
