//! Requests: their headers, and what becomes of them.

use wasmi::{Error, Linker};

use super::ENV;
use crate::{
    memory::{
        Guest, give, note, read,
        status::{BAD_ARGUMENT, INVALID_MEMORY_ACCESS, NOT_FOUND, OK},
    },
    pairs,
    vm::{Reply, State, Stream},
};

const REQUEST_HEADERS: u32 = 0;
const CALL_RESPONSE_HEADERS: u32 = 6;

pub(super) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(ENV, "proxy_get_header_map_pairs", get_pairs)?;
    linker.func_wrap(ENV, "proxy_get_header_map_value", get_value)?;
    linker.func_wrap(ENV, "proxy_replace_header_map_value", replace)?;
    linker.func_wrap(ENV, "proxy_remove_header_map_value", remove)?;
    linker.func_wrap(ENV, "proxy_get_property", get_property)?;
    linker.func_wrap(ENV, "proxy_set_effective_context", set_effective_context)?;
    linker.func_wrap(ENV, "proxy_continue_stream", continue_stream)?;
    linker.func_wrap(ENV, "proxy_send_local_response", send_local_response)?;
    Ok(())
}

/// The stream that calls speak of.
fn stream<'g>(guest: &'g mut Guest<'_>) -> Option<&'g mut Stream> {
    let state = guest.data_mut();
    state.streams.get_mut(&state.effective)
}

fn get_pairs(mut guest: Guest<'_>, map: u32, data: u32, size: u32) -> u32 {
    note(&mut guest, "proxy_get_header_map_pairs");
    let pairs = match (map, stream(&mut guest)) {
        (REQUEST_HEADERS, Some(stream)) => stream
            .unreadable
            .clone()
            .unwrap_or_else(|| pairs::serialize(&stream.headers)),
        _ => return BAD_ARGUMENT,
    };
    give(&mut guest, &pairs, data, size)
}

fn get_value(mut guest: Guest<'_>, map: u32, name: u32, length: u32, data: u32, size: u32) -> u32 {
    note(&mut guest, "proxy_get_header_map_value");
    let Some(name) = read(&mut guest, name, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let status = match (&guest.data().response, map) {
        (Some((status, _)), CALL_RESPONSE_HEADERS) if name == b":status" => *status,
        _ => 0,
    };
    if status == 0 {
        return NOT_FOUND;
    }
    give(&mut guest, status.to_string().as_bytes(), data, size)
}

fn replace(
    mut guest: Guest<'_>,
    map: u32,
    name: u32,
    length: u32,
    value: u32,
    value_length: u32,
) -> u32 {
    note(&mut guest, "proxy_replace_header_map_value");
    let name = read(&mut guest, name, length);
    let value = read(&mut guest, value, value_length);
    let (Some(name), Some(value)) = (name, value) else {
        return INVALID_MEMORY_ACCESS;
    };
    edit(guest, map, name, Some(value))
}

fn remove(mut guest: Guest<'_>, map: u32, name: u32, length: u32) -> u32 {
    note(&mut guest, "proxy_remove_header_map_value");
    match read(&mut guest, name, length) {
        Some(name) => edit(guest, map, name, None),
        None => INVALID_MEMORY_ACCESS,
    }
}

fn edit(mut guest: Guest<'_>, map: u32, name: Vec<u8>, value: Option<Vec<u8>>) -> u32 {
    match stream(&mut guest) {
        Some(stream) if map == REQUEST_HEADERS => {
            stream
                .headers
                .retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
            stream.headers.extend(value.map(|value| (name, value)));
            OK
        }
        _ => BAD_ARGUMENT,
    }
}

fn get_property(mut guest: Guest<'_>, path: u32, length: u32, data: u32, size: u32) -> u32 {
    note(&mut guest, "proxy_get_property");
    let Some(path) = read(&mut guest, path, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let value: &[u8] = match path.as_slice() {
        b"plugin_vm_id" => b"keysmith",
        b"xds\0node\0id" => b"node-1",
        b"source\0address" => b"192.0.2.1:40000",
        _ => return NOT_FOUND,
    };
    give(&mut guest, value, data, size)
}

fn set_effective_context(mut guest: Guest<'_>, context: u32) -> u32 {
    note(&mut guest, "proxy_set_effective_context");
    let state = guest.data_mut();
    if state.streams.contains_key(&context) {
        state.effective = context;
        OK
    } else {
        BAD_ARGUMENT
    }
}

fn continue_stream(mut guest: Guest<'_>, _kind: u32) -> u32 {
    note(&mut guest, "proxy_continue_stream");
    if let Some(stream) = stream(&mut guest) {
        stream.is_continued = true;
    }
    OK
}

#[expect(clippy::too_many_arguments, reason = "as the ABI has it")]
fn send_local_response(
    mut guest: Guest<'_>,
    status: u32,
    details: u32,
    details_length: u32,
    body: u32,
    body_length: u32,
    headers: u32,
    headers_length: u32,
    _grpc_status: i32,
) -> u32 {
    note(&mut guest, "proxy_send_local_response");
    let details = read(&mut guest, details, details_length);
    let body = read(&mut guest, body, body_length);
    let headers = read(&mut guest, headers, headers_length);
    let (Some(details), Some(body), Some(headers)) = (details, body, headers) else {
        return INVALID_MEMORY_ACCESS;
    };
    let Some(headers) = pairs::parse(&headers) else {
        return BAD_ARGUMENT;
    };
    // Without a stream Envoy does nothing, and says that all is well.
    if let Some(stream) = stream(&mut guest) {
        stream.replies.push(Reply {
            status,
            details: String::from_utf8_lossy(&details).into_owned(),
            headers,
            body,
        });
    }
    OK
}
