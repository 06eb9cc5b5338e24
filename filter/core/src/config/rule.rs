use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    bearer,
    error::ConfigError,
    input::{KeyAuthInput, PathInput, PlaceInput, PreflightInput, RuleInput},
    policy::{Access, Applications, Basic, HostPattern, KeyAuth, PathPattern, Protection, Rule},
    text,
};
use crate::ids::ObjectId;

const MAX_ITEMS: usize = 1_000;
const DEFAULT_PLACE: &str = "apikey";
const APPLICATION_PREFIX: &str = "app_";

pub(super) fn check(mut input: RuleInput) -> Result<Rule, ConfigError> {
    optional(input.name.as_deref(), "name", text::rule_name)?;
    let hosts = list(input.hosts.take(), "hosts", |host| host_pattern(&host))?;
    let paths = list(input.paths.take(), "paths", path_pattern)?;
    let methods = list(input.methods.take(), "methods", |method| {
        text::method(&method).map(|()| method)
    })?;
    let name = input.name.take();
    let access = if input.public {
        refuse_on_public(&input)?;
        Access::Public
    } else {
        Access::Protected(Box::new(protection(input, &methods)?))
    };
    Ok(Rule {
        name,
        hosts,
        paths,
        methods,
        access,
    })
}

fn refuse_on_public(input: &RuleInput) -> Result<(), ConfigError> {
    let present = [
        ("key_auth", input.key_auth.is_some()),
        ("basic_auth", input.basic_auth.is_some()),
        ("bearer", input.bearer.is_some()),
        ("required_scopes", input.required_scopes.is_some()),
        ("allow_applications", input.allow_applications.is_some()),
        ("deny_applications", input.deny_applications.is_some()),
        ("anonymous", input.anonymous.is_some()),
        ("realm", input.realm.is_some()),
        ("cors_preflight", input.cors_preflight.is_some()),
    ];
    match present.into_iter().find(|(_, present)| *present) {
        Some((field, _)) => Err(ConfigError::new("means nothing on a public rule").within(field)),
        None => Ok(()),
    }
}

fn protection(input: RuleInput, methods: &[String]) -> Result<Protection, ConfigError> {
    if input.key_auth.is_none() && input.basic_auth.is_none() && input.bearer.is_none() {
        return Err(ConfigError::new(
            "needs key_auth, basic_auth or bearer, or \"public\": true",
        ));
    }
    optional(input.realm.as_deref(), "realm", text::realm)?;
    optional(
        input.anonymous.as_deref(),
        "anonymous",
        text::application_name,
    )?;
    let required_scopes = list(input.required_scopes, "required_scopes", |scope| {
        text::scope(&scope).map(|()| scope)
    })?;
    if input.anonymous.is_some() && !required_scopes.is_empty() {
        return Err(ConfigError::new(
            "never passes together with required_scopes: without a credential there are none",
        )
        .within("anonymous"));
    }
    let passes_preflights = matches!(input.cors_preflight, Some(PreflightInput::Pass));
    if passes_preflights && !methods.is_empty() && !methods.iter().any(|method| method == "OPTIONS")
    {
        return Err(
            ConfigError::new("passes nothing unless methods has OPTIONS").within("cors_preflight"),
        );
    }
    let realm = input.realm.as_deref();
    Ok(Protection {
        key_auth: input
            .key_auth
            .map(|input| key_auth(input, realm).map_err(|error| error.within("key_auth")))
            .transpose()?,
        basic: input.basic_auth.map(|input| Basic {
            hides: input.hide_credentials,
            challenge: format!("Basic realm=\"{}\"", realm.unwrap_or("basic")),
        }),
        bearer: input
            .bearer
            .map(|input| {
                bearer::check(input, realm, &required_scopes)
                    .map_err(|error| error.within("bearer"))
            })
            .transpose()?,
        allow: applications(input.allow_applications, "allow_applications")?,
        deny: applications(input.deny_applications, "deny_applications")?,
        required_scopes,
        anonymous: input.anonymous,
        passes_preflights,
    })
}

