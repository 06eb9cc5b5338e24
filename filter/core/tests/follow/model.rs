//! A registry, shared data and several leaders in miniature.

#[path = "registry.rs"]
mod registry;

use std::collections::{BTreeMap, BTreeSet};

use filter_core::{
    digest::{DigestKey, SecretHash},
    feed::Page,
    head::Head,
    segment::Part,
    snapshot::{Found, Snapshot},
    sync::{Plan, Updated, begins, plan},
};
use registry::Issuers;
pub(crate) use registry::{Registry, Rekeying, issuer, secret};

/// One step of a random history.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    target_arch = "wasm32",
    expect(dead_code, reason = "property tests run on the host")
)]
pub(crate) enum Action {
    PutApplication(u32),
    DisableApplication(u32),
    PutCredential(u32, u32),
    RemoveCredential(u32),
    PutIssuer(u32, u8),
    RemoveIssuer(u32),
    ForgetLog,
    ReplaceDatabase,
    /// The next step of a rotation of the key, once this worker has what it waits for.
    Rekey,
    /// As when a gateway is taken to be gone that is not.
    RekeyWithoutReceipt,
    /// Requests find parts that are newer than the head that the worker knows.
    DecideWithoutLooking,
    TakeOver(usize),
    Poll(usize),
    WriteOne(usize),
    Swap(usize),
    Lose(usize),
    Worker,
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn actions() -> impl proptest::strategy::Strategy<Value = Vec<Action>> {
    use proptest::prelude::*;
    let leader = 0_usize..3;
    proptest::collection::vec(
        prop_oneof![
            2 => (0_u32..4).prop_map(Action::PutApplication),
            1 => (0_u32..4).prop_map(Action::DisableApplication),
            6 => (0_u32..24, 0_u32..4).prop_map(|(number, application)| Action::PutCredential(number, application)),
            5 => (0_u32..24).prop_map(Action::RemoveCredential),
            3 => (0_u32..4, 0_u8..9).prop_map(|(number, key)| Action::PutIssuer(number, key)),
            2 => (0_u32..4).prop_map(Action::RemoveIssuer),
            1 => Just(Action::ForgetLog),
            1 => Just(Action::ReplaceDatabase),
            4 => Just(Action::Rekey),
            1 => Just(Action::RekeyWithoutReceipt),
            3 => leader.clone().prop_map(Action::TakeOver),
            9 => leader.clone().prop_map(Action::Poll),
            12 => leader.clone().prop_map(Action::WriteOne),
            6 => leader.clone().prop_map(Action::Swap),
            1 => leader.prop_map(Action::Lose),
            4 => Just(Action::Worker),
        ],
        0..160,
    )
}

/// A history without a reason to refuse a credential that is there: of one application and one database.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn rotations() -> impl proptest::strategy::Strategy<Value = Vec<Action>> {
    use proptest::prelude::*;
    let leader = 0_usize..3;
    proptest::collection::vec(
        prop_oneof![
            5 => (0_u32..12).prop_map(|number| Action::PutCredential(number, 1)),
            3 => (0_u32..12).prop_map(Action::RemoveCredential),
            1 => Just(Action::ForgetLog),
            24 => Just(Action::Rekey),
            1 => Just(Action::RekeyWithoutReceipt),
            6 => Just(Action::DecideWithoutLooking),
            2 => leader.clone().prop_map(Action::TakeOver),
            14 => leader.clone().prop_map(Action::Poll),
            10 => leader.clone().prop_map(Action::WriteOne),
            10 => leader.clone().prop_map(Action::Swap),
            1 => leader.prop_map(Action::Lose),
            5 => Just(Action::Worker),
        ],
        0..240,
    )
}

/// A page under way in one leader.
#[derive(Debug)]
struct Work {
    term: u64,
    cursor: String,
    plan: Option<Plan>,
    written: usize,
}

/// An Envoy process and its registry.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) registry: Registry,
    head: Head,
    parts: BTreeMap<Part, Vec<u8>>,
    leaders: Vec<(u64, Option<Work>)>,
    worker: Snapshot,
    /// Whom the worker has admitted since they are there.
    admitted: BTreeSet<u32>,
}

impl World {
    pub(crate) fn new(leaders: usize) -> Self {
        Self {
            registry: Registry::new(),
            head: Head::default(),
            parts: BTreeMap::new(),
            leaders: (0..leaders).map(|_| (0, None)).collect(),
            worker: Snapshot::new(&DigestKey::from_bytes([9; 32])),
            admitted: BTreeSet::new(),
        }
    }

