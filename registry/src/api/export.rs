//! `/v1/export`.

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    AppState,
    access::Reader,
    extract::Query,
    import::{CSV, NDJSON},
    problem::Problem,
};
use crate::{
    caller::Caller,
    environment::Environment,
    export::{self, Exported},
    ids::CredentialId,
    listing::Listing,
};

mod csv;
mod line;

use line::ExportedBody;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(export))
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExportParameters {
    /// `ndjson`: a JSON object on each line. `csv`: columns, the first line names them.
    #[serde(default)]
    #[param(default = "ndjson", inline)]
    format: FormatWord,
}

/// How credentials are written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportFormat)]
enum FormatWord {
    /// A JSON object on each line.
    #[default]
    Ndjson,
    /// Comma-separated values (RFC 4180).
    Csv,
}

impl FormatWord {
    const fn word(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// Export credentials
///
/// Every credential that the token sees, oldest first, without secrets, digests and hashes. The fields have the names that
/// an import has for them; those that an import does not know come last. In CSV, a cell that begins with `=`, `+`, `-`, `@`
/// or white space has an apostrophe before it, so that no spreadsheet takes it for a formula.
#[utoipa::path(get, path = "/v1/export", tag = "bulk", operation_id = "export_credentials", security(("Reader" = [])), params(ExportParameters),
    responses((status = 200, description = "One credential a line", content(
        (ExportedBody = "application/x-ndjson"),
        (String = "text/csv"),
    ))))]
async fn export(
    reader: Reader,
    State(app): State<AppState>,
    Query(parameters): Query<ExportParameters>,
) -> Result<Response, Problem> {
    let format = parameters.format;
    let env = app.environment();
    export::begin(env, reader.caller(), format.word()).await?;
    // The first part before anything is answered: what fails at once is an error like any other.
    let first = export::part(env, reader.caller(), None).await?;
    let reading = Reading {
        env: env.clone(),
        caller: reader.caller(),
        format,
        is_first: true,
        next: Next::Part(first),
    };
    let body = Body::from_stream(stream::unfold(reading, Reading::next));
    let kind = match format {
        FormatWord::Ndjson => NDJSON,
        FormatWord::Csv => CSV,
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// An export on its way: what was read is written before more is read.
struct Reading {
    env: Environment,
    caller: Caller,
    format: FormatWord,
    is_first: bool,
    next: Next,
}

enum Next {
    Part(Listing<Exported>),
    After(CredentialId),
    Nothing,
}

/// The export is cut short: whoever reads it sees that the connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the export cannot go on")]
struct Cut;

impl Reading {
    async fn next(mut self) -> Option<(Result<Bytes, Cut>, Self)> {
        let part = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => return None,
            Next::Part(part) => part,
            Next::After(id) => match export::part(&self.env, self.caller, Some(id)).await {
                Ok(part) => part,
                Err(error) => {
                    tracing::error!(%error, "an export was cut short");
                    return Some((Err(Cut), self));
                }
            },
        };
        if let Some(last) = part.items.last().filter(|_| part.more) {
            self.next = Next::After(last.credential.id);
        }
        let bodies = part.items.into_iter().map(ExportedBody::from);
        let written = match self.format {
            FormatWord::Ndjson => line::write(bodies),
            FormatWord::Csv => csv::write(bodies, self.is_first),
        };
        self.is_first = false;
        Some((Ok(written.into()), self))
    }
}
