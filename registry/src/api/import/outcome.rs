//! What came of a line.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::problem::{LineProblem, Problem},
    credential::Imported,
};

/// What came of a line of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedLine)]
pub(super) struct OutcomeBody {
    /// Where the line begins, counting from 1.
    line: u64,
    /// What came of it.
    status: StatusWord,
    /// The id of the credential, unless it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    credential: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    problem: Option<LineProblem>,
}

/// What came of a line.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportStatus)]
enum StatusWord {
    /// The credential exists from now on.
    Created,
    /// It existed already, with this secret and these fields.
    Unchanged,
    /// Nothing was changed.
    Failed,
}

impl OutcomeBody {
    pub(super) fn new(line: u64, outcome: Result<Imported, Problem>) -> Self {
        let (status, credential, problem) = match outcome {
            Ok(Imported::Created(id)) => (StatusWord::Created, Some(id.to_string()), None),
            Ok(Imported::Unchanged(id)) => (StatusWord::Unchanged, Some(id.to_string()), None),
            Err(problem) => (StatusWord::Failed, None, Some(problem.of_line())),
        };
        Self {
            line,
            status,
            credential,
            problem,
        }
    }
}
