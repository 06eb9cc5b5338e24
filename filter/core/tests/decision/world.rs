//! A registry's worth of credentials, requests in one line, and decisions in one line.

#[path = "registry.rs"]
pub(crate) mod registry;

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use filter_core::{
    config::Config,
    decide::{Allow, Decision, Question, decide},
    denial::Denial,
    digest::DigestKey,
    feed::Operation,
    gateway::access_tokens::IntrospectionQuestion,
    head::Head,
    jwt::{VerificationKey, signature::Verifier},
    request::{Request, pairs::Pairs},
    snapshot::{Part, Snapshot},
};

pub(crate) use registry::NOW;
use registry::{fill_in, published};

/// Bob's password, which he chose.
pub(crate) const CHOSEN: &str = "correct horse: battery";

/// An `authorization` value for HTTP Basic.
pub(crate) fn basic(user_pass: &str) -> String {
    format!("Basic {}", STANDARD.encode(fill_in(user_pass)))
}

/// A snapshot, a policy, and a clock.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) snapshot: Snapshot,
    pub(crate) now_ms: u64,
    /// The clock by which is remembered.
    pub(crate) monotonic_ms: u64,
    /// How many signatures were checked.
    pub(crate) checked: u32,
    head: Head,
    parts: BTreeMap<Part, Vec<u8>>,
}

/// The issuers here sign by Ed25519, for which nobody has to be asked.
struct Nobody;

impl Verifier for Nobody {
    fn verify(&self, _: &VerificationKey, _: &[u8], _: &[u8]) -> bool {
        panic!("nobody has to be asked")
    }
}

impl World {
    /// With a complete snapshot; `rules` is the inside of the JSON list, or a whole object's fields after it.
    pub(crate) fn new(rules: &str) -> Self {
        let mut world = Self::without_snapshot(rules);
        let (head, parts) = published();
        world.snapshot.follow(&head);
        world.head = head;
        world.parts = parts;
        world
    }

    /// Before the first page.
    pub(crate) fn without_snapshot(rules: &str) -> Self {
        let json = format!(
            r#"{{"registry": {{"cluster": "registry", "token": "injected"}}, "rules": [{rules}}}"#
        );
        let config =
            Config::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"));
        let mut snapshot = Snapshot::new(&DigestKey::from_bytes([9; 32]));
        for name in config.policy.anonymous_applications() {
            snapshot.watch_application(name);
        }
        snapshot.set_time(NOW, false, false);
        Self {
            config,
            snapshot,
            now_ms: NOW,
            monotonic_ms: NOW,
            checked: 0,
            head: Head::default(),
            parts: BTreeMap::new(),
        }
    }

    /// Lets time pass for what is remembered.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.monotonic_ms += milliseconds;
        self.snapshot.set_time(self.monotonic_ms, false, false);
    }

    /// How far the registry's log goes.
    pub(crate) fn revision(&self) -> u64 {
        self.head.revision
    }

    /// Takes a page of changes, as a leader publishes it.
    pub(crate) fn change(&mut self, operation: Operation) {
        self.head = registry::change(&self.head, operation, &mut self.parts);
        for part in self.snapshot.follow(&self.head) {
            self.snapshot.forget(part);
        }
    }

    /// Decides, copying parts of the snapshot as they are asked for, and hands the decision over.
    pub(crate) fn decide<T>(&mut self, request: &[u8], read: impl FnOnce(Decision<'_>) -> T) -> T {
        let pairs = Pairs::parse(request).expect("well-formed");
        for _ in 0..=Part::COUNT {
            let request = Request::read(pairs);
            match decide(&self.config.policy, &self.snapshot, &request, self.now_ms) {
                Decision::Load(part) => {
                    let bytes = self.parts.get(&part).cloned();
                    self.snapshot.fill(part, bytes);
                }
                Decision::Verify(check) => {
                    self.checked += 1;
                    let checked = check.run(&Nobody);
                    self.snapshot.tokens.take(checked);
                }
                _ => break,
            }
        }
        let request = Request::read(pairs);
        read(decide(
            &self.config.policy,
            &self.snapshot,
            &request,
            self.now_ms,
        ))
    }

    /// The decision in one line.
    pub(crate) fn says(&mut self, request: &str) -> String {
        self.decide(&serialize(&headers(request)), |decision| {
            describe(&decision)
        })
    }

    /// Which use of a credential it is, in one line.
    pub(crate) fn uses(&mut self, request: &str) -> String {
        let used = self.decide(&serialize(&headers(request)), |decision| match decision {
            Decision::Allow(allow) => allow.used,
            Decision::Deny(denial) => denial.used(),
            _ => None,
        });
        used.map_or_else(
            || String::from("nobody's"),
            |used| {
                let [id, ..] = used.credential.0;
                format!("{id} v{} {:?}", used.version, used.outcome)
            },
        )
    }

    /// What the refusal tells the caller, line by line.
    pub(crate) fn reply(&mut self, request: &str) -> String {
        self.decide(&serialize(&headers(request)), |decision| match decision {
            Decision::Deny(denial) => describe_reply(&denial),
            other => describe(&other),
        })
    }
}

