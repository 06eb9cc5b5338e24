//! One request: from its headers to a decision, and from the decision to what Envoy does.

use filter_core::{
    decide::{Allow, Decision, PasswordQuestion, Question, decide},
    denial::{Caller, Denial, Outcome, Reason},
    request::{Request, pairs::Pairs},
    snapshot::Part,
};

use crate::{
    abi::{self, Failure},
    callbacks::Flow,
    feed::Feed,
    metrics::Metrics,
    pairs,
    roots::Root,
    signature::Native,
};

/// Parts copied for one decision at most: those of each look-up, and all applications where an anonymous one is named.
const MAX_LOADS: usize = 1100;

/// How a request stands after a decision.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It goes on; meanwhile the registry may be asked again about its password.
    Passed(Option<Box<PasswordQuestion>>),
    /// It was answered here.
    Answered,
    /// The registry must be asked first.
    Asks(Question),
}

impl Verdict {
    pub(crate) const fn flow(&self) -> Flow {
        match self {
            Self::Passed(_) => Flow::Continue,
            Self::Answered | Self::Asks(_) => Flow::Stop,
        }
    }
}

/// Decides about the request whose context is current, and edits or answers it.
pub(crate) fn handle(root: &Root, feed: &mut Feed, metrics: &mut Metrics) -> Verdict {
    let Ok(headers) = abi::request_headers() else {
        return refuse(Reason::HeadersUnreadable, metrics);
    };
    let verdict = match Pairs::parse(&headers) {
        Ok(pairs) if !headers.is_empty() => handle_pairs(pairs, root, feed, metrics),
        _ => refuse(Reason::HeadersUnreadable, metrics),
    };
    abi::reuse(headers);
    verdict
}

fn handle_pairs(pairs: Pairs<'_>, root: &Root, feed: &mut Feed, metrics: &mut Metrics) -> Verdict {
    let request = Request::read(pairs);
    let now_ms = abi::wall_clock_ms();
    feed.prepare(root.id, now_ms, root.max_staleness_ms);
    for _ in 0..MAX_LOADS {
        let part: Part = match decide(&root.policy, &feed.snapshot, &request, now_ms) {
            Decision::Load(part) => part,
            Decision::Allow(allow) => {
                let used = allow.used;
                let verdict = pass(allow, metrics);
                if let (Verdict::Passed(_), Some(used)) = (&verdict, used) {
                    feed.usage.count(used, now_ms);
                }
                return verdict;
            }
            Decision::Deny(denial) => {
                if let Some(used) = denial.used() {
                    feed.usage.count(used, now_ms);
                }
                return answer(&denial, metrics);
            }
            Decision::Ask(question) => return Verdict::Asks(question),
            Decision::Verify(check) => {
                let checked = check.run(&Native);
                feed.snapshot.tokens.take(checked);
                continue;
            }
            Decision::Ready => return reply("keysmith_ready", "text/plain", "ready\n"),
            Decision::Document(json) => {
                return reply("keysmith_resource_metadata", "application/json", json);
            }
        };
        if !feed.load(part) {
            break;
        }
    }
    refuse(Reason::SnapshotUnreadable, metrics)
}

/// Refuses a request about which the registry could not be asked.
pub(crate) fn refuse_unanswered(reason: Reason, metrics: &mut Metrics) {
    let headers = abi::request_headers().unwrap_or_default();
    let caller = Pairs::parse(&headers).map_or(Caller::Http, |pairs| Request::read(pairs).caller());
    answer(&Denial::new(reason, caller), metrics);
}

fn refuse(reason: Reason, metrics: &mut Metrics) -> Verdict {
    answer(&Denial::new(reason, Caller::Http), metrics)
}

fn pass(allow: Allow<'_>, metrics: &mut Metrics) -> Verdict {
    match edit(&allow) {
        Ok(()) => {
            metrics.count(allow.method, Outcome::Allowed);
            Verdict::Passed(allow.renewal)
        }
        // A header that could not be removed or set might carry another's identity.
        Err(_) => refuse(Reason::HeadersUnreadable, metrics),
    }
}

fn edit(allow: &Allow<'_>) -> Result<(), Failure> {
    for name in allow.edits.removed_headers() {
        abi::remove_request_header(name)?;
    }
    if let Some(path) = allow.edits.path() {
        abi::replace_request_header(b":path", path)?;
    }
    if let Some(cookie) = allow.edits.cookie() {
        abi::replace_request_header(b"cookie", cookie)?;
    }
    for (name, value) in allow.identity_headers() {
        abi::replace_request_header(name.as_bytes(), value.as_bytes())?;
    }
    Ok(())
}

fn answer(denial: &Denial<'_>, metrics: &mut Metrics) -> Verdict {
    metrics.count(denial.method(), denial.outcome());
    let mut headers = vec![("content-type", denial.content_type())];
    headers.extend(
        denial
            .challenges()
            .map(|challenge| ("www-authenticate", challenge)),
    );
    headers.extend(denial.allow().map(|methods| ("allow", methods)));
    headers.extend(denial.retry_after().map(|seconds| ("retry-after", seconds)));
    // Should the reply fail, the request stays where it is, and does not pass.
    let _ = abi::send_local_response(
        denial.status().into(),
        denial.details(),
        denial.body().as_bytes(),
        &pairs::serialize(&headers),
        denial.grpc_status().map_or(-1, i32::from),
    );
    Verdict::Answered
}

/// Answers what is for everybody.
fn reply(details: &str, content_type: &str, body: &str) -> Verdict {
    let headers = pairs::serialize(&[("content-type", content_type)]);
    let _ = abi::send_local_response(200, details, body.as_bytes(), &headers, -1);
    Verdict::Answered
}
