//! The protected resources that rules name, and what is told about them (RFC 9728).

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::net::Ipv4Addr;

use serde::Serialize;

use super::{
    error::ConfigError,
    policy::{Access, HostPattern, Rule},
    rule::host_pattern,
    text,
};

/// What stands before the resource's own path (RFC 9728 section 3).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A resource as a rule names it.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// As configured, byte for byte: it is compared with audiences.
    pub(crate) identifier: String,
    /// Where its metadata are.
    pub(crate) metadata_url: String,
    host: HostPattern,
    metadata_path: Vec<u8>,
}

/// The metadata of a resource, and which requests ask for them.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) host: HostPattern,
    pub(crate) path: Vec<u8>,
    /// RFC 9728 section 3.2.
    pub(crate) json: String,
}

/// RFC 9728 section 2.
#[derive(Serialize)]
struct Metadata<'r> {
    resource: &'r str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_servers: Vec<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'r str>,
    bearer_methods_supported: [&'static str; 1],
}

/// Checks a resource's identifier.
pub(super) fn check(identifier: &str) -> Result<Resource, ConfigError> {
    text::resource(identifier)?;
    let (scheme, rest) = identifier.split_once("://").ok_or_else(not_an_address)?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at_checked(slash).ok_or_else(not_an_address)?,
        None => (rest, ""),
    };
    let host = host_of(authority)?;
    let is_allowed = match scheme {
        "https" => true,
        "http" => is_loopback(&host),
        _ => false,
    };
    if !is_allowed {
        return Err(ConfigError::new(
            "must be an https address: http is for loopback alone",
        ));
    }
    if !path.is_empty() {
        text::path(path)?;
    }
    // The slash that ends the host goes before the well-known part is put in (RFC 9728 section 3.1).
    let path = if path == "/" { "" } else { path };
    Ok(Resource {
        identifier: identifier.to_string(),
        metadata_url: format!("{scheme}://{authority}{WELL_KNOWN}{path}"),
        host,
        metadata_path: format!("{WELL_KNOWN}{path}").into_bytes(),
    })
}

fn host_of(authority: &str) -> Result<HostPattern, ConfigError> {
    let end_of_host = authority.rfind(']').unwrap_or(0);
    let colon = authority
        .rfind(':')
        .filter(|colon| *colon > end_of_host)
        .unwrap_or(authority.len());
    let (host, port) = authority
        .split_at_checked(colon)
        .ok_or_else(not_an_address)?;
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.strip_prefix(':').is_some_and(|port| !is_port(port)) || host.starts_with('*') {
        return Err(not_an_address());
    }
    host_pattern(host)
}

fn not_an_address() -> ConfigError {
    ConfigError::new("must be an address such as https://api.example.com/orders")
}

fn is_loopback(host: &HostPattern) -> bool {
    match host {
        HostPattern::Name(name) => {
            name == "localhost" || name.parse().is_ok_and(|own: Ipv4Addr| own.is_loopback())
        }
        HostPattern::Suffix(_) => false,
        HostPattern::Address(address) => address.is_loopback(),
    }
}

/// What is told about the resources of these rules. Scopes come together from all rules of a resource; who issues tokens
/// for it, each of them must say alike.
pub(super) fn documents(rules: &[Rule]) -> Result<Vec<Document>, ConfigError> {
    let mut described: Vec<(&Resource, Metadata<'_>)> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let Access::Protected(protection) = &rule.access else {
            continue;
        };
        let Some(bearer) = &protection.bearer else {
            continue;
        };
        let Some(resource) = &bearer.resource else {
            continue;
        };
        let issuers = bearer.issued.iter().flat_map(|issued| &issued.issuers);
        let metadata = Metadata {
            resource: &resource.identifier,
            authorization_servers: issuers.map(String::as_str).collect(),
            scopes_supported: protection
                .required_scopes
                .iter()
                .map(String::as_str)
                .collect(),
            bearer_methods_supported: ["header"],
        };
        let same = |(known, _): &&mut (&Resource, _)| known.is_asked_for_as(resource);
        match described.iter_mut().find(same) {
            None => described.push((resource, metadata)),
            Some((_, known)) => known
                .join(metadata)
                .map_err(|error| error.within("resource").within("bearer"))
                .map_err(|error| error.at(index).within("rules"))?,
        }
    }
    described.into_iter().map(Document::of).collect()
}

impl Resource {
    /// Whether the metadata of both are asked for in the same way.
    fn is_asked_for_as(&self, other: &Self) -> bool {
        self.host == other.host && self.metadata_path == other.metadata_path
    }
}

impl Metadata<'_> {
    fn join(&mut self, other: Self) -> Result<(), ConfigError> {
        if self.resource != other.resource {
            return Err(ConfigError::new(format!(
                "has its metadata where those of {} are: resources must differ in host or path",
                self.resource
            )));
        }
        if self.authorization_servers != other.authorization_servers {
            return Err(ConfigError::new(
                "is that of an earlier rule, which has other issuers: its metadata can name one list alone",
            ));
        }
        for scope in other.scopes_supported {
            if !self.scopes_supported.contains(&scope) {
                self.scopes_supported.push(scope);
            }
        }
        Ok(())
    }
}

impl Document {
    fn of((resource, metadata): (&Resource, Metadata<'_>)) -> Result<Self, ConfigError> {
        Ok(Self {
            host: resource.host.clone(),
            path: resource.metadata_path.clone(),
            json: serde_json::to_string(&metadata)
                .map_err(|error| ConfigError::new(error.to_string()).within("rules"))?,
        })
    }
}
