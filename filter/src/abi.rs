//! The Proxy-Wasm ABI 0.2.1 and the few WASI functions that are used: the only file with unsafe code.
//!
//! The `proxy-wasm` crate is not used: it exports every callback, so that Envoy enters the VM six or more times for each
//! request instead of twice, it allocates two strings for each header, and its wrappers panic on bytes that are not
//! UTF-8 and on statuses they do not expect. Here every call returns its status, and nothing panics.
#![expect(
    unsafe_code,
    reason = "the host is reached through raw pointers only; each block says why it is sound"
)]

use std::cell::RefCell;

use crate::callbacks;

/// What the host answered to a call, other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such thing.
    NotFound,
    /// Another VM was faster.
    CasMismatch,
    /// The queue is empty.
    Empty,
    /// The host says that it returned data, and it is not where it was told to put it.
    Lost,
    /// Anything else, as the host's number.
    Status(u32),
}

const OK: u32 = 0;

fn checked(status: u32) -> Result<(), Failure> {
    match status {
        OK => Ok(()),
        1 => Err(Failure::NotFound),
        7 => Err(Failure::Empty),
        8 => Err(Failure::CasMismatch),
        other => Err(Failure::Status(other)),
    }
}

mod host {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(super) fn proxy_log(level: u32, text: *const u8, length: usize) -> u32;
        pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            longest: usize,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_get_header_map_pairs(
            map: u32,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_get_header_map_value(
            map: u32,
            name: *const u8,
            name_length: usize,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_replace_header_map_value(
            map: u32,
            name: *const u8,
            name_length: usize,
            value: *const u8,
            value_length: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(
            map: u32,
            name: *const u8,
            name_length: usize,
        ) -> u32;
        pub(super) fn proxy_get_property(
            path: *const u8,
            path_length: usize,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_call_foreign_function(
            name: *const u8,
            name_length: usize,
            arguments: *const u8,
            arguments_length: usize,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_get_shared_data(
            name: *const u8,
            name_length: usize,
            data: *mut *mut u8,
            length: *mut usize,
            cas: *mut u32,
        ) -> u32;
        pub(super) fn proxy_set_shared_data(
            name: *const u8,
            name_length: usize,
            value: *const u8,
            value_length: usize,
            cas: u32,
        ) -> u32;
        pub(super) fn proxy_register_shared_queue(
            name: *const u8,
            name_length: usize,
            queue: *mut u32,
        ) -> u32;
        pub(super) fn proxy_dequeue_shared_queue(
            queue: u32,
            data: *mut *mut u8,
            length: *mut usize,
        ) -> u32;
        pub(super) fn proxy_enqueue_shared_queue(
            queue: u32,
            value: *const u8,
            value_length: usize,
        ) -> u32;
        pub(super) fn proxy_http_call(
            cluster: *const u8,
            cluster_length: usize,
            headers: *const u8,
            headers_length: usize,
            body: *const u8,
            body_length: usize,
            trailers: *const u8,
            trailers_length: usize,
            timeout_ms: u32,
            call: *mut u32,
        ) -> u32;
        pub(super) fn proxy_define_metric(
            kind: u32,
            name: *const u8,
            name_length: usize,
            metric: *mut u32,
        ) -> u32;
        pub(super) fn proxy_increment_metric(metric: u32, offset: i64) -> u32;
        pub(super) fn proxy_record_metric(metric: u32, value: u64) -> u32;
        pub(super) fn proxy_set_effective_context(context: u32) -> u32;
        pub(super) fn proxy_continue_stream(stream_type: u32) -> u32;
        pub(super) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_length: usize,
            body: *const u8,
            body_length: usize,
            headers: *const u8,
            headers_length: usize,
            grpc_status: i32,
        ) -> u32;
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(super) fn environ_sizes_get(count: *mut usize, bytes: *mut usize) -> u32;
        pub(super) fn environ_get(entries: *mut *mut u8, buffer: *mut u8) -> u32;
        pub(super) fn random_get(buffer: *mut u8, length: usize) -> u32;
        pub(super) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    }
}

thread_local! {
    /// Where the host puts what it returns. It asks for memory in the middle of a call, and the call's wrapper takes
    /// the buffer before anything else can happen.
    static LANDING: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Gives the host room for what it is about to return.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    LANDING.with(|landing| {
        let Ok(mut landing) = landing.try_borrow_mut() else {
            return core::ptr::null_mut();
        };
        landing.clear();
        if landing.try_reserve_exact(size).is_err() {
            return core::ptr::null_mut();
        }
        landing.as_mut_ptr()
    })
}

/// Takes what the host has written at `data`, which must be where it was told to.
fn landed(data: *const u8, length: usize) -> Result<Vec<u8>, Failure> {
    if length == 0 {
        return Ok(Vec::new());
    }
    LANDING.with(|landing| {
        let mut landing = landing.try_borrow_mut().map_err(|_| Failure::Lost)?;
        if data != landing.as_ptr() || length > landing.capacity() {
            return Err(Failure::Lost);
        }
        let mut bytes = std::mem::take(&mut *landing);
        // SAFETY: the host has just written `length` bytes into this buffer, whose capacity is at least that.
        unsafe { bytes.set_len(length) };
        Ok(bytes)
    })
}

/// Gives a buffer back, so that the next answer of the host needs no allocation.
pub(crate) fn reuse(buffer: Vec<u8>) {
    LANDING.with(|landing| {
        if let Ok(mut landing) = landing.try_borrow_mut()
            && landing.capacity() < buffer.capacity()
        {
            *landing = buffer;
        }
    });
}

/// Runs a call whose result is kept for long: into a buffer of its own size, not the one that is reused.
fn apart<T>(call: impl FnOnce() -> T) -> T {
    let reused = LANDING.with(|landing| {
        landing
            .try_borrow_mut()
            .map(|mut own| std::mem::take(&mut *own))
    });
    let result = call();
    if let Ok(buffer) = reused {
        reuse(buffer);
    }
    result
}

/// Runs a call that returns data.
fn returning(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Failure> {
    let mut data = core::ptr::null_mut();
    let mut length = 0_usize;
    checked(call(&raw mut data, &raw mut length))?;
    landed(data, length)
}

/// Levels of Envoy's log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Something an operator may want to know.
    Info = 2,
    /// Something that heals by itself.
    Warn = 3,
    /// Something an operator must mend.
    Error = 4,
}

/// Writes a line to Envoy's log.
pub(crate) fn log(level: Level, text: &str) {
    // SAFETY: the pointer and length are those of a live string, and the host only reads it. Its status does not matter.
    let _ = unsafe { host::proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// Wall-clock time in milliseconds since 1970; 0 when the host does not tell.
pub(crate) fn wall_clock_ms() -> u64 {
    let mut nanoseconds = 0;
    // SAFETY: the host writes one u64 to a live local.
    let status = unsafe { host::proxy_get_current_time_nanoseconds(&raw mut nanoseconds) };
    if status == OK {
        nanoseconds / 1_000_000
    } else {
        0
    }
}

/// Milliseconds on a clock that never goes back and that all VMs of the process share.
pub(crate) fn monotonic_ms() -> u64 {
    const MONOTONIC: u32 = 1;
    let mut nanoseconds = 0;
    // SAFETY: the host writes one u64 to a live local.
    let _ = unsafe { host::clock_time_get(MONOTONIC, 0, &raw mut nanoseconds) };
    nanoseconds / 1_000_000
}

/// Random bytes from the host; `None` when it has none, and then nothing may be built on them.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0_u8; N];
    // SAFETY: the host writes `N` bytes to a live local of that size.
    let status = unsafe { host::random_get(bytes.as_mut_ptr(), N) };
    (status == OK).then_some(bytes)
}

/// The VM's environment as `name=value` entries, NUL-terminated one after another.
pub(crate) fn environment() -> Vec<u8> {
    let (mut count, mut size) = (0_usize, 0_usize);
    // SAFETY: the host writes two sizes to live locals.
    let status = unsafe { host::environ_sizes_get(&raw mut count, &raw mut size) };
    if status != OK || count > 1024 || size > 1 << 20 {
        return Vec::new();
    }
    let mut entries = vec![core::ptr::null_mut(); count];
    let mut buffer = vec![0_u8; size];
    // SAFETY: both buffers have the sizes that the host has just asked for.
    let status = unsafe { host::environ_get(entries.as_mut_ptr(), buffer.as_mut_ptr()) };
    if status == OK { buffer } else { Vec::new() }
}

/// Sets how often this root context ticks, in milliseconds.
pub(crate) fn set_tick_period(milliseconds: u32) {
    // SAFETY: no pointers. A failure leaves the period as it is.
    let _ = unsafe { host::proxy_set_tick_period_milliseconds(milliseconds) };
}

/// The buffers that are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Buffer {
    /// The body of the answer to an HTTP call.
    CallResponse = 4,
    /// The plugin's configuration.
    PluginConfiguration = 7,
}

/// A whole buffer.
pub(crate) fn buffer(buffer: Buffer, length: usize) -> Result<Vec<u8>, Failure> {
    apart(|| {
        returning(|data, size| {
            // SAFETY: `data` and `size` point to live locals; the host writes into the landing buffer.
            unsafe { host::proxy_get_buffer_bytes(buffer as u32, 0, length, data, size) }
        })
    })
}

const REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;

/// All request headers, serialized. Give the buffer back with [`reuse`].
pub(crate) fn request_headers() -> Result<Vec<u8>, Failure> {
    returning(|data, size| {
        // SAFETY: `data` and `size` point to live locals; the host writes into the landing buffer.
        unsafe { host::proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) }
    })
}

/// Sets a request header to exactly one value.
pub(crate) fn replace_request_header(name: &[u8], value: &[u8]) -> Result<(), Failure> {
    // SAFETY: pointers and lengths are those of live slices, which the host only reads.
    checked(unsafe {
        host::proxy_replace_header_map_value(
            REQUEST_HEADERS,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    })
}

/// Removes every value of a request header.
pub(crate) fn remove_request_header(name: &[u8]) -> Result<(), Failure> {
    // SAFETY: pointer and length are those of a live slice, which the host only reads.
    checked(unsafe {
        host::proxy_remove_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len())
    })
}

/// A header of the answer to an HTTP call.
pub(crate) fn call_response_header(name: &[u8]) -> Result<Vec<u8>, Failure> {
    returning(|data, size| {
        // SAFETY: `data` and `size` point to live locals, `name` is live; the host writes into the landing buffer.
        unsafe {
            host::proxy_get_header_map_value(
                CALL_RESPONSE_HEADERS,
                name.as_ptr(),
                name.len(),
                data,
                size,
            )
        }
    })
}

/// A property, by its path's segments joined with NUL.
pub(crate) fn property(path: &[u8]) -> Result<Vec<u8>, Failure> {
    returning(|data, size| {
        // SAFETY: `data` and `size` point to live locals, `path` is live; the host writes into the landing buffer.
        unsafe { host::proxy_get_property(path.as_ptr(), path.len(), data, size) }
    })
}

/// The result of one of the functions that Envoy offers beyond the ABI.
pub(crate) fn call_foreign_function(name: &[u8], arguments: &[u8]) -> Result<Vec<u8>, Failure> {
    returning(|data, size| {
        // SAFETY: `data` and `size` point to live locals, `name` and `arguments` are live; the host writes into the landing
        // buffer.
        unsafe {
            host::proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                arguments.as_ptr(),
                arguments.len(),
                data,
                size,
            )
        }
    })
}

/// A value in shared data and its number for compare-and-swap.
pub(crate) fn shared_data(name: &[u8]) -> Result<(Vec<u8>, u32), Failure> {
    let mut cas = 0;
    let bytes = apart(|| {
        returning(|data, size| {
            // SAFETY: all out-pointers are to live locals, `name` is live; the host writes into the landing buffer.
            unsafe {
                host::proxy_get_shared_data(name.as_ptr(), name.len(), data, size, &raw mut cas)
            }
        })
    })?;
    Ok((bytes, cas))
}

/// Sets a value in shared data if its number is still `cas`; 0 sets it in any case.
pub(crate) fn set_shared_data(name: &[u8], value: &[u8], cas: u32) -> Result<(), Failure> {
    // SAFETY: pointers and lengths are those of live slices, which the host only reads.
    checked(unsafe {
        host::proxy_set_shared_data(name.as_ptr(), name.len(), value.as_ptr(), value.len(), cas)
    })
}

/// Makes this VM the reader of a queue.
pub(crate) fn register_queue(name: &[u8]) -> Result<u32, Failure> {
    let mut queue = 0;
    // SAFETY: `name` is live, and the host writes one u32 to a live local.
    checked(unsafe {
        host::proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut queue)
    })?;
    Ok(queue)
}

