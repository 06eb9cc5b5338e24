//! Ports for processes that must be told theirs and keep it over a restart.
//!
//! Everything else binds port 0. These are taken below the range from which the system serves port 0 and outgoing
//! connections, so that nobody comes in between the choice and the use.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

const FIRST: u32 = 18_000;
const COUNT: u32 = 14_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A free address on the loopback that this process has not given out before.
pub fn free() -> SocketAddr {
    // Test processes that run side by side start at different places.
    let start = process::id().wrapping_mul(97);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("a port");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
