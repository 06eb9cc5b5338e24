//! A gateway as Envoy runs it: a VM on the main thread, one for each worker, and a registry that answers them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use filter_core::feed::{Body, Records};

use crate::{
    entry::Entry,
    pairs::Pair,
    process::{Call, Process, Queue},
    registry::Registry,
    vm::{Compiled, Shared, Stream, Vm},
};

/// The rules that most tests use.
pub const KEY_AUTH: &str = r#"[{"key_auth": {"hide_credentials": true}}]"#;

/// How far the clock moves at once, in milliseconds.
const STEP_MS: u64 = 10;

/// The main thread's VM, which serves no request.
pub const MAIN: usize = 0;

/// All of it.
pub struct Gateway {
    /// What the VMs share.
    pub process: Shared,
    /// The VMs: the main thread's, then the workers'.
    pub vms: Vec<Vm>,
    /// Who answers.
    pub registry: Registry,
    /// Whether it does: otherwise calls stay without an answer, and without a timeout too.
    pub is_answering: bool,
    /// VMs whose threads are held up: they get neither timers nor messages nor answers.
    pub stalled: BTreeSet<usize>,
    /// With which status it answers reports.
    pub report_status: u16,
    /// What it answers to questions, by their paths: status and body. Others stay without an answer.
    pub answers: BTreeMap<&'static str, (u16, Vec<u8>)>,
    /// The questions that were answered.
    pub questions: Vec<Call>,
    /// The reports that were answered.
    pub reports: Vec<Call>,
    /// The records of the pages that were answered: the most in one.
    pub longest_page: usize,
    compiled: Compiled,
    configuration: String,
    roots: Vec<u32>,
    ticked: BTreeMap<(usize, u32), u64>,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it cost: one for each entry into the VM.
    pub entries: Vec<Entry>,
    /// Whether it goes on at once.
    pub passes: bool,
    /// The request as the module left it.
    pub stream: Stream,
    /// Its context.
    pub context: u32,
}

impl Outcome {
    /// The entry that decided.
    pub fn decision(&self) -> &Entry {
        self.entries.last().expect("the entry for its headers")
    }

    /// The one answer that it got from the module; panics when there is none, or another.
    pub fn reply(&self) -> (u32, &str) {
        match self.stream.replies.as_slice() {
            [reply] if !self.passes => (reply.status, &reply.details),
            other => panic!("not one reply: {other:?}"),
        }
    }
}

impl Gateway {
    /// Starts a gateway under `rules`, which has done nothing yet.
    pub fn start(registry: Registry, workers: usize, rules: &str) -> Self {
        let process: Shared = Rc::new(RefCell::new(Process::default()));
        // Zero is what a clock shows that nobody asked.
        process.borrow_mut().now_ms = 10_000;
        let compiled = Compiled::built();
        let mut gateway = Self {
            vms: (0..=workers)
                .map(|number| Vm::start(&compiled, &process, number))
                .collect(),
            process,
            registry,
            is_answering: true,
            report_status: 204,
            stalled: BTreeSet::new(),
            answers: BTreeMap::new(),
            questions: Vec::new(),
            reports: Vec::new(),
            longest_page: 0,
            compiled,
            configuration: String::new(),
            roots: Vec::new(),
            ticked: BTreeMap::new(),
        };
        gateway.configure(rules);
        gateway
    }

    /// Gives every VM a further root with these rules, for which requests come from now on.
    pub fn configure(&mut self, rules: &str) {
        self.configuration = format!(
            r#"{{"registry": {{"cluster": "registry", "token": "injected"}}, "rules": {rules}}}"#
        );
        let json = &self.configuration;
        let roots = self.vms.iter_mut().map(|vm| vm.configure(json));
        self.roots = roots.map(|root| root.expect("good rules")).collect();
    }

    /// Traps a VM: it starts anew with nothing, under the last configuration, and its calls are gone.
    pub fn trap(&mut self, vm: usize) {
        self.vms[vm] = Vm::start(&self.compiled, &self.process, vm);
        let root = self.vms[vm].configure(&self.configuration);
        self.roots[vm] = root.expect("good rules");
        let mut process = self.process.borrow_mut();
        process.calls.retain(|_, call| call.caller.0 != vm);
    }

    /// Starts one and lets it load all there is.
    pub fn ready(registry: Registry, workers: usize, rules: &str) -> Self {
        let mut gateway = Self::start(registry, workers, rules);
        gateway.advance(2000);
        gateway.take_entries();
        gateway
    }

    /// The root of a VM that was configured last.
    pub fn root(&self, vm: usize) -> u32 {
        self.roots[vm]
    }