/// Takes the next message of a queue.
pub(crate) fn dequeue(queue: u32) -> Result<Vec<u8>, Failure> {
    returning(|data, size| {
        // SAFETY: `data` and `size` point to live locals; the host writes into the landing buffer.
        unsafe { host::proxy_dequeue_shared_queue(queue, data, size) }
    })
}

/// Wakes the VM that reads a queue.
pub(crate) fn enqueue(queue: u32, message: &[u8]) -> Result<(), Failure> {
    // SAFETY: pointer and length are those of a live slice, which the host only reads.
    checked(unsafe { host::proxy_enqueue_shared_queue(queue, message.as_ptr(), message.len()) })
}

/// Starts an HTTP call. `headers` are serialized pairs. The answer comes to the current root context.
pub(crate) fn http_call(
    cluster: &str,
    headers: &[u8],
    body: &[u8],
    timeout_ms: u32,
) -> Result<u32, Failure> {
    let mut call = 0;
    let no_trailers = [0_u8; 4];
    // SAFETY: pointers and lengths are those of live slices, and the host writes one u32 to a live local.
    checked(unsafe {
        host::proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            no_trailers.as_ptr(),
            no_trailers.len(),
            timeout_ms,
            &raw mut call,
        )
    })?;
    Ok(call)
}