/// One line of a table.
pub(crate) fn check(rules: &str, request: &str, expected: &str) {
    let rules = format!("{rules}]");
    assert_eq!(
        World::new(&rules).says(request),
        fill_in(expected),
        "{request} under {rules}"
    );
}

/// `METHOD host/path | name: value | ...`; a dash for a method, host or path that is missing.
pub(crate) fn headers(request: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let filled = fill_in(request);
    let mut parts = filled.split(" | ");
    let (method, target) = parts
        .next()
        .and_then(|line| line.split_once(' '))
        .expect("a line");
    let (host, path) = match target.find(['/', '*', '?']) {
        Some(slash) => target.split_at(slash),
        None => (target, "-"),
    };
    let pseudo = [(":method", method), (":authority", host), (":path", path)];
    let given = pseudo.into_iter().filter(|(_, value)| *value != "-");
    let fields = parts.map(|field| field.split_once(": ").expect("name: value"));
    given
        .chain(fields)
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// As the host would hand them over.
pub(crate) fn serialize(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).expect("short").to_le_bytes();
    let mut out = number(headers.len()).to_vec();
    for (name, value) in headers {
        out.extend(number(name.len()));
        out.extend(number(value.len()));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        out.extend(text);
        out.push(0);
    }
    out
}

/// The headers that the upstream gets.
pub(crate) fn forwarded(
    headers: &[(Vec<u8>, Vec<u8>)],
    allow: &Allow<'_>,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut out = headers.to_vec();
    let mut replace = |name: &[u8], value: Option<&[u8]>| {
        out.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        out.extend(value.map(|value| (name.to_vec(), value.to_vec())));
    };
    for name in allow.edits.removed_headers() {
        replace(name, None);
    }
    for (name, value) in allow.identity_headers() {
        replace(name.as_bytes(), Some(value.as_bytes()));
    }
    for (name, value) in [
        (":path", allow.edits.path()),
        ("cookie", allow.edits.cookie()),
    ] {
        if value.is_some() {
            replace(name.as_bytes(), value);
        }
    }
    out
}

fn describe(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allow(allow) => describe_allow(allow),
        Decision::Deny(denial) => format!("{} {}", denial.status(), denial.details()),
        Decision::Ask(Question::Password(question)) => {
            format!("ask {}", question.username.as_str())
        }
        Decision::Ask(Question::IssuerKeys(question)) => {
            format!("ask {} for {}", question.issuer, question.key_id)
        }
        Decision::Ask(Question::Introspection(question)) => {
            let IntrospectionQuestion { token, issuers } = &question.question;
            format!("ask {} about {}", issuers.join(" "), token.as_str())
        }
        Decision::Verify(_) => String::from("verify"),
        Decision::Load(part) => format!("load {part:?}"),
        Decision::Ready => String::from("ready"),
        Decision::Document(json) => String::from(*json),
    }
}

fn describe_allow(allow: &Allow<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = format!("pass {}", allow.method.name());
    if let Some(identity) = &allow.identity {
        let _ = write!(line, " {}", identity.application().name());
    }
    for name in allow.edits.removed_headers() {
        let _ = write!(line, " -{}", text(name));
    }
    for (name, value) in [
        ("path", allow.edits.path()),
        ("cookie", allow.edits.cookie()),
    ] {
        if let Some(value) = value {
            let _ = write!(line, " {name}={}", text(value));
        }
    }
    line
}

fn describe_reply(denial: &Denial<'_>) -> String {
    let mut lines = vec![denial.status().to_string(), denial.body().trim_end().into()];
    lines.extend(denial.challenges().map(String::from));
    lines.extend(denial.allow().map(|methods| format!("allow {methods}")));
    lines.extend(
        denial
            .retry_after()
            .map(|seconds| format!("retry-after {seconds}")),
    );
    lines.extend(
        denial
            .grpc_status()
            .map(|status| format!("grpc-status {status}")),
    );
    lines.join("\n")
}