    pub(crate) fn head(&self) -> Head {
        Head::decode(&self.head.encode()).expect("a head survives shared data")
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::PutApplication(index) => self.registry.put_application(index),
            Action::DisableApplication(index) => self.registry.disable_application(index),
            Action::PutCredential(number, application) => {
                self.registry.put_credential(number, application);
            }
            Action::RemoveCredential(number) => {
                self.registry.remove_credential(number);
                self.admitted.remove(&number);
            }
            Action::PutIssuer(number, key) => self.registry.put_issuer(number, key),
            Action::RemoveIssuer(number) => self.registry.remove_issuer(number),
            Action::ForgetLog => self.registry.forget_log(),
            Action::ReplaceDatabase => self.registry.replace_database(),
            Action::Rekey => self.rekey(),
            Action::RekeyWithoutReceipt => self.registry.rekey(),
            Action::DecideWithoutLooking => self.check_nobody_is_refused(),
            Action::TakeOver(leader) => self.take_over(leader),
            Action::Poll(leader) => self.poll(leader),
            Action::WriteOne(leader) => {
                self.write_one(leader);
            }
            Action::Swap(leader) => self.finish(leader),
            Action::Lose(leader) => self.leaders[leader].1 = None,
            Action::Worker => {
                self.worker();
            }
        }
    }

    /// The next step of a rotation of the key. What is under the old one goes once the worker has reported the new one.
    pub(crate) fn rekey(&mut self) {
        if let Some(Rekeying::Switched(at)) = self.registry.rekeying {
            let serving = self.head.serving.as_ref();
            let is_complete = self.head.loading.is_none()
                && serving.is_some_and(|load| load.generation == self.worker.generation());
            if !is_complete || self.worker.revision() < at {
                return;
            }
        }
        self.registry.rekey();
    }

    /// Copies parts as they are, whatever head the worker knows: none that it admitted and that is there is refused.
    pub(crate) fn check_nobody_is_refused(&mut self) {
        self.admitted
            .retain(|number| self.registry.since(*number).is_some());
        self.forget_copies();
        for number in self.admitted.clone() {
            let found = self.look_up_in_view(&secret(number));
            assert_ne!(found, Found::Absent, "{number}: {:?}", self.registry);
        }
    }

    /// Looks, and notes whom the worker admits from now on.
    pub(crate) fn note_admitted(&mut self) {
        self.worker();
        for number in 0..12 {
            let since = self.registry.since(number);
            if since.is_some_and(|since| since <= self.worker.revision()) {
                self.admitted.insert(number);
            }
        }
        self.check_nobody_is_refused();
    }

    pub(crate) fn take_over(&mut self, leader: usize) {
        self.head.term += 1;
        self.leaders[leader] = (self.head.term, self.leaders[leader].1.take());
    }

    pub(crate) fn poll(&mut self, leader: usize) {
        let (term, _) = self.leaders[leader];
        if term != self.head.term || term == 0 {
            return;
        }
        let cursor = self.head.cursor.clone();
        let page = self.registry.page(&cursor);
        let page =
            Page::decode(&page.encode().expect("encodes")).expect("a page survives the wire");
        if begins(&page) {
            self.head.claim();
        }
        let plan = plan(&self.head, page).ok();
        self.leaders[leader].1 = Some(Work {
            term,
            cursor,
            plan,
            written: 0,
        });
    }

    /// Writes the next part of the page under way; false when there is none.
    fn write_one(&mut self, leader: usize) -> bool {
        let Some(work) = &mut self.leaders[leader].1 else {
            return false;
        };
        let Some(update) = work
            .plan
            .as_ref()
            .and_then(|plan| plan.updates.get(work.written))
        else {
            return false;
        };
        work.written += 1;
        let existing = self.parts.get(&update.part).map(Vec::as_slice);
        if let Updated::Write(bytes) = update.apply(existing) {
            self.parts.insert(update.part, bytes);
        }
        true
    }

    /// Writes what is left of the page under way and swaps the head, unless another leader was faster.
    pub(crate) fn finish(&mut self, leader: usize) {
        while self.write_one(leader) {}
        let Some(work) = self.leaders[leader].1.take() else {
            return;
        };
        if work.term != self.head.term || work.cursor != self.head.cursor {
            return;
        }
        match work.plan {
            Some(plan) => self.head = plan.next,
            None => self.head.restart(),
        }
    }

    pub(crate) fn step(&mut self, leader: usize) {
        if self.leaders[leader].0 != self.head.term || self.head.term == 0 {
            self.take_over(leader);
        }
        self.poll(leader);
        self.finish(leader);
    }

    pub(crate) fn settle(&mut self) {
        self.settle_by(0);
    }

    /// One leader works until there is nothing new.
    pub(crate) fn settle_by(&mut self, leader: usize) {
        for _ in 0..1000 {
            self.step(leader);
            if !self.head.is_loading() && self.registry.is_reached_by(&self.head.cursor) {
                return;
            }
        }
        panic!("does not settle: {:?}", self.head);
    }

    /// The worker, after it has looked at the head and copied what changed.
    pub(crate) fn worker(&mut self) -> &Snapshot {
        let head = self.head();
        for part in self.worker.follow(&head) {
            self.worker.fill(part, self.parts.get(&part).cloned());
        }
        &self.worker
    }

    fn look_up(&mut self, secret: &str) -> Found<(String, bool)> {
        self.worker();
        self.look_up_in_view(secret)
    }

    fn look_up_in_view(&mut self, secret: &str) -> Found<(String, bool)> {
        let hash = SecretHash::of_value(secret.as_bytes());
        loop {
            let missing = match self.worker.find(&hash) {
                Found::NotLoaded(part) => part,
                Found::Absent => return Found::Absent,
                Found::Changing => return Found::Changing,
                Found::Present(credential) => match self.worker.application_of(&credential) {
                    Found::NotLoaded(part) => part,
                    Found::Absent => return Found::Absent,
                    Found::Changing => return Found::Changing,
                    Found::Present(application) => {
                        return Found::Present((
                            application.name().to_owned(),
                            application.enabled(),
                        ));
                    }
                },
            };
            self.worker.fill(missing, self.parts.get(&missing).cloned());
        }
    }

    /// The issuers as a worker knows them.
    pub(crate) fn issuers(&mut self) -> Issuers {
        self.worker();
        let mut issuers = Issuers::new();
        for number in 0..4 {
            loop {
                match self.worker.issuer(&issuer(number)) {
                    Found::NotLoaded(part) => {
                        self.worker.fill(part, self.parts.get(&part).cloned());
                    }
                    Found::Present(known) => {
                        issuers.insert(known.issuer.name.clone(), known.issuer.clone());
                        break;
                    }
                    Found::Absent => break,
                    Found::Changing => panic!("the issuers of what serves are always known"),
                }
            }
        }
        issuers
    }

    pub(crate) fn admits(&mut self, secret: &str) -> bool {
        matches!(self.look_up(secret), Found::Present((_, true)))
    }

    /// What a worker answers that copies parts as they are but has not looked at the head again.
    pub(crate) fn admits_without_looking(&mut self, secret: &str) -> Found<(String, bool)> {
        self.look_up_in_view(secret)
    }

    /// Lets the worker copy everything anew when it is asked next.
    pub(crate) fn forget_copies(&mut self) {
        for part in self.parts.keys() {
            self.worker.forget(*part);
        }
    }

    /// Compares every credential that ever was with the registry.
    pub(crate) fn check_everything(&mut self) {
        for (secret, expected) in self.registry.everything() {
            let found = self.look_up(&secret);
            assert_eq!(
                found,
                expected.map_or(Found::Absent, Found::Present),
                "{secret}"
            );
        }
        assert_eq!(&self.issuers(), &self.registry.issuers().clone());
    }

    /// What was deleted at or before the revision that the worker reflects is not admitted.
    pub(crate) fn check_no_resurrection(&mut self) {
        let head = self.head();
        let epoch = head.serving.as_ref().map(|load| load.epoch);
        if head.is_loading() || !epoch.is_some_and(|epoch| self.registry.is_current_epoch(&epoch)) {
            return;
        }
        // A part may be newer than the head, and never older.
        let issuers = self.issuers();
        assert!(
            self.registry.had_issuers(&issuers, head.revision),
            "{issuers:?} at {}",
            head.revision
        );
        for (secret, at) in self.registry.deleted() {
            if at <= head.revision {
                assert!(
                    !self.admits(&secret),
                    "{secret} was deleted at {at}, served at {}",
                    head.revision
                );
            }
        }
    }
}
