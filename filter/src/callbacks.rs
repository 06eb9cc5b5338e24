//! From the ABI's callbacks to this VM's state. A VM runs on one thread, and no callback runs within another.

use std::cell::{Cell, RefCell};

use crate::{
    abi::{self, Level},
    pairs,
    vm::Vm,
};

/// What becomes of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It goes on to the next filter.
    Continue,
    /// It waits, or was answered here.
    Stop,
}

thread_local! {
    static VM: RefCell<Vm> = RefCell::new(Vm::default());
    /// The stream that was announced last and the root it belongs to. Envoy announces a stream right before its headers.
    static STREAM: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

fn with_vm<T>(run: impl FnOnce(&mut Vm) -> T) -> Option<T> {
    VM.with(|vm| {
        let Ok(mut vm) = vm.try_borrow_mut() else {
            abi::log(Level::Error, "keysmith: a callback within a callback");
            return None;
        };
        Some(run(&mut vm))
    })
}

pub(crate) fn context_created(context: u32, parent: u32) {
    if parent != 0 {
        STREAM.set((context, parent));
    }
}

pub(crate) fn configured(root: u32, length: usize) -> bool {
    let result = with_vm(|vm| vm.configure(root, length));
    if let Some(Err(error)) = &result {
        abi::log(Level::Error, &format!("keysmith: configuration: {error}"));
    }
    matches!(result, Some(Ok(())))
}

pub(crate) fn request_headers(context: u32) -> Flow {
    let (stream, root) = STREAM.get();
    let root = (stream == context).then_some(root);
    with_vm(|vm| vm.request_headers(context, root)).unwrap_or_else(refuse_unknown)
}

pub(crate) fn tick(root: u32) {
    with_vm(|vm| vm.tick(root));
}

pub(crate) fn queue_ready(root: u32, queue: u32) {
    with_vm(|vm| vm.queue_ready(root, queue));
}

pub(crate) fn call_answered(root: u32, call: u32, body_length: usize) {
    with_vm(|vm| vm.call_answered(root, call, body_length));
}

/// For a request of which it is not certain whose rules it is under.
pub(crate) fn refuse_unknown() -> Flow {
    // Should even the reply fail, the request stays where it is, and does not pass.
    let _ = abi::send_local_response(
        503,
        "keysmith_unknown_stream",
        b"",
        &pairs::serialize(&[]),
        -1,
    );
    Flow::Stop
}
