//! From the ABI's callbacks to the table.

use std::cell::{Cell, RefCell};

use filter_core::request::pairs::Pairs;

use crate::{
    abi::{self, Buffer, Failure},
    table::Table,
};

/// What becomes of the request.
pub(crate) enum Flow {
    /// It goes on to the next filter.
    Continue,
    /// It was answered here.
    Stop,
}

thread_local! {
    static TABLE: RefCell<Option<Table>> = const { RefCell::new(None) };
    /// The stream that was announced last and the root it belongs to.
    static STREAM: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

/// What identifies the caller upstream: as long as what Keysmith sends.
const USERNAME: &[u8] = b"application-0";
const IDENTIFIER: &[u8] = b"cred_00000000000000000000000000";

pub(crate) fn context_created(context: u32, parent: u32) {
    if parent != 0 {
        STREAM.set((context, parent));
    }
}

pub(crate) fn configured(_root: u32, length: usize) -> bool {
    let Ok(keys) = abi::buffer(Buffer::PluginConfiguration, length) else {
        return false;
    };
    TABLE.with_borrow_mut(|table| *table = Some(Table::of_keys(&keys)));
    true
}

pub(crate) fn request_headers(context: u32) -> Flow {
    let (stream, _root) = STREAM.get();
    let Ok(headers) = abi::request_headers() else {
        return refuse();
    };
    let known = stream == context && is_known(&headers);
    abi::reuse(headers);
    if known && identify().is_ok() {
        Flow::Continue
    } else {
        refuse()
    }
}

fn is_known(headers: &[u8]) -> bool {
    let Ok(pairs) = Pairs::parse(headers) else {
        return false;
    };
    let key = pairs
        .into_iter()
        .find_map(|(name, value)| (name == b"apikey").then_some(value));
    TABLE
        .with_borrow(|table| Some(table.as_ref()?.find(key?)).flatten())
        .is_some()
}

fn identify() -> Result<(), Failure> {
    abi::remove_request_header(b"apikey")?;
    abi::replace_request_header(b"x-consumer-username", USERNAME)?;
    abi::replace_request_header(b"x-credential-identifier", IDENTIFIER)
}

fn refuse() -> Flow {
    let no_headers = [0_u8; 4];
    let _ = abi::send_local_response(401, "probe_refused", b"", &no_headers, -1);
    Flow::Stop
}

pub(crate) fn tick(_root: u32) {}

pub(crate) fn queue_ready(_root: u32, _queue: u32) {}

pub(crate) fn call_answered(_root: u32, _call: u32, _body_length: usize) {}
