//! Following the registry: what all filters of one VM that have the same registry, group and token share.

mod acknowledge;
pub(crate) mod answer;
pub(crate) mod calls;
pub(crate) mod leader;
mod wake;

use filter_core::{
    config::{Registry, TokenSource},
    digest::DigestKey,
    gateway,
    head::Head,
    lease::Lease,
    names::Names,
    slots::{Slot, Slots},
    snapshot::{Part, Snapshot},
};

use self::{answer::Answer, calls::Client, leader::Leader};
use crate::{abi, metrics::Gauges, shared};

/// Parts copied again at once when they change; beyond, they are copied when a request needs them.
const MAX_REFRESHED: usize = 64;
/// Messages taken from the queue at a wake-up.
const MAX_MESSAGES: usize = 64;
/// After how long without an answer the registry counts as unreachable, beyond a poll's wait, in milliseconds.
const SILENT_AFTER_MS: u64 = 30_000;
/// A request that finds the last look at the head older than this looks again itself, in milliseconds: after a stall of
/// the worker its own ticks and wake-ups may come behind the requests that waited.
const LOOK_AGAIN_MS: u64 = 1000;

/// A registry that is followed, as seen from this VM.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) snapshot: Snapshot,
    pub(crate) client: Client,
    names: Names,
    vm: u64,
    leader: Leader,
    queue: Option<Queue>,
    gauges: Gauges,
    head_number: u32,
    looked_ms: u64,
    looked_wall_ms: u64,
    contact_ms: Option<u64>,
    worked_ms: u64,
    serves: bool,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    number: u32,
    root: u32,
}

impl Feed {
    /// The names under which a configuration's feed lies in shared data: equal names, equal feed.
    pub(crate) fn names(registry: &Registry) -> Result<Names, String> {
        let token = calls::resolve_token(&registry.token)?;
        let token = token.as_ref().map_or("", |token| token.expose());
        let group = registry.group.as_deref().unwrap_or_default();
        Ok(Names::new(
            token.as_bytes(),
            &[&registry.cluster, &registry.authority, group],
        ))
    }

    pub(crate) fn new(registry: Registry, names: Names, gauges: Gauges) -> Result<Self, String> {
        let unavailable = || "the host has no randomness".to_owned();
        let vm = u64::from_le_bytes(abi::random().ok_or_else(unavailable)?);
        let key = DigestKey::from_bytes(abi::random().ok_or_else(unavailable)?);
        let token = match &registry.token {
            TokenSource::Injected => None,
            source => calls::resolve_token(source)?,
        };
        let gateway = registry.gateway.clone().unwrap_or_else(node_id);
        let instance = instance(&names)?;
        Ok(Self {
            snapshot: Snapshot::new(&key),
            client: Client::new(registry, token, gateway, instance),
            names,
            vm,
            leader: Leader::new(vm),
            queue: None,
            gauges,
            head_number: 0,
            looked_ms: 0,
            looked_wall_ms: 0,
            contact_ms: None,
            worked_ms: 0,
            serves: false,
        })
    }

    pub(crate) fn is(&self, names: &Names) -> bool {
        self.names == *names
    }

    /// Everything that is done by the clock. Several roots may tick for one feed: most of it is done once.
    pub(crate) fn tick(&mut self, root: u32, now_ms: u64, is_alive: impl Fn(u32) -> bool) {
        if self.queue.is_none_or(|queue| !is_alive(queue.root)) {
            self.queue = abi::register_queue(&self.names.queue(self.vm))
                .ok()
                .map(|number| Queue { number, root });
        }
        if now_ms
            < self
                .worked_ms
                .saturating_add(u64::from(leader::BUSY_TICK_MS) / 2)
        {
            return;
        }
        self.worked_ms = now_ms;
        self.look(now_ms);
        self.publish(now_ms);
        if self.leader.hold_lease(&self.names, now_ms) {
            #[cfg(feature = "faults")]
            crate::faults::trap_leader();
            self.leader
                .work(&self.client, &self.names, root, now_ms, is_alive);
        }
    }

    /// How soon to tick again, in milliseconds.
    pub(crate) fn tick_period(&self, now_ms: u64) -> u32 {
        if self.leader.is_busy(now_ms) {
            leader::BUSY_TICK_MS
        } else {
            leader::TICK_MS
        }
    }

    /// Another VM has something for this one.
    pub(crate) fn woken(&mut self, queue: u32, now_ms: u64) -> bool {
        if self.queue.is_none_or(|own| own.number != queue) {
            return false;
        }
        for _ in 0..MAX_MESSAGES {
            match abi::dequeue(queue) {
                Ok(message) => abi::reuse(message),
                Err(_) => break,
            }
        }
        let before = self.snapshot.revision();
        self.look(now_ms);
        self.publish(now_ms);
        self.leader.acknowledge(&self.client, &self.names, now_ms);
        if self.snapshot.revision() != before {
            self.tell_leader();
        }
        true
    }

