//! The reviewed lists: where Keysmith differs from APISIX on purpose, and which of its cases do not apply.

use super::case::Case;

/// Cases that run and end differently, each with the reason.
const DIFFERENT: [(&str, &str); 12] = [
    (
        "apisix-159",
        "the message of a refusal cannot be configured, so that clients can rely on it",
    ),
    ("apisix-193", MASKED),
    ("apisix-207", MASKED),
    ("apisix-261", MASKED),
    ("apisix-265", MASKED),
    ("apisix-275", UNNAMED),
    ("apisix-279", UNNAMED),
    ("apisix-281", MASKED),
    ("apisix-291", UNNAMED),
    (
        "apisix-405",
        "white space is part of a user name and a password (RFC 7617), and is not removed",
    ),
    (
        "apisix-409",
        "a repeated credential header is refused: filter and upstream could read different ones",
    ),
    ("apisix-411", "a request that passes carries no challenge"),
];

/// Cases that cannot be run, each with the reason.
const NOT_APPLICABLE: [(&str, &str); 34] = [
    ("apisix-015", SECRET_REFERENCES),
    ("apisix-017", SECRET_REFERENCES),
    ("apisix-041", SECRET_REFERENCES),
    ("apisix-043", SECRET_REFERENCES),
    ("apisix-133", ROUTES),
    ("apisix-141", ROUTES),
    ("apisix-143", JWT),
    ("apisix-151", JWT),
    ("apisix-153", JWT),
    ("apisix-161", NO_METHOD),
    ("apisix-163", NO_METHOD),
    ("apisix-165", NO_METHOD),
    ("apisix-177", RESTRICTIONS),
    ("apisix-179", RESTRICTIONS),
    ("apisix-181", RESTRICTIONS),
    ("apisix-183", RESTRICTIONS),
    ("apisix-187", JWT),
    (
        "apisix-216",
        "standalone YAML with an encrypted credential: credentials come from the registry alone",
    ),
    ("apisix-218", LABELS),
    ("apisix-220", LABELS),
    ("apisix-222", LABELS),
    ("apisix-246", ACL),
    ("apisix-248", ACL),
    ("apisix-250", ACL),
    ("apisix-252", ACL),
    ("apisix-254", ACL),
    ("apisix-297", LDAP),
    ("apisix-299", LDAP),
    ("apisix-307", "rate limits are Envoy's"),
    ("apisix-333", HMAC),
    ("apisix-335", HMAC),
    ("apisix-337", HMAC),
    (
        "apisix-347",
        "fault injection is Envoy's; that a change of the application reaches requests by its older \
        credentials is tested in lifecycle.rs and identity.rs",
    ),
    ("apisix-357", "proxy-rewrite is Envoy's"),
];

const SECRET_REFERENCES: &str = "references to a secret manager are not resolved in credentials";
const JWT: &str = "jwt-auth is not built yet";
const HMAC: &str = "hmac-auth is not built";
const ACL: &str = "acl by labels is not built; rules list applications or require scopes";
const LABELS: &str =
    "attach-consumer-label is not built; the upstream gets the custom id and scopes";
const RESTRICTIONS: &str = "restricts by consumer group, service or route; a rule lists applications and covers routes itself";
const NO_METHOD: &str =
    "a rule that lists applications and has no way to authenticate does not load";
const ROUTES: &str = "a route's plugins are rules of the filter, in Envoy's configuration";
const LDAP: &str = "ldap-auth is not built; the admin API says so with 400";
const MASKED: &str = "secrets are shown masked, neither in plain text nor encrypted under a key that others may know";
const UNNAMED: &str = "whose key or user name it is already is not said";

/// Why this case ends differently on purpose.
pub(super) fn difference(id: &str) -> Option<&'static str> {
    DIFFERENT
        .into_iter()
        .find_map(|(known, reason)| (known == id).then_some(reason))
}

/// Why this case cannot be run.
pub(super) fn not_applicable(id: &str) -> Option<&'static str> {
    NOT_APPLICABLE
        .into_iter()
        .find_map(|(known, reason)| (known == id).then_some(reason))
}

/// Every listed case exists, once.
pub(super) fn know_only(cases: &[Case]) {
    let listed = DIFFERENT.into_iter().chain(NOT_APPLICABLE);
    let mut seen = Vec::new();
    for (id, _) in listed {
        assert!(
            cases.iter().any(|case| case.id == id),
            "{id} is listed and does not exist"
        );
        assert!(!seen.contains(&id), "{id} is listed twice");
        seen.push(id);
    }
}
