//! `/v1/import`.

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::ApiOwner,
    problem::{Kind, Problem, ProblemBody},
};

mod csv;
mod line;
mod lines;
mod outcome;
mod run;

use csv::Header;
use line::LineBody;
use lines::{Format, Lines};
use outcome::OutcomeBody;
use run::Run;

/// The media type of objects on lines.
pub(super) const NDJSON: &str = "application/x-ndjson";
/// The media type of comma-separated values.
pub(super) const CSV: &str = "text/csv";
/// Answers that wait for a client that sends and does not read, each to at most a hundred lines.
const WAITING_ANSWERS: usize = 256;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(import))
}

/// Import credentials
///
/// Creates credentials with secrets that existed before: one JSON object a line, or CSV with the fields as columns (labels
/// as `name=value;name=value`, scopes apart by spaces). Each line is answered, in order, once what became of it is durable; a
/// line that fails takes no others with it. To import the same again changes nothing: its lines are `unchanged`, as far as
/// their secrets are still those of the credentials, and what the lines state is still so. Read the answers while you send.
#[utoipa::path(post, path = "/v1/import", tag = "bulk", operation_id = "import_credentials", security(("ApiOwner" = [])),
    request_body(description = "One credential a line", content(
        (LineBody = "application/x-ndjson"),
        (String = "text/csv", example = "application,name,type,sha256\nbilling,ci,api_key,9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"),
    )),
    responses(
        (status = 200, description = "One object a line", body = OutcomeBody, content_type = "application/x-ndjson"),
        (status = 413, description = "The body says that it is too large", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is neither NDJSON nor CSV", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
async fn import(
    owner: ApiOwner,
    State(app): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let format = format(request.headers())?;
    let limits = *app.limits();
    if said_length(request.headers()).is_some_and(|length| length > limits.import_bytes) {
        return Err(Problem::new(Kind::TooLarge));
    }
    let body = request.into_body().into_data_stream();
    let mut lines = Lines::new(body, format, limits.import_bytes, limits.request_timeout);
    let header = match format {
        Format::Ndjson => None,
        Format::Csv => Some(header(&mut lines).await?),
    };
    let (sender, receiver) = mpsc::channel(WAITING_ANSWERS);
    let run = Run {
        env: app.environment().clone(),
        caller: owner.caller(),
        lines,
        header,
        answers: sender,
    };
    tokio::spawn(run.complete());
    let answers = stream::unfold(receiver, |mut receiver| async {
        let answer: Bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(answer), receiver))
    });
    let headers = [(header::CONTENT_TYPE, NDJSON)];
    Ok((headers, Body::from_stream(answers)).into_response())
}

fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    match essence
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        NDJSON => Ok(Format::Ndjson),
        CSV => Ok(Format::Csv),
        _ => Err(Problem::new(Kind::UnsupportedMediaType)
            .field("Content-Type")
            .detail(format!("must be {NDJSON} or {CSV}"))),
    }
}

fn said_length(headers: &HeaderMap) -> Option<usize> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// The columns, before anything is answered: without them no line means anything.
async fn header(lines: &mut Lines) -> Result<Header, Problem> {
    let first = lines.next().await.map_err(Problem::from)?;
    let first = first.and_then(|line| line.bytes).ok_or_else(|| {
        Problem::invalid(
            "header",
            "must be the names of the columns, in the first line",
        )
    })?;
    Header::parse(&first)
}
