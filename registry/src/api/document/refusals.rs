//! Which refusals each operation may answer with.
//!
//! Every one is written out. A catch-all would document whatever comes, and then no test could find an answer that nobody
//! meant.

use utoipa::openapi::{
    Content, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder,
    path::{Operation, ParameterIn},
    schema::Type,
};

use crate::api::{access::ORGANIZATION, problem};

/// When an operation may answer with a status.
type Applies = fn(&Operation) -> bool;

const ALWAYS: Applies = |_| true;
const READS_A_BODY: Applies = |operation| operation.request_body.is_some();
const NAMES_SOMETHING: Applies =
    |operation| has_any(operation, &ParameterIn::Path) || has_parameter(operation, ORGANIZATION);
const CONDITIONAL: Applies = |operation| has_parameter(operation, "If-Match");
const REPEATABLE: Applies = |operation| has_parameter(operation, "Idempotency-Key");

/// How a surface refuses.
pub(super) struct Form {
    /// What stands before the names of its refusals.
    prefix: &'static str,
    /// What its bodies are.
    schema: &'static str,
    media_type: &'static str,
    /// A status with which it does not refuse.
    never: Option<&'static str>,
}

/// With problem details.
pub(super) const REST: Form = Form {
    prefix: "",
    schema: "Problem",
    media_type: problem::MEDIA_TYPE,
    never: None,
};
/// As APISIX does, which reads a body of any type.
pub(super) const APISIX: Form = Form {
    prefix: "Apisix",
    schema: "ApisixError",
    media_type: "application/json",
    never: Some("415"),
};

/// A refusal that follows from the form of an operation.
struct Refusal {
    status: &'static str,
    /// Under which the document has it once.
    name: &'static str,
    about: &'static str,
    applies: Applies,
}

const fn refusal(
    status: &'static str,
    name: &'static str,
    about: &'static str,
    applies: Applies,
) -> Refusal {
    Refusal {
        status,
        name,
        about,
        applies,
    }
}

/// What else an operation refuses with, it says itself.
const REFUSALS: [Refusal; 11] = [
    refusal(
        "400",
        "BadRequest",
        "The request is malformed, or a value is not acceptable",
        ALWAYS,
    ),
    refusal("401", "Unauthorized", "A valid token is required", ALWAYS),
    refusal(
        "403",
        "Forbidden",
        "The token's role does not allow this",
        ALWAYS,
    ),
    refusal("404", "NotFound", "There is no such thing", NAMES_SOMETHING),
    refusal(
        "409",
        "InProgress",
        "The first request with this Idempotency-Key is still running",
        REPEATABLE,
    ),
    refusal("412", "Changed", "It has changed since", CONDITIONAL),
    refusal("413", "TooLarge", "The body is too large", READS_A_BODY),
    refusal(
        "415",
        "UnsupportedMediaType",
        "The body is of a type that is not read here",
        READS_A_BODY,
    ),
    refusal(
        "422",
        "KeyReused",
        "The Idempotency-Key was used for another request",
        REPEATABLE,
    ),
    refusal("500", "Internal", "Something went wrong here", ALWAYS),
    refusal(
        "503",
        "Unavailable",
        "Too busy at the moment, or the database cannot be reached",
        ALWAYS,
    ),
];

/// The refusals that operations share, for the document's components.
pub(super) fn shared() -> impl Iterator<Item = (String, RefOr<Response>)> {
    [REST, APISIX].into_iter().flat_map(|form| {
        let refusals = REFUSALS
            .iter()
            .filter(move |refusal| form.never != Some(refusal.status));
        refusals.map(move |refusal| {
            let mut response = ResponseBuilder::new().description(refusal.about).build();
            complete(refusal.status, &mut response, &form);
            (form.name(refusal), RefOr::T(response))
        })
    })
}

impl Form {
    fn name(&self, refusal: &Refusal) -> String {
        format!("{}{}", self.prefix, refusal.name)
    }
}

/// Adds what the operation may refuse with, and to all its answers the headers that they have.
pub(super) fn describe(operation: &mut Operation, form: &Form) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            complete(status, response, form);
        }
    }
    for refusal in &REFUSALS {
        let known = operation.responses.responses.contains_key(refusal.status);
        let happens = form.never != Some(refusal.status) && (refusal.applies)(operation);
        if !known && happens {
            let shared = RefOr::Ref(Ref::from_response_name(form.name(refusal)));
            let responses = &mut operation.responses.responses;
            responses.insert(refusal.status.to_owned(), shared);
        }
    }
}

/// The same for operations that refuse as OAuth does, and say themselves how: only what is wrong with this server is as it
/// is elsewhere.
pub(super) fn describe_oauth(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response {
            let about = "The request's id, as in the registry's log";
            add_header(response, "X-Request-Id", about);
            if status == "429" {
                let about = "Whole seconds after which to try again";
                add_header(response, "Retry-After", about);
            }
        }
    }
    let failures = REFUSALS.iter().filter(|it| it.status.starts_with('5'));
    for failure in failures {
        let shared = RefOr::Ref(Ref::from_response_name(REST.name(failure)));
        responses.insert(failure.status.to_owned(), shared);
    }
}

fn complete(status: &str, response: &mut Response, form: &Form) {
    add_header(
        response,
        "X-Request-Id",
        "The request's id, as in the registry's log",
    );
    if status.starts_with('2') {
        return;
    }
    match status {
        "401" => add_header(response, "WWW-Authenticate", "The challenge"),
        "429" | "503" => add_header(
            response,
            "Retry-After",
            "Whole seconds after which to try again",
        ),
        _ => {}
    }
    let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name(form.schema))));
    response.content.clear();
    response
        .content
        .insert(form.media_type.to_owned(), RefOr::T(problem));
}

fn add_header(response: &mut Response, name: &str, about: &str) {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let mut header = Header::new(text);
    header.description = Some(about.to_owned());
    response.headers.insert(name.to_owned(), header.into());
}

fn has_parameter(operation: &Operation, name: &str) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(inline)
        .any(|parameter| parameter.name == name)
}

fn has_any(operation: &Operation, place: &ParameterIn) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(inline)
        .any(|parameter| parameter.parameter_in == *place)
}

fn inline(
    parameter: &RefOr<utoipa::openapi::path::Parameter>,
) -> Option<&utoipa::openapi::path::Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}
