//! What the module may call.

mod calls;
mod foreign;
mod shared;
mod streams;
mod system;

use wasmi::{Engine, Linker};

use crate::vm::State;

/// Everything that the module may import.
pub(crate) fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine);
    system::define(&mut linker)
        .and_then(|()| streams::define(&mut linker))
        .and_then(|()| shared::define(&mut linker))
        .and_then(|()| calls::define(&mut linker))
        .and_then(|()| foreign::define(&mut linker))
        .expect("each name once");
    linker
}

/// The module that holds the ABI's functions.
const ENV: &str = "env";