fn key_auth(input: KeyAuthInput, realm: Option<&str>) -> Result<KeyAuth, ConfigError> {
    let named = [&input.header, &input.query]
        .into_iter()
        .any(|place| matches!(place, PlaceInput::Named(_)))
        || input.cookie.is_some();
    let place = |input| match input {
        PlaceInput::Named(name) => Some(name),
        PlaceInput::Unsaid if !named => Some(DEFAULT_PLACE.to_string()),
        PlaceInput::Unsaid | PlaceInput::Off => None,
    };
    let header = place(input.header)
        .map(|header| text::header(&header).map_err(|error| error.within("header")))
        .transpose()?;
    let query = place(input.query);
    optional(query.as_deref(), "query", text::query_parameter)?;
    optional(input.cookie.as_deref(), "cookie", text::token)?;
    if header.is_none() && query.is_none() && input.cookie.is_none() {
        return Err(ConfigError::new(
            "needs a header, query or cookie to read the key from",
        ));
    }
    let secret_header = input
        .secret_header
        .map(|name| secret_header(&name, header.as_deref()))
        .transpose()
        .map_err(|error| error.within("secret_header"))?;
    Ok(KeyAuth {
        header,
        query,
        cookie: input.cookie,
        secret_header,
        hides: input.hide_credentials,
        challenge: format!("apikey realm=\"{}\"", realm.unwrap_or("key")),
    })
}

/// One header cannot carry a key and its secret: whoever sends it twice is refused.
fn secret_header(name: &str, key_header: Option<&str>) -> Result<String, ConfigError> {
    let name = text::header(name)?;
    if Some(name.as_str()) == key_header {
        return Err(ConfigError::new("must be another header than the key's"));
    }
    Ok(name)
}

pub(super) fn host_pattern(host: &str) -> Result<HostPattern, ConfigError> {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .and_then(|address| address.parse().ok())
            .map(HostPattern::Address)
            .ok_or_else(|| ConfigError::new("is not an IPv6 address in brackets"));
    }
    match host.strip_prefix("*.") {
        Some(parent) => Ok(HostPattern::Suffix(format!(
            ".{}",
            text::host_name(parent)?
        ))),
        None => text::host_name(host).map(HostPattern::Name),
    }
}

fn path_pattern(input: PathInput) -> Result<PathPattern, ConfigError> {
    match input {
        PathInput::Prefix(path) => text::path(&path)
            .map(PathPattern::Prefix)
            .map_err(|error| error.within("prefix")),
        PathInput::Exact(path) => text::path(&path)
            .map(PathPattern::Exact)
            .map_err(|error| error.within("exact")),
    }
}

/// An entry that is an id matches by id alone, so that nobody gets in by naming an application like another's id.
fn applications(
    input: Option<Vec<String>>,
    field: &str,
) -> Result<Option<Applications>, ConfigError> {
    if input.is_none() {
        return Ok(None);
    }
    let mut ids = Vec::new();
    let mut names = Vec::new();
    list(input, field, |entry| {
        let id = entry
            .strip_prefix(APPLICATION_PREFIX)
            .and_then(ObjectId::parse);
        if let Some(id) = id {
            ids.push(id);
        } else {
            text::application_name(&entry)?;
            names.push(entry);
        }
        Ok(())
    })?;
    ids.sort_unstable();
    names.sort_unstable();
    Ok(Some(Applications { ids, names }))
}

pub(super) fn optional(
    value: Option<&str>,
    field: &str,
    check: impl FnOnce(&str) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    value
        .map_or(Ok(()), check)
        .map_err(|error| error.within(field))
}

/// A list that is absent, or has something in it.
pub(super) fn list<T, U>(
    input: Option<Vec<T>>,
    field: &str,
    mut check: impl FnMut(T) -> Result<U, ConfigError>,
) -> Result<Vec<U>, ConfigError> {
    let Some(items) = input else {
        return Ok(Vec::new());
    };
    if items.is_empty() {
        return Err(empty_list().within(field));
    }
    if items.len() > MAX_ITEMS {
        return Err(
            ConfigError::new(format!("must have {MAX_ITEMS} entries at most")).within(field),
        );
    }
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| check(item).map_err(|error| error.at(index).within(field)))
        .collect()
}

pub(super) fn empty_list() -> ConfigError {
    ConfigError::new("must not be empty: leave it out, or name something")
}
