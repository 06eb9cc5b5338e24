//! Which addresses the registry talks to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Public addresses, and the networks that an operator has named.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Networks that are allowed although they are not public.
    pub allowed: Vec<IpNet>,
}

impl Policy {
    /// Whether the registry talks to this address.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = plain(address);
        self.allowed.iter().any(|net| net.contains(&address)) || is_public(address)
    }
}

/// Whether what is sent there stays on this machine.
#[must_use]
pub(super) fn is_this_machine(address: IpAddr) -> bool {
    plain(address).is_loopback()
}

/// An IPv4 address that is written as an IPv6 one is that IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// What is in none of IANA's special-purpose blocks (RFC 6890), and is not multicast.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

/// Global unicast is `2000::/3`. Not in it are the blocks for documentation, and those that hide an IPv4 address (6to4,
/// Teredo), or are special otherwise (`2001::/23`).
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    (0x2000..=0x3fff).contains(&first)
        && !matches!(
            (first, second),
            (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff)
        )
}
