//! What the OpenAPI document says about the surface as a whole.

use utoipa::{
    PartialSchema as _,
    openapi::{
        Components, Content, Header, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem,
        Ref, RefOr, ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn},
        schema::Type,
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
        tag::TagBuilder,
    },
};

use super::{
    access::{EXTRACTORS, ORGANIZATION},
    apisix, oauth,
    problem::ProblemBody,
};
use crate::token::RoleName;

mod refusals;

const SCHEME: &str = "token";
const DESCRIPTION: &str = "\
    Create, list, rotate, disable and delete the credentials that gateways honour. \
    Secrets are in the answer that makes them and nowhere else. \
    Errors are problem details (RFC 9457) with a stable `type`, and every answer has an `X-Request-Id`.";
const TAGS: [(&str, &str); 13] = [
    ("applications", "The programs that call APIs."),
    (
        "credentials",
        "The ways in which applications prove who they are.",
    ),
    (
        "organizations",
        "Tenants. A name in the header `Keysmith-Organization` says in which a token of the installation acts.",
    ),
    (
        "identity providers",
        "Where OAuth clients are registered, and who issues their access tokens.",
    ),
    ("tokens", "Tokens for this API that are no gateway's."),
    (
        oauth::TAG,
        "The built-in authorization server. Clients prove themselves; no token of the registry is needed. Refusals are as OAuth words them.",
    ),
    ("leaks", "Secrets that were found where they do not belong."),
    (
        "keys",
        "The keys under which the registry keeps everything, and how they are replaced.",
    ),
    ("bulk", "Many credentials at once: import and export."),
    (
        "audit",
        "What was done, by whom, when and from where. Entries are only ever added.",
    ),
    (
        "gateways",
        "Gateway groups, their tokens, and the gateways that follow.",
    ),
    (
        "gateway protocol",
        "What gateways call with their own tokens, role `gateway`.",
    ),
    (
        APISIX,
        "Consumers and their credentials, as APISIX's admin API has them: the token comes in `X-API-KEY`, and errors are as \
         there. Secrets are masked, and a mask that is sent back stands for what it masks.",
    ),
];
const APISIX: &str = "apisix";
const APISIX_SCHEME: &str = "apisix_token";

/// The document before any path is in it.
pub(super) fn introduction() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Keysmith")
        .description(Some(DESCRIPTION))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(utoipa::openapi::License::new("Apache-2.0")))
        .build();
    let tags = TAGS.map(|(name, about)| {
        TagBuilder::new()
            .name(name)
            .description(Some(about))
            .build()
    });
    OpenApiBuilder::new()
        .info(info)
        .tags(Some(tags))
        .security(Some([SecurityRequirement::new::<_, _, String>(SCHEME, [])]))
        .build()
}

/// The operations that wait for gateways where the caller prefers it.
const WAITING: [&str; 21] = [
    "apisix_put_consumer",
    "apisix_put_consumer_named",
    "apisix_delete_consumer",
    "apisix_put_credential",
    "apisix_put_credential_named",
    "apisix_delete_credential",
    "finish_rotation",
    "cancel_rotation",
    "revoke_tokens",
    "set_default_credential",
    "create_application",
    "update_application",
    "delete_application",
    "create_credential",
    "update_credential",
    "delete_credential",
    "rotate_credential",
    "deploy_credential",
    "undeploy_credential",
    "create_gateway_group",
    "delete_gateway_group",
];

/// What is asked and answered of a wait.
fn describe_waiting(operation: &mut Operation) {
    let about = "`wait=N`: the answer comes when every gateway that is heard of has the change, or after N seconds (at most 30), \
                 with `propagation` in its body";
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let prefer = ParameterBuilder::new()
        .name("Prefer")
        .parameter_in(ParameterIn::Header)
        .description(Some(about))
        .schema(Some(text()))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(prefer));
    let headers = [
        (
            "Keysmith-Revision",
            "The revision of the change, where gateways see one",
        ),
        ("Preference-Applied", "The wait, if it was granted"),
    ];
    let responses = &mut operation.responses.responses;
    if responses.contains_key("204") {
        let waited = "Gone, with `propagation`, where the caller wished to wait";
        let body = ObjectBuilder::new()
            .property("propagation", Ref::from_schema_name("Propagation"))
            .required("propagation")
            .build();
        let waited = ResponseBuilder::new()
            .description(waited)
            .content("application/json", Content::new(Some(body)))
            .build();
        responses.insert("200".to_owned(), RefOr::T(waited));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            for (name, about) in headers {
                let mut header = Header::new(text());
                header.description = Some(about.to_owned());
                response.headers.insert(name.to_owned(), header.into());
            }
        }
    }
}

/// In place of the extractor that an operation names: the roles that it proves.
fn describe_roles(operation: &mut Operation, scheme: &str) {
    let named = operation.security.take().unwrap_or_default();
    let proven = |requirement: &SecurityRequirement| {
        EXTRACTORS
            .iter()
            .find(|(name, _)| *requirement == SecurityRequirement::new::<_, _, String>(*name, []))
            .map(|(_, roles)| *roles)
    };
    let roles: Vec<RoleName> = named.iter().filter_map(proven).flatten().copied().collect();
    let words = roles.iter().map(|role| role.word());
    operation.security = Some(vec![SecurityRequirement::new(scheme, words)]);
    if roles.iter().any(|role| role.chooses_organization()) {
        let about = "The organization in which to act, for tokens of role `portal_admin`, `api_owner` and `auditor`; \
                     without it their own. Tokens of other roles act in their own alone";
        let header = ParameterBuilder::new()
            .name(ORGANIZATION)
            .parameter_in(ParameterIn::Header)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).build()))
            .build();
        operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(header));
    }
}

/// Adds to every operation what holds for all of them: the token, and the form of errors.
pub(super) fn complete(mut api: OpenApi) -> OpenApi {
    let components = api.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert("Problem".to_owned(), ProblemBody::schema());
    components.responses.extend(refusals::shared());
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token with one of the roles that the operation names as scopes.",
        ))
        .build();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(token));
    let key = ApiKeyValue::with_description(
        apisix::API_KEY,
        "A token with one of the roles that the operation names as scopes.",
    );
    let key = SecurityScheme::ApiKey(ApiKey::Header(key));
    components.add_security_scheme(APISIX_SCHEME, key);
    for item in api.paths.paths.values_mut() {
        for operation in operations(item) {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            if WAITING.contains(&id) {
                describe_waiting(operation);
            }
            let tags = operation.tags.as_ref();
            if tags.is_some_and(|tags| tags.iter().any(|tag| tag == oauth::TAG)) {
                refusals::describe_oauth(operation);
                continue;
            }
            let is_apisix = tags.is_some_and(|tags| tags.iter().any(|tag| tag == APISIX));
            let (scheme, form) = if is_apisix {
                (APISIX_SCHEME, &refusals::APISIX)
            } else {
                (SCHEME, &refusals::REST)
            };
            describe_roles(operation, scheme);
            refusals::describe(operation, form);
        }
    }
    api
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}
