//! A worker's view of the shared snapshot: the parts it has copied so far, and how to look things up in them.

use alloc::{string::String, vec::Vec};

use crate::{
    digest::{DigestKey, Digester, SecretHash},
    feed::{application_bucket, credential_segment},
    head::{Head, Load, MAX_RECENT},
    introspections::{self, IntrospectionId, Introspections},
    segment::{Header, Table, applications, credentials},
    tokens::Tokens,
    verdicts::{Known, Verdicts},
};

mod asked;
mod issuers;
mod named;

pub use self::{
    asked::{MissingKey, PAUSE_MS},
    issuers::{KeysVersion, KnownIssuer},
};
pub use crate::segment::{
    Part,
    applications::ApplicationView,
    credentials::{CredentialView, Identifier},
};

/// Whether decisions can be made at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// A complete snapshot serves.
    Ready,
    /// There has never been a complete snapshot.
    NeverComplete,
    /// The registry has been silent for longer than the rules allow.
    Stale,
}

/// The result of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Here it is.
    Present(T),
    /// It does not exist.
    Absent,
    /// The host must copy this part first, and ask again.
    NotLoaded(Part),
    /// It cannot be told while a snapshot under another key replaces this one: answer 503, not 401.
    Changing,
}

/// What a worker holds.
#[derive(Debug)]
pub struct Snapshot {
    parts: Vec<Slot>,
    serving: Option<Generation>,
    loading: Option<Generation>,
    announced: u64,
    revision: u64,
    stale: bool,
    silent: bool,
    now_ms: u64,
    named: Vec<(String, Option<u32>)>,
    issuers: issuers::Issuers,
    asked: asked::Asked,
    /// What is remembered of verified chosen passwords.
    pub verdicts: Verdicts,
    /// What is remembered of good access tokens.
    pub tokens: Tokens,
    /// What is remembered of tokens that an issuer was asked about.
    pub introspections: Introspections,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Unknown,
    /// As copied; empty when shared data has no such part.
    Held(Vec<u8>),
}

/// A [`Load`] ready for look-ups.
#[derive(Clone, Debug)]
struct Generation {
    load: Load,
    digester: Digester,
}

impl Generation {
    fn of(load: &Load) -> Self {
        Self {
            load: load.clone(),
            digester: Digester::new(&load.key),
        }
    }
}

impl Snapshot {
    /// An empty view. `key` is random and stays in this VM.
    #[must_use]
    pub fn new(key: &DigestKey) -> Self {
        Self {
            parts: alloc::vec![Slot::Unknown; Part::COUNT],
            serving: None,
            loading: None,
            announced: 0,
            revision: 0,
            stale: false,
            silent: false,
            now_ms: 0,
            named: Vec::new(),
            issuers: issuers::Issuers::default(),
            asked: asked::Asked::default(),
            verdicts: Verdicts::new(key),
            tokens: Tokens::new(key),
            introspections: Introspections::new(key),
        }
    }

    /// Takes note of a newer head. Returns the held parts that changed, to be copied again now or [forgotten](
    /// Self::forget): until then they are not served.
    pub fn follow(&mut self, head: &Head) -> Vec<Part> {
        let serving = head.serving.as_ref();
        let loading = head.loading.as_ref().map(|loading| &loading.load);
        let table = self.serving.as_ref().map(|known| known.load.table);
        renew(&mut self.serving, serving);
        renew(&mut self.loading, loading);
        if table != serving.map(|load| load.table) {
            self.forget_names();
        }
        self.revision = head.revision;
        let missed = head.announced.checked_sub(self.announced);
        self.announced = head.announced;
        let missed = missed
            .and_then(|missed| usize::try_from(missed).ok())
            .unwrap_or(usize::MAX);
        if missed > head.recent.len().min(MAX_RECENT) {
            self.parts.fill(Slot::Unknown);
            return Vec::new();
        }
        let first = head.recent.len().saturating_sub(missed);
        let mut changed = Vec::new();
        for number in head.recent.iter().skip(first) {
            let part = Part::from_number(*number);
            if let Some(slot @ Slot::Held(_)) = self.parts.get_mut(usize::from(part.number())) {
                *slot = Slot::Unknown;
                changed.push(part);
            }
        }
        changed
    }

    /// Takes a part as copied from shared data; `None` when there is none.
    pub fn fill(&mut self, part: Part, bytes: Option<Vec<u8>>) {
        let bytes = bytes.unwrap_or_default();
        if let Part::Applications(table, bucket) = part {
            self.note_names(table, bucket, &bytes);
        }
        if let Part::Issuers(table) = part {
            let known = self.issuers.fill(table, &bytes);
            if self
                .serving
                .as_ref()
                .is_some_and(|serving| serving.load.table == table)
            {
                self.asked.overtaken_by(known);
            }
        }
        if let Some(slot) = self.parts.get_mut(usize::from(part.number())) {
            *slot = Slot::Held(bytes);
        }
    }

    /// Lets a part go; it is copied again when it is needed.
    pub fn forget(&mut self, part: Part) {
        if let Some(slot) = self.parts.get_mut(usize::from(part.number())) {
            *slot = Slot::Unknown;
        }
    }

    /// Tells the time: for the memory of verdicts, and whether the registry was silent for a while (`silent`) or for
    /// longer than the rules allow (`stale`).
    pub fn set_time(&mut self, now_ms: u64, silent: bool, stale: bool) {
        self.now_ms = now_ms;
        self.silent = silent;
        self.stale = stale;
    }