    /// Wakes the leader, which may be waiting to acknowledge.
    fn tell_leader(&self) {
        let lease = shared::read(&self.names.lease()).0;
        let Some(lease) = lease.as_deref().and_then(Lease::decode) else {
            return;
        };
        let slots = Slots::decode(&shared::read(&self.names.slots()).0.unwrap_or_default());
        let leader = slots
            .0
            .iter()
            .find(|slot| slot.vm == lease.holder && slot.vm != self.vm);
        if let Some(leader) = leader {
            // A leader that cannot be woken acknowledges at its next tick.
            let _ = abi::enqueue(leader.queue, b"a");
        }
    }

    /// Whether this call's answer is for the feed.
    pub(crate) fn owns(&self, call: u32) -> bool {
        self.leader.owns(call)
    }

    /// Takes the answer to a call that it owns, and goes on at once.
    pub(crate) fn answered(
        &mut self,
        root: u32,
        call: u32,
        answer: &Answer,
        now_ms: u64,
        is_alive: impl Fn(u32) -> bool,
    ) {
        let changed = self
            .leader
            .answered(&self.names, &self.gauges, call, answer, now_ms);
        if changed {
            self.look(now_ms);
            self.publish(now_ms);
        }
        if self.leader.hold_lease(&self.names, now_ms) {
            self.leader
                .work(&self.client, &self.names, root, now_ms, is_alive);
        }
    }

    /// Takes note of what the leader has written, if there is anything new.
    fn look(&mut self, now_ms: u64) {
        self.looked_ms = now_ms;
        self.looked_wall_ms = abi::wall_clock_ms();
        self.contact_ms = shared::read(&self.names.contact())
            .0
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_le_bytes);
        let (value, number) = shared::read(&self.names.head());
        let head = value
            .filter(|_| number != self.head_number)
            .and_then(|value| Head::decode(&value));
        if let Some(head) = head {
            self.head_number = number;
            let changed = self.snapshot.follow(&head);
            for part in changed.into_iter().take(MAX_REFRESHED) {
                self.load(part);
            }
        }
        let missing: Vec<Part> = self.snapshot.missing_for_names().collect();
        for part in missing {
            self.load(part);
        }
    }

    /// Copies a part out of shared data.
    pub(crate) fn load(&mut self, part: Part) {
        let bytes = shared::read(&self.names.part(part)).0;
        self.snapshot.fill(part, bytes);
    }

    /// Tells the other VMs how far this one is.
    fn publish(&self, now_ms: u64) {
        let Some(queue) = self.queue else {
            return;
        };
        let slot = Slot {
            vm: self.vm,
            queue: queue.number,
            serves: self.serves,
            announced: self.snapshot.announced(),
            revision: self.snapshot.revision(),
            at_ms: now_ms,
        };
        // When every attempt fails, the next tick tries again.
        let _ = shared::update(&self.names.slots(), |value| {
            let mut slots = Slots::decode(value.unwrap_or_default());
            slots.put(slot).then(|| slots.encode())
        });
    }

    /// Makes sure that a request is not decided from a view that the VM had no chance to renew.
    pub(crate) fn prepare(&mut self, wall_ms: u64, max_staleness_ms: Option<u64>) {
        let since_look = wall_ms.abs_diff(self.looked_wall_ms);
        if !self.serves || since_look > LOOK_AGAIN_MS {
            // From the first request on, acknowledgements wait for this VM.
            self.serves = true;
            let now_ms = abi::monotonic_ms();
            self.look(now_ms);
            self.publish(now_ms);
        }
        let now_ms = self.looked_ms.saturating_add(since_look);
        let silence = self
            .contact_ms
            .map_or(u64::MAX, |contact| self.looked_ms.saturating_sub(contact));
        let stale = max_staleness_ms.is_some_and(|longest| silence > longest);
        self.snapshot
            .set_time(now_ms, silence > SILENT_AFTER_MS, stale);
    }
}

/// Envoy's node id; empty under a static configuration without one.
fn node_id() -> String {
    abi::property(b"xds\0node\0id")
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|text| text.len() <= 256)
        .unwrap_or_default()
}

/// The random id of this start of the process: the first VM that needs it makes it.
fn instance(names: &Names) -> Result<String, String> {
    let fresh: [u8; 16] = abi::random().ok_or("the host has no randomness")?;
    let mut instance = fresh.to_vec();
    let _ = shared::update(&names.instance(), |value| {
        instance = value.unwrap_or(&fresh).to_vec();
        value.is_none().then(|| instance.clone())
    });
    Ok(gateway::hex(&instance))
}
