//! One VM: the module, and what the host keeps for it.

use std::{cell::RefCell, collections::BTreeMap, env, mem, path::PathBuf, rc::Rc};

use wasmi::{Config, Engine, Instance, Module, Store, WasmParams, WasmResults};

use crate::{entry::Entry, imports, pairs::Pair, process::Process};

/// A process that several VMs share.
pub type Shared = Rc<RefCell<Process>>;

/// More than any callback may take.
const FUEL: u64 = u64::MAX / 2;

/// The module, compiled once for all VMs.
pub struct Compiled {
    engine: Engine,
    module: Module,
}

impl Compiled {
    /// The module that `make wasm` has built.
    pub fn built() -> Self {
        let path = env::var_os("E2E_FILTER").map_or_else(beside_this_binary, PathBuf::from);
        let bytes = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}: `make wasm` makes it", path.display()));
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, &bytes).expect("a valid module");
        Self { engine, module }
    }
}

/// Tests run from `target/debug/deps`.
fn beside_this_binary() -> PathBuf {
    let this = env::current_exe().expect("the path of this binary");
    let target = this.ancestors().nth(3).expect("a build folder");
    target.join("wasm32-unknown-unknown/wasm/filter.wasm")
}

/// What the host keeps for a VM.
pub(crate) struct State {
    pub(crate) process: Shared,
    pub(crate) number: usize,
    pub(crate) entry: Entry,
    pub(crate) root: u32,
    /// The context that calls speak of.
    pub(crate) effective: u32,
    pub(crate) streams: BTreeMap<u32, Stream>,
    pub(crate) configuration: Vec<u8>,
    /// Status and body of the answer whose callback is running; status 0 when there was none.
    pub(crate) response: Option<(u16, Vec<u8>)>,
    pub(crate) periods: BTreeMap<u32, u32>,
    pub(crate) log: Vec<String>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Its headers, as edited.
    pub headers: Vec<Pair>,
    /// What the module gets instead of well-formed pairs.
    pub unreadable: Option<Vec<u8>>,
    /// How it was answered by the module.
    pub replies: Vec<Reply>,
    /// Whether it went on after it had been paused.
    pub is_continued: bool,
}

/// A local reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u32,
    /// For the access log.
    pub details: String,
    /// Headers beyond the status.
    pub headers: Vec<Pair>,
    /// The body.
    pub body: Vec<u8>,
}

/// A running module.
pub struct Vm {
    store: Store<State>,
    instance: Instance,
    entries: Vec<Entry>,
    next_context: u32,
}

impl Vm {
    /// Starts a VM with this number.
    pub fn start(compiled: &Compiled, process: &Shared, number: usize) -> Self {
        let state = State {
            process: process.clone(),
            number,
            entry: Entry::default(),
            root: 0,
            effective: 0,
            streams: BTreeMap::new(),
            configuration: Vec::new(),
            response: None,
            periods: BTreeMap::new(),
            log: Vec::new(),
        };
        let mut store = Store::new(&compiled.engine, state);
        store.set_fuel(FUEL).expect("fuel is counted");
        let instance = imports::linker(&compiled.engine)
            .instantiate_and_start(&mut store, &compiled.module)
            .expect("every import is known");
        Self {
            store,
            instance,
            entries: Vec::new(),
            next_context: 1,
        }
    }

    fn enter<P: WasmParams, R: WasmResults>(
        &mut self,
        callback: &'static str,
        (root, context): (u32, u32),
        parameters: P,
    ) -> R {
        let state = self.store.data_mut();
        state.entry = Entry::of(callback);
        (state.root, state.effective) = (root, context);
        self.store.set_fuel(FUEL).expect("fuel is counted");
        let function = self
            .instance
            .get_typed_func::<P, R>(&self.store, callback)
            .unwrap_or_else(|error| panic!("{callback}: {error}"));
        let result = function.call(&mut self.store, parameters);
        let left = self.store.get_fuel().expect("fuel is counted");
        let mut entry = mem::take(&mut self.store.data_mut().entry);
        entry.instructions = FUEL - left;
        self.entries.push(entry);
        result.unwrap_or_else(|error| panic!("{callback} trapped: {error}"))
    }

    /// A new root context with this configuration; `None` when the module refuses it.
    pub fn configure(&mut self, configuration: &str) -> Option<u32> {
        let root = self.new_context();
        self.enter::<_, ()>("proxy_on_context_create", (root, root), (root, 0_u32));
        self.store.data_mut().configuration = configuration.as_bytes().to_vec();
        let length = u32::try_from(configuration.len()).expect("short");
        let is_taken: u32 = self.enter("proxy_on_configure", (root, root), (root, length));
        self.store.data_mut().configuration.clear();
        (is_taken == 1).then_some(root)
    }

    fn new_context(&mut self) -> u32 {
        self.next_context += 1;
        self.next_context
    }

    /// A root's timer. Periods are in [`Self::periods`].
    pub fn tick(&mut self, root: u32) {
        self.enter::<_, ()>("proxy_on_tick", (root, root), root);
    }

    /// Tells a root of a message.
    pub fn queue_ready(&mut self, root: u32, queue: u32) {
        self.enter::<_, ()>("proxy_on_queue_ready", (root, root), (root, queue));
    }

    /// Answers a call; status 0 stands for no answer at all.
    pub fn answer(&mut self, root: u32, call: u32, status: u16, body: Vec<u8>) {
        let length = u32::try_from(body.len()).expect("short");
        let headers = u32::from(status != 0);
        self.store.data_mut().response = Some((status, body));
        self.enter::<_, ()>(
            "proxy_on_http_call_response",
            (root, root),
            (root, call, headers, length, 0_u32),
        );
        self.store.data_mut().response = None;
    }

    /// A request under a root's rules, from its announcement to the module's verdict. Returns its context and whether it
    /// goes on.
    pub fn request(&mut self, root: u32, stream: Stream) -> (u32, bool) {
        let context = self.new_context();
        let count = u32::try_from(stream.headers.len()).expect("few");
        self.store.data_mut().streams.insert(context, stream);
        self.enter::<_, ()>("proxy_on_context_create", (root, context), (context, root));
        let action: u32 = self.enter(
            "proxy_on_request_headers",
            (root, context),
            (context, count, 1_u32),
        );
        (context, action == 0)
    }

    /// A request as the module has left it.
    pub fn stream(&self, context: u32) -> &Stream {
        &self.store.data().streams[&context]
    }

    /// Lets a request go, as when its client leaves.
    pub fn end_stream(&mut self, context: u32) -> Option<Stream> {
        self.store.data_mut().streams.remove(&context)
    }

    /// Stops a root's timer for good, as when its listener goes. Its calls are the process's to drop.
    pub fn remove_root(&mut self, root: u32) {
        self.store.data_mut().periods.remove(&root);
    }

    /// The roots that tick, each with its period in milliseconds.
    pub fn periods(&self) -> BTreeMap<u32, u32> {
        self.store.data().periods.clone()
    }

    /// What has been written to the log.
    pub fn log(&self) -> &[String] {
        &self.store.data().log
    }

    /// Takes what was noted since the last time.
    pub fn take_entries(&mut self) -> Vec<Entry> {
        mem::take(&mut self.entries)
    }

    /// Bytes of the module's memory, which never shrinks.
    pub fn memory_bytes(&self) -> usize {
        let memory = self.instance.get_memory(&self.store, "memory");
        memory.expect("a memory").data_size(&self.store)
    }
}