    /// What is known of a token that an issuer was asked about.
    #[must_use]
    pub fn introspected(&self, id: IntrospectionId) -> Option<introspections::Known<'_>> {
        self.introspections.find(id, self.now_ms)
    }

    /// The generation of the snapshot that serves; 0 when there is none.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.serving
            .as_ref()
            .map_or(0, |serving| serving.load.generation)
    }

    /// The position in the log that look-ups reflect.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many part changes this view has taken note of.
    #[must_use]
    pub const fn announced(&self) -> u64 {
        self.announced
    }

    /// Whether decisions can be made.
    #[must_use]
    pub const fn readiness(&self) -> Readiness {
        match (&self.serving, self.stale) {
            (None, _) => Readiness::NeverComplete,
            (Some(_), true) => Readiness::Stale,
            (Some(_), false) => Readiness::Ready,
        }
    }

    fn holds(&self, part: Part) -> bool {
        matches!(self.slot(part), Some(Slot::Held(_)))
    }

    fn slot(&self, part: Part) -> Option<&Slot> {
        self.parts.get(usize::from(part.number()))
    }

    /// Finds the credential whose secret has this hash.
    #[must_use]
    pub fn find(&self, hash: &SecretHash) -> Found<CredentialView<'_>> {
        let Some(serving) = &self.serving else {
            return Found::Changing;
        };
        match &self.loading {
            Some(loading) if loading.load.key != serving.load.key => {
                self.find_in_both(serving, loading, hash)
            }
            loading => {
                let oldest = serving.load.generation;
                let newest = loading.as_ref().map_or(oldest, |load| load.load.generation);
                self.find_in(serving, hash, oldest, newest).0
            }
        }
    }

    /// A snapshot under another key replaces this one: each part holds either the old credentials or the new ones.
    fn find_in_both(
        &self,
        serving: &Generation,
        loading: &Generation,
        hash: &SecretHash,
    ) -> Found<CredentialView<'_>> {
        let newest = loading.load.generation;
        let (new, is_replaced) = self.find_in(loading, hash, newest, newest);
        if is_replaced || matches!(new, Found::NotLoaded(_)) {
            return new;
        }
        let oldest = serving.load.generation;
        match self.find_in(serving, hash, oldest, oldest) {
            // The place where the old log had it is overwritten already, the new place not yet.
            (Found::Absent, false) | (Found::Changing, _) => {
                self.find_in_any(serving, loading, hash)
            }
            (old, _) => old,
        }
    }

    /// While a group goes over to another key both parts may hold what is found under either, in the old snapshot and in the
    /// new one. Only that it is there can be told by that.
    fn find_in_any(
        &self,
        serving: &Generation,
        loading: &Generation,
        hash: &SecretHash,
    ) -> Found<CredentialView<'_>> {
        let (oldest, newest) = (serving.load.generation, loading.load.generation);
        for key in [serving, loading] {
            if let (found @ Found::Present(_), _) = self.find_in(key, hash, oldest, newest) {
                return found;
            }
        }
        Found::Changing
    }

    /// Looks in the one segment for this hash; also tells whether that segment is of the generations asked for (an
    /// absent segment is of every generation).
    fn find_in(
        &self,
        generation: &Generation,
        hash: &SecretHash,
        oldest: u32,
        newest: u32,
    ) -> (Found<CredentialView<'_>>, bool) {
        let digest = generation.digester.digest(hash);
        let part = Part::Credentials(credential_segment(&digest));
        let Some(Slot::Held(bytes)) = self.slot(part) else {
            return (Found::NotLoaded(part), false);
        };
        match Header::read(bytes, credentials::TABLE) {
            Some(header) if (oldest..=newest).contains(&header.generation) => {
                let found = credentials::find(bytes, &digest);
                (found.map_or(Found::Absent, Found::Present), true)
            }
            // Of a load that this view does not know of yet.
            Some(header) if header.generation > newest => (Found::Changing, true),
            Some(_) => (Found::Absent, false),
            None => (Found::Absent, bytes.is_empty() && self.loading.is_none()),
        }
    }

    /// The application that a credential belongs to.
    #[must_use]
    pub fn application_of(&self, credential: &CredentialView<'_>) -> Found<ApplicationView<'_>> {
        let generation = credential.generation();
        let load = [&self.serving, &self.loading]
            .into_iter()
            .flatten()
            .map(|known| &known.load)
            .find(|load| load.generation == generation);
        load.map_or(Found::Changing, |load| {
            self.application(load.table, generation, credential.application())
        })
    }

    fn application(&self, table: Table, generation: u32, index: u32) -> Found<ApplicationView<'_>> {
        let part = Part::Applications(table, application_bucket(index));
        let Some(Slot::Held(bytes)) = self.slot(part) else {
            return Found::NotLoaded(part);
        };
        match Header::read(bytes, applications::TABLE) {
            Some(header) if header.generation == generation => {
                applications::find(bytes, index).map_or(self.absent_application(), Found::Present)
            }
            Some(_) => Found::Changing,
            None => self.absent_application(),
        }
    }

    /// While a snapshot loads, a credential may arrive before the application that was made after the load began.
    const fn absent_application<T>(&self) -> Found<T> {
        if self.loading.is_some() {
            Found::Changing
        } else {
            Found::Absent
        }
    }

    /// What is remembered of a verified chosen password; `hash` is [`SecretHash::of_basic`].
    #[must_use]
    pub fn verdict(&self, hash: &SecretHash, credential: &CredentialView<'_>) -> Option<Known> {
        let (id, version) = (credential.id(), credential.version());
        self.verdicts
            .verdict(hash, id, version, self.now_ms, self.silent)
    }
}

/// Replaces a generation only when it is another, because preparing its key costs two hashes.
fn renew(known: &mut Option<Generation>, load: Option<&Load>) {
    if known.as_ref().map(|generation| &generation.load) != load {
        *known = load.map(Generation::of);
    }
}