/// The kinds of metrics that are used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MetricKind {
    /// Only rises.
    Counter = 0,
    /// Is set.
    Gauge = 1,
}

/// Defines a metric, or finds it when it is defined already.
pub(crate) fn define_metric(kind: MetricKind, name: &str) -> Result<u32, Failure> {
    let mut metric = 0;
    // SAFETY: `name` is live, and the host writes one u32 to a live local.
    checked(unsafe {
        host::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut metric)
    })?;
    Ok(metric)
}

/// Adds to a counter.
pub(crate) fn increment_metric(metric: u32, by: i64) {
    // SAFETY: no pointers. A metric that does not exist changes nothing.
    let _ = unsafe { host::proxy_increment_metric(metric, by) };
}

/// Sets a gauge.
pub(crate) fn record_metric(metric: u32, value: u64) {
    // SAFETY: no pointers. A metric that does not exist changes nothing.
    let _ = unsafe { host::proxy_record_metric(metric, value) };
}

/// Makes the calls that follow speak of this stream. On failure its client has left, and nothing further may be called:
/// the host would keep the previous context.
pub(crate) fn set_effective_context(context: u32) -> Result<(), Failure> {
    // SAFETY: no pointers.
    checked(unsafe { host::proxy_set_effective_context(context) })
}