    /// Moves the clock: timers, messages and answers come as they are due.
    pub fn advance(&mut self, milliseconds: u64) {
        let end = self.process.borrow().now_ms + milliseconds;
        loop {
            self.settle();
            let now = self.process.borrow().now_ms;
            if now >= end {
                return;
            }
            self.process.borrow_mut().now_ms = end.min(now + STEP_MS);
            self.tick();
        }
    }

    /// Calls the timers that are due.
    fn tick(&mut self) {
        let now = self.process.borrow().now_ms;
        for number in (0..self.vms.len()).filter(|number| !self.stalled.contains(number)) {
            for (root, period) in self.vms[number].periods() {
                let last = self.ticked.entry((number, root)).or_insert(now);
                if *last + u64::from(period) <= now {
                    *last = now;
                    self.vms[number].tick(root);
                }
            }
        }
    }

    /// Delivers messages and answers until there are none.
    pub fn settle(&mut self) {
        while self.deliver() || self.answer() {}
    }

    fn deliver(&mut self) -> bool {
        let mut process = self.process.borrow_mut();
        let is_due = |queue: &Queue| queue.untold > 0 && !self.stalled.contains(&queue.reader.0);
        let Some(at) = process.queues.iter().position(is_due) else {
            return false;
        };
        let queue = &mut process.queues[at];
        queue.untold -= 1;
        let (vm, root) = queue.reader;
        drop(process);
        let number = u32::try_from(at + 1).expect("few queues");
        self.vms[vm].queue_ready(root, number);
        true
    }

    fn answer(&mut self) -> bool {
        let calls = self.process.borrow().calls.clone();
        let answers = calls
            .into_iter()
            .find_map(|(number, call)| Some((number, self.answer_to(&call)?, call)));
        let Some((number, (status, body), call)) = answers else {
            return false;
        };
        self.process.borrow_mut().calls.remove(&number);
        let (vm, root) = call.caller;
        self.vms[vm].answer(root, number, status, body);
        true
    }

    /// Status and body, once there are any.
    fn answer_to(&mut self, call: &Call) -> Option<(u16, Vec<u8>)> {
        if !self.is_answering || self.stalled.contains(&call.caller.0) {
            return None;
        }
        if call.path() == "/v1/gateway/report" {
            self.reports.push(call.clone());
            return Some((self.report_status, Vec::new()));
        }
        if let Some(answer) = self.answers.get(call.path()) {
            self.questions.push(call.clone());
            return Some(answer.clone());
        }
        if !call.path().starts_with("/v1/feed?") {
            return None;
        }
        let page = self.registry.page(call.parameter("after"));
        let wait_ms = call.parameter("wait").parse::<u64>().expect("seconds") * 1000;
        let is_over = call.at_ms + wait_ms <= self.process.borrow().now_ms;
        let records = records_of(&page.body);
        let is_news = records > 0 || matches!(page.body, Body::Snapshot(_) | Body::Key(_));
        if !is_news && !is_over {
            return None;
        }
        self.longest_page = self.longest_page.max(records);
        Some((200, page.encode().expect("memory")))
    }

    /// Removes a root as Envoy does with its listener: its timer stops, and its calls are dropped without a word.
    pub fn remove_root(&mut self, vm: usize, root: u32) {
        self.vms[vm].remove_root(root);
        let mut process = self.process.borrow_mut();
        process.calls.retain(|_, call| call.caller != (vm, root));
    }

    /// A request at a worker.
    pub fn request(&mut self, vm: usize, headers: Vec<Pair>) -> Outcome {
        self.send(
            vm,
            Stream {
                headers,
                ..Stream::default()
            },
        )
    }

    /// The same, as the test made it.
    pub fn send(&mut self, vm: usize, stream: Stream) -> Outcome {
        self.vms[vm].take_entries();
        let (context, passes) = self.vms[vm].request(self.roots[vm], stream);
        Outcome {
            entries: self.vms[vm].take_entries(),
            passes,
            stream: self.vms[vm].stream(context).clone(),
            context,
        }
    }

    /// Takes what every VM noted, VM by VM.
    pub fn take_entries(&mut self) -> Vec<Vec<Entry>> {
        self.vms.iter_mut().map(Vm::take_entries).collect()
    }
}

fn records_of(body: &Body) -> usize {
    match body {
        Body::Changes(changes) => changes.changes.len(),
        Body::Key(_) => 0,
        Body::Snapshot(snapshot) => match &snapshot.records {
            Records::Applications(records) => records.len(),
            Records::Credentials(records) => records.len(),
            Records::Issuers(records) => records.len(),
        },
    }
}
