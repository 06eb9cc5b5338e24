//! HTTP calls and their answers.

use wasmi::{Error, Linker};

use super::ENV;
use crate::{
    memory::{
        Guest, give, note, read,
        status::{BAD_ARGUMENT, INVALID_MEMORY_ACCESS, NOT_FOUND, OK},
        write,
    },
    pairs,
    process::Call,
    vm::State,
};

const CALL_RESPONSE_BODY: u32 = 4;
const PLUGIN_CONFIGURATION: u32 = 7;

pub(super) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(ENV, "proxy_http_call", http_call)?;
    linker.func_wrap(ENV, "proxy_get_buffer_bytes", get_buffer)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "as the ABI has it")]
fn http_call(
    mut guest: Guest<'_>,
    cluster: u32,
    cluster_length: u32,
    headers: u32,
    headers_length: u32,
    body: u32,
    body_length: u32,
    _trailers: u32,
    _trailers_length: u32,
    timeout_ms: u32,
    call: u32,
) -> u32 {
    note(&mut guest, "proxy_http_call");
    let cluster = read(&mut guest, cluster, cluster_length);
    let headers = read(&mut guest, headers, headers_length);
    let body = read(&mut guest, body, body_length);
    let (Some(cluster), Some(headers), Some(body)) = (cluster, headers, body) else {
        return INVALID_MEMORY_ACCESS;
    };
    let Some(headers) = pairs::parse(&headers).filter(|headers| is_request(headers)) else {
        return BAD_ARGUMENT;
    };
    let caller = (guest.data().number, guest.data().root);
    let process = guest.data().process.clone();
    let at_ms = process.borrow().now_ms;
    let number = process.borrow_mut().start_call(Call {
        caller,
        cluster: String::from_utf8_lossy(&cluster).into_owned(),
        headers,
        body,
        timeout_ms,
        at_ms,
    });
    if write(&mut guest, call, &number.to_le_bytes()) {
        OK
    } else {
        INVALID_MEMORY_ACCESS
    }
}

fn is_request(headers: &[pairs::Pair]) -> bool {
    [":method", ":path", ":authority"].iter().all(|needed| {
        headers
            .iter()
            .any(|(name, value)| name == needed.as_bytes() && !value.is_empty())
    })
}

fn get_buffer(
    mut guest: Guest<'_>,
    buffer: u32,
    start: u32,
    longest: u32,
    data: u32,
    size: u32,
) -> u32 {
    note(&mut guest, "proxy_get_buffer_bytes");
    let state = guest.data();
    let bytes = match buffer {
        CALL_RESPONSE_BODY => state.response.as_ref().map(|(_, body)| body.clone()),
        PLUGIN_CONFIGURATION => Some(state.configuration.clone()),
        _ => None,
    };
    let Some(bytes) = bytes else {
        return NOT_FOUND;
    };
    let (Ok(start), Ok(longest)) = (usize::try_from(start), usize::try_from(longest)) else {
        return BAD_ARGUMENT;
    };
    let end = bytes.len().min(start.saturating_add(longest));
    match bytes.get(start..end) {
        Some(asked) => give(&mut guest, asked, data, size),
        None => BAD_ARGUMENT,
    }
}
