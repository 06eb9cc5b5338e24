//! The module's memory, as the host's calls see it.

use wasmi::{Caller, Extern, Memory};

use crate::vm::State;

/// Statuses of the ABI.
pub(crate) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const NOT_FOUND: u32 = 1;
    pub(crate) const BAD_ARGUMENT: u32 = 2;
    pub(crate) const INVALID_MEMORY_ACCESS: u32 = 6;
    pub(crate) const EMPTY: u32 = 7;
    pub(crate) const CAS_MISMATCH: u32 = 8;
}

/// A module that calls the host.
pub(crate) type Guest<'a> = Caller<'a, State>;

/// Notes a call and hands out what it needs to look at.
pub(crate) fn note(guest: &mut Guest<'_>, call: &'static str) {
    guest.data_mut().entry.calls.push(call);
}

fn memory(guest: &Guest<'_>) -> Memory {
    match guest.get_export("memory") {
        Some(Extern::Memory(memory)) => memory,
        _ => panic!("the module exports no memory"),
    }
}

/// Bytes that the module hands over; `None` when they are not in its memory.
pub(crate) fn read(guest: &mut Guest<'_>, at: u32, length: u32) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    memory(guest)
        .read(&*guest, usize::try_from(at).ok()?, &mut bytes)
        .ok()?;
    guest.data_mut().entry.bytes_out += bytes.len();
    Some(bytes)
}

/// Writes where the module said; false when that is not in its memory.
pub(crate) fn write(guest: &mut Guest<'_>, at: u32, bytes: &[u8]) -> bool {
    let memory = memory(guest);
    let Ok(at) = usize::try_from(at) else {
        return false;
    };
    memory.write(&mut *guest, at, bytes).is_ok()
}

/// Returns data: asks the module for room, copies, and says where it lies. An empty answer asks for no room.
pub(crate) fn give(guest: &mut Guest<'_>, bytes: &[u8], data: u32, size: u32) -> u32 {
    let length = u32::try_from(bytes.len()).expect("short");
    let mut at = 0;
    if length > 0 {
        let Some(Extern::Func(allocate)) = guest.get_export("proxy_on_memory_allocate") else {
            panic!("the module exports no allocator");
        };
        let allocate = allocate.typed::<u32, u32>(&*guest).expect("its type");
        at = allocate.call(&mut *guest, length).expect("no trap");
        if at == 0 || !write(guest, at, bytes) {
            return status::INVALID_MEMORY_ACCESS;
        }
        let entry = &mut guest.data_mut().entry;
        entry.landings += 1;
        entry.bytes_in += bytes.len();
    }
    let is_told =
        write(guest, data, &at.to_le_bytes()) && write(guest, size, &length.to_le_bytes());
    if is_told {
        status::OK
    } else {
        status::INVALID_MEMORY_ACCESS
    }
}
