//! `/v1/audit/export` and `/v1/audit/head`.

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    AppState, access::AdminReader, answer::Answer, import::NDJSON, problem::Problem, time::Moment,
};
use crate::{
    audit::{
        self, KeptRecord,
        export::Part,
        verify::{HeadLine, RecordLine},
    },
    clock::Timestamp,
    environment::Environment,
};

/// A head of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHead)]
pub(super) struct HeadBody {
    /// In one line, to be kept elsewhere. Null while the log does not end where the registry ended it, which its next
    /// entry says.
    #[schema(
        example = "keysmith-audit-head-1:118:1800000000:nE1ZXZ7bqWJrTn0fZbPpeRZqVwzjzHuxxbOX4NFX5GE"
    )]
    head: Option<String>,
    /// The number of the last entry.
    sequence: Option<u64>,
    /// When it was signed, to the second.
    at: Option<Moment>,
}

/// Get a head of the audit log
///
/// It stands for every entry there is. Kept where this registry's administrators cannot write, it proves later that the log
/// was rewritten or cut: `keysmith audit verify --head`.
#[utoipa::path(get, path = "/v1/audit/head", tag = "audit", operation_id = "audit_head", security(("AdminReader" = [])),
    responses((status = 200, description = "The head", body = HeadBody)))]
pub(super) async fn head(_: AdminReader, State(app): State<AppState>) -> Result<Answer, Problem> {
    let head = audit::head(app.environment()).await?;
    Ok(Answer::ok(&HeadBody {
        head: head.map(|head| head.to_string()),
        sequence: head.map(|head| head.sequence),
        at: head.map(|head| Timestamp::from_millis(head.at.saturating_mul(1000)).into()),
    })?)
}

/// Export the audit log
///
/// Every entry of every organization, oldest first, each with its MAC; between them, and at the beginning and the end, heads.
/// A line is a record (`sequence`, `organization`, `at` in Unix milliseconds, and so on) or a head (`head`, `key_version`,
/// `mac`). `keysmith audit verify --file` verifies it.
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", operation_id = "export_audit", security(("AdminReader" = [])),
    responses((status = 200, description = "A record or a head on each line", content_type = NDJSON, body = Object)))]
pub(super) async fn export(
    reader: AdminReader,
    State(app): State<AppState>,
) -> Result<Response, Problem> {
    let env = app.environment();
    let reading = Reading {
        env: env.clone(),
        at: audit::export::begin(env, reader.caller()).await?,
        is_first: true,
    };
    let body = Body::from_stream(stream::unfold(Some(reading), Reading::next));
    Ok(([(header::CONTENT_TYPE, NDJSON)], body).into_response())
}

struct Reading {
    env: Environment,
    at: Part,
    is_first: bool,
}

/// The export is cut short: whoever reads it sees that the connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the export cannot go on")]
struct Cut;

impl Reading {
    async fn next(reading: Option<Self>) -> Option<(Result<Bytes, Cut>, Option<Self>)> {
        let mut reading = reading?;
        if !std::mem::take(&mut reading.is_first) {
            match audit::export::next(&reading.env, &reading.at).await {
                Ok(Some(part)) => reading.at = part,
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!(%error, "an export of the audit log was cut short: run keysmith audit verify");
                    return Some((Err(Cut), None));
                }
            }
        }
        match write(&reading.at) {
            Some(text) => Some((Ok(text.into()), Some(reading))),
            None => Some((Err(Cut), None)),
        }
    }
}

fn write(part: &Part) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    for kept in &part.records {
        let KeptRecord::Read(record) = kept else {
            return None;
        };
        serde_json::to_writer(&mut text, &RecordLine::new(record)?).ok()?;
        text.push(b'\n');
    }
    let head = HeadLine::new(&part.head, &part.link);
    serde_json::to_writer(&mut text, &head).ok()?;
    text.push(b'\n');
    Some(text)
}
