//! Query parameters.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::refusal::Refusal;
use crate::{consumer::ListQuery, listing::MAX_LIMIT};

const GROUP: &str = "gateway_group_id";
/// Characters at most in a parameter.
const MAX_LENGTH: usize = 256;
/// Entries on a page, as APISIX bounds them.
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 10..=MAX_LIMIT;

/// The gateway group that a request is about.
#[derive(Debug)]
pub(super) struct Group(pub(super) Option<String>);

/// What is asked of a list.
#[derive(Debug)]
pub(super) struct Listing(pub(super) ListQuery);

impl<S: Send + Sync> FromRequestParts<S> for Group {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let mut parameters = Parameters::of(parts)?;
        let group = parameters.take(GROUP);
        parameters.end()?;
        Ok(Self(group))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Listing {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let mut parameters = Parameters::of(parts)?;
        // One before the first is the first, as there; without a size, pages are as large as they may be.
        let page = match parameters.take("page") {
            None => 1,
            Some(text) => {
                let page = text.parse::<i64>();
                page.map_err(|_| Refusal::invalid("page must be a number"))?
            }
        };
        let page_size = match parameters.take("page_size") {
            None => MAX_LIMIT,
            Some(text) => {
                let size = text.parse().ok().filter(|size| PAGE_SIZES.contains(size));
                size.ok_or_else(|| Refusal::invalid("page_size must be between 10 and 500"))?
            }
        };
        let query = ListQuery {
            page: usize::try_from(page).unwrap_or(1).max(1),
            page_size,
            name: parameters.take("name"),
            label: parameters.take("label"),
            gateway_group: parameters.take(GROUP),
        };
        parameters.end()?;
        Ok(Self(query))
    }
}

/// Each named once.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(parts: &Parts) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let mut found: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if found.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::invalid("a query parameter occurs more than once"));
            }
            if value.len() > MAX_LENGTH {
                return Err(Refusal::invalid(
                    "a query parameter is longer than 256 bytes",
                ));
            }
            found.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(found))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Nothing that was asked for is passed over in silence.
    fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Refusal::invalid(match name.as_str() {
                "api_key" => {
                    "api_key: the key is read from the header X-API-KEY alone, because addresses are logged"
                }
                "ttl" => {
                    "ttl: is not supported; PATCH /v1/credentials/{id} with expires_at gives a credential an end"
                }
                _ => "a query parameter is not known here",
            })),
        }
    }
}
