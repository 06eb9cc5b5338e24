//! Which rule covers a request.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::{net::Ipv6Addr, slice};

use crate::{
    config::{AmbiguousPaths, Document, HostPattern, PathPattern, Rule, WELL_KNOWN},
    denial::Reason,
    path::{canonical, has_prefix, is_name_character, without_parameters},
    request::Request,
};

/// A request's host and path as rules read them: once, and only when a rule looks.
pub(super) struct Reading<'r, 'a> {
    request: &'r Request<'a>,
    ambiguous_paths: AmbiguousPaths,
    host: Option<Result<Host<'a>, Reason>>,
    path: Option<Result<Path<'a>, Reason>>,
}

/// A path that rules can be matched with.
struct Path<'a> {
    canonical: Cow<'a, [u8]>,
    /// How servlet containers read it, where that differs. A rule that covers one of the two alone refuses.
    without_parameters: Option<Vec<u8>>,
}

impl<'r, 'a> Reading<'r, 'a> {
    pub(super) const fn new(ambiguous_paths: AmbiguousPaths, request: &'r Request<'a>) -> Self {
        Self {
            request,
            ambiguous_paths,
            host: None,
            path: None,
        }
    }

    /// Whether the request's path is this canonical one, in every reading.
    pub(super) fn has_path(&mut self, path: &[u8]) -> bool {
        self.path()
            .is_ok_and(|own| *own.canonical == *path && own.without_parameters.is_none())
    }

    /// The document that the request asks for.
    #[inline(never)]
    pub(super) fn document<'p>(&mut self, documents: &'p [Document]) -> Option<&'p Document> {
        // Few requests get further than this.
        let target = self.request.target()?;
        if !target.path.starts_with(WELL_KNOWN.as_bytes()) {
            return None;
        }
        documents.iter().find(|document| {
            self.has_path(&document.path)
                && self
                    .has_host(slice::from_ref(&document.host))
                    .unwrap_or(false)
        })
    }

    /// The first rule that covers the request.
    ///
    /// # Errors
    /// When a rule looks at something that is missing or can be read in several ways.
    pub(super) fn first_match<'p>(
        &mut self,
        rules: &'p [Rule],
    ) -> Result<Option<&'p Rule>, Reason> {
        for rule in rules {
            if self.is_covered(rule)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    fn is_covered(&mut self, rule: &Rule) -> Result<bool, Reason> {
        Ok(self.has_method(&rule.methods)?
            && self.has_host(&rule.hosts)?
            && self.has_one_path(&rule.paths)?)
    }

    fn has_method(&self, methods: &[String]) -> Result<bool, Reason> {
        if methods.is_empty() {
            return Ok(true);
        }
        let own = self.request.method().ok_or(Reason::MethodMissing)?;
        Ok(methods.iter().any(|method| method.as_bytes() == own))
    }

    fn has_host(&mut self, patterns: &[HostPattern]) -> Result<bool, Reason> {
        if patterns.is_empty() {
            return Ok(true);
        }
        let request = self.request;
        let own = self
            .host
            .get_or_insert_with(|| {
                let host = request.host().and_then(Host::read);
                host.ok_or(Reason::HostUnreadable)
            })
            .as_ref()
            .map_err(|reason| *reason)?;
        Ok(patterns.iter().any(|pattern| own.fits(pattern)))
    }

    fn has_one_path(&mut self, patterns: &[PathPattern]) -> Result<bool, Reason> {
        if patterns.is_empty() {
            return Ok(true);
        }
        let own = match self.path() {
            Ok(own) => own,
            Err(reason) => {
                return match self.ambiguous_paths {
                    AmbiguousPaths::Refuse => Err(reason),
                    AmbiguousPaths::MatchRaw => Ok(false),
                };
            }
        };
        let is_covered = covers(patterns, &own.canonical);
        match &own.without_parameters {
            Some(other) if covers(patterns, other) != is_covered => Err(Reason::PathAmbiguous),
            _ => Ok(is_covered),
        }
    }

    fn path(&mut self) -> Result<&Path<'a>, Reason> {
        let (request, ambiguous_paths) = (self.request, self.ambiguous_paths);
        self.path
            .get_or_insert_with(|| Path::read(request, ambiguous_paths))
            .as_ref()
            .map_err(|reason| *reason)
    }
}

impl<'a> Path<'a> {
    fn read(request: &Request<'a>, ambiguous_paths: AmbiguousPaths) -> Result<Self, Reason> {
        let raw = request.target().ok_or(Reason::PathMissing)?.path;
        match (canonical(raw), ambiguous_paths) {
            (Ok(canonical), AmbiguousPaths::Refuse) => Ok(Self {
                without_parameters: without_parameters(&canonical),
                canonical,
            }),
            (Ok(canonical), AmbiguousPaths::MatchRaw) => Ok(Self::only(canonical)),
            (Err(_), AmbiguousPaths::MatchRaw) => Ok(Self::only(Cow::Borrowed(raw))),
            (Err(_), AmbiguousPaths::Refuse) => Err(Reason::PathAmbiguous),
        }
    }

    const fn only(canonical: Cow<'a, [u8]>) -> Self {
        Self {
            canonical,
            without_parameters: None,
        }
    }
}

fn covers(patterns: &[PathPattern], path: &[u8]) -> bool {
    patterns.iter().any(|pattern| match pattern {
        PathPattern::Prefix(prefix) => has_prefix(path, prefix),
        PathPattern::Exact(exact) => exact == path,
    })
}

/// A host without port and final dot.
enum Host<'a> {
    Name(&'a [u8]),
    Address(Ipv6Addr),
}

impl<'a> Host<'a> {
    fn read(raw: &'a [u8]) -> Option<Self> {
        if let Some(rest) = raw.strip_prefix(b"[") {
            let end = rest.iter().position(|byte| *byte == b']')?;
            let (address, after) = rest.split_at_checked(end)?;
            let address = core::str::from_utf8(address).ok()?.parse().ok()?;
            return is_port(after.get(1..)?).then_some(Self::Address(address));
        }
        let end = raw.iter().position(|byte| *byte == b':');
        let (name, port) = raw.split_at_checked(end.unwrap_or(raw.len()))?;
        let name = name.strip_suffix(b".").unwrap_or(name);
        let is_readable = !name.is_empty() && name.iter().all(|byte| is_name_character(*byte));
        (is_readable && is_port(port)).then_some(Self::Name(name))
    }

    fn fits(&self, pattern: &HostPattern) -> bool {
        match (self, pattern) {
            (Self::Name(own), HostPattern::Name(name)) => own.eq_ignore_ascii_case(name.as_bytes()),
            (Self::Name(own), HostPattern::Suffix(suffix)) => own
                .len()
                .checked_sub(suffix.len())
                .filter(|labels| *labels > 0)
                .and_then(|labels| own.get(labels..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes())),
            (Self::Address(own), HostPattern::Address(address)) => own == address,
            _ => false,
        }
    }
}

/// Nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