/// Lets a paused request go on.
pub(crate) fn continue_request() -> Result<(), Failure> {
    // SAFETY: no pointers.
    checked(unsafe { host::proxy_continue_stream(0) })
}

/// Answers the request here. `headers` are serialized pairs; `grpc_status` is only used for gRPC callers.
pub(crate) fn send_local_response(
    status: u32,
    details: &str,
    body: &[u8],
    headers: &[u8],
    grpc_status: i32,
) -> Result<(), Failure> {
    // SAFETY: pointers and lengths are those of live slices, which the host only reads.
    checked(unsafe {
        host::proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

/// Tells the host which ABI this module speaks.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    callbacks::context_created(context, parent);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, configuration_length: usize) -> u32 {
    u32::from(callbacks::configured(root, configuration_length))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: usize, _end_of_stream: u32) -> u32 {
    match callbacks::request_headers(context) {
        callbacks::Flow::Continue => 0,
        // StopAllIterationAndWatermark. With StopIteration (1) a request body would carry a waiting request on to the
        // upstream wherever `allow_on_headers_stop_iteration` is set.
        callbacks::Flow::Stop => 4,
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    callbacks::tick(root);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(root: u32, queue: u32) {
    callbacks::queue_ready(root, queue);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    root: u32,
    call: u32,
    _headers: usize,
    body_length: usize,
    _trailers: usize,
) {
    callbacks::call_answered(root, call, body_length);
}
