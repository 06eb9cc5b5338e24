//! Log, clocks, randomness, environment, timer and metrics.

use wasmi::{Error, Linker};

use super::ENV;
use crate::{
    memory::{
        Guest, note, read,
        status::{BAD_ARGUMENT, INVALID_MEMORY_ACCESS, OK},
        write,
    },
    vm::State,
};

const WASI: &str = "wasi_snapshot_preview1";
const MONOTONIC: u32 = 1;

pub(super) fn define(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(ENV, "proxy_log", log)?;
    linker.func_wrap(ENV, "proxy_get_current_time_nanoseconds", wall_clock)?;
    linker.func_wrap(ENV, "proxy_set_tick_period_milliseconds", set_tick_period)?;
    linker.func_wrap(ENV, "proxy_define_metric", define_metric)?;
    linker.func_wrap(ENV, "proxy_increment_metric", increment_metric)?;
    linker.func_wrap(ENV, "proxy_record_metric", record_metric)?;
    linker.func_wrap(WASI, "clock_time_get", clock_time_get)?;
    linker.func_wrap(WASI, "random_get", random_get)?;
    linker.func_wrap(WASI, "environ_sizes_get", environ_sizes_get)?;
    linker.func_wrap(WASI, "environ_get", environ_get)?;
    Ok(())
}

fn told(is_written: bool) -> u32 {
    if is_written {
        OK
    } else {
        INVALID_MEMORY_ACCESS
    }
}

fn log(mut guest: Guest<'_>, _level: u32, text: u32, length: u32) -> u32 {
    note(&mut guest, "proxy_log");
    let Some(text) = read(&mut guest, text, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let line = String::from_utf8_lossy(&text).into_owned();
    guest.data_mut().log.push(line);
    OK
}

fn wall_clock(mut guest: Guest<'_>, time: u32) -> u32 {
    note(&mut guest, "proxy_get_current_time_nanoseconds");
    let now = guest.data().process.borrow().wall_ns();
    told(write(&mut guest, time, &now.to_le_bytes()))
}

fn clock_time_get(mut guest: Guest<'_>, clock: u32, _precision: u64, time: u32) -> u32 {
    note(&mut guest, "clock_time_get");
    let process = guest.data().process.clone();
    let now = match clock {
        MONOTONIC => process.borrow().now_ms * 1_000_000,
        _ => process.borrow().wall_ns(),
    };
    told(write(&mut guest, time, &now.to_le_bytes()))
}

fn random_get(mut guest: Guest<'_>, buffer: u32, length: u32) -> u32 {
    note(&mut guest, "random_get");
    let process = guest.data().process.clone();
    let bytes: Vec<u8> = (0..length)
        .map(|_| process.borrow_mut().random_byte())
        .collect();
    told(write(&mut guest, buffer, &bytes))
}

fn environ_sizes_get(mut guest: Guest<'_>, count: u32, bytes: u32) -> u32 {
    note(&mut guest, "environ_sizes_get");
    let is_told = write(&mut guest, count, &[0; 4]) && write(&mut guest, bytes, &[0; 4]);
    told(is_told)
}

fn environ_get(mut guest: Guest<'_>, _entries: u32, _buffer: u32) -> u32 {
    note(&mut guest, "environ_get");
    OK
}

fn set_tick_period(mut guest: Guest<'_>, period: u32) -> u32 {
    note(&mut guest, "proxy_set_tick_period_milliseconds");
    let state = guest.data_mut();
    state.periods.insert(state.root, period);
    OK
}

fn define_metric(mut guest: Guest<'_>, _kind: u32, name: u32, length: u32, metric: u32) -> u32 {
    note(&mut guest, "proxy_define_metric");
    let Some(name) = read(&mut guest, name, length) else {
        return INVALID_MEMORY_ACCESS;
    };
    let Ok(name) = std::str::from_utf8(&name) else {
        return BAD_ARGUMENT;
    };
    let number = guest.data().process.borrow_mut().metric(name);
    told(write(&mut guest, metric, &number.to_le_bytes()))
}

fn increment_metric(mut guest: Guest<'_>, metric: u32, by: i64) -> u32 {
    note(&mut guest, "proxy_increment_metric");
    let process = guest.data().process.clone();
    *process.borrow_mut().counters.entry(metric).or_default() += by;
    OK
}

fn record_metric(mut guest: Guest<'_>, _metric: u32, _value: u64) -> u32 {
    note(&mut guest, "proxy_record_metric");
    OK
}
