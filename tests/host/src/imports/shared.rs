//! Shared data and queues.

use wasmi::{Error, Linker};

use super::ENV;
use crate::{
    memory::{
        Guest, give, note, read,
        status::{CAS_MISMATCH, EMPTY, INVALID_MEMORY_ACCESS, NOT_FOUND, OK},
        write,
    },
    vm::State,
};

pub(super) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(ENV, "proxy_get_shared_data", get)?;
    linker.func_wrap(ENV, "proxy_set_shared_data", set)?;
    linker.func_wrap(ENV, "proxy_register_shared_queue", register)?;
    linker.func_wrap(ENV, "proxy_dequeue_shared_queue", dequeue)?;
    linker.func_wrap(ENV, "proxy_enqueue_shared_queue", enqueue)?;
    Ok(())
}

fn get(mut guest: Guest<'_>, name: u32, length: u32, data: u32, size: u32, cas: u32) -> u32 {
    note(&mut guest, "proxy_get_shared_data");
    let Some(name) = read(&mut guest, name, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let process = guest.data().process.clone();
    let process = process.borrow();
    let value = process.shared.get(&name);
    let entry = &mut guest.data_mut().entry;
    entry
        .shared_reads
        .push(value.map_or(0, |(value, _)| value.len()));
    let Some((value, number)) = value else {
        return NOT_FOUND;
    };
    match give(&mut guest, value, data, size) {
        OK if write(&mut guest, cas, &number.to_le_bytes()) => OK,
        OK => INVALID_MEMORY_ACCESS,
        failure => failure,
    }
}

fn set(mut guest: Guest<'_>, name: u32, length: u32, value: u32, size: u32, cas: u32) -> u32 {
    note(&mut guest, "proxy_set_shared_data");
    let name = read(&mut guest, name, length);
    let value = read(&mut guest, value, size);
    let (Some(name), Some(value)) = (name, value) else {
        return INVALID_MEMORY_ACCESS;
    };
    let entry = &mut guest.data_mut().entry;
    entry.shared_writes.push(value.len());
    let process = guest.data().process.clone();
    if process.borrow_mut().set_shared(name, value, cas) {
        OK
    } else {
        CAS_MISMATCH
    }
}

fn register(mut guest: Guest<'_>, name: u32, length: u32, queue: u32) -> u32 {
    note(&mut guest, "proxy_register_shared_queue");
    let Some(name) = read(&mut guest, name, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let reader = (guest.data().number, guest.data().root);
    let process = guest.data().process.clone();
    let number = process.borrow_mut().register_queue(name, reader);
    if write(&mut guest, queue, &number.to_le_bytes()) {
        OK
    } else {
        INVALID_MEMORY_ACCESS
    }
}

fn dequeue(mut guest: Guest<'_>, queue: u32, data: u32, size: u32) -> u32 {
    note(&mut guest, "proxy_dequeue_shared_queue");
    let process = guest.data().process.clone();
    let message = match process.borrow_mut().queue(queue) {
        None => return NOT_FOUND,
        Some(queue) => queue.messages.pop_front(),
    };
    message.map_or(EMPTY, |message| give(&mut guest, &message, data, size))
}

fn enqueue(mut guest: Guest<'_>, queue: u32, value: u32, length: u32) -> u32 {
    note(&mut guest, "proxy_enqueue_shared_queue");
    let Some(message) = read(&mut guest, value, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let process = guest.data().process.clone();
    if process.borrow_mut().enqueue(queue, message) {
        OK
    } else {
        NOT_FOUND
    }
}
