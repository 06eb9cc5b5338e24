//! Following the registry: what all filters of one VM that have the same registry, group and token share.

mod acknowledge;
pub(crate) mod answer;
mod apply;
pub(crate) mod calls;
pub(crate) mod leader;
mod pause;
pub(crate) mod usage;
mod wake;

use filter_core::{
    config::Registry,
    digest::DigestKey,
    gateway,
    head::Head,
    lease::Lease,
    names::Names,
    slots::{Slot, Slots},
    snapshot::{Part, Snapshot},
};

use self::{answer::Answer, calls::Client, leader::Leader, usage::Usage};
use crate::{abi, metrics::FeedMetrics, shared};

/// Parts copied again at once when they change; beyond, they are copied when a request needs them.
const MAX_REFRESHED: usize = 64;
/// Messages taken from the queue at a wake-up.
const MAX_MESSAGES: usize = 64;
/// Looks at the head at a wake-up.
const MAX_LOOKS: usize = 4;
/// After how long without an answer the registry counts as unreachable, beyond a poll's wait, in milliseconds.
const SILENT_AFTER_MS: u64 = 10_000;
/// A request that finds the last look at the head older than this looks again itself, in milliseconds: after a stall of
/// the worker its own ticks and wake-ups may come behind the requests that waited.
const LOOK_AGAIN_MS: u64 = 1000;

/// A registry that is followed, as seen from this VM.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) snapshot: Snapshot,
    pub(crate) client: Client,
    pub(crate) usage: Usage,
    names: Names,
    vm: u64,
    leader: Leader,
    queue: Option<Queue>,
    /// Whether a message to this VM itself is under way, so that a page is applied further.
    is_nudged: bool,
    metrics: FeedMetrics,
    head_number: u32,
    looked_ms: u64,
    looked_wall_ms: u64,
    contact_ms: Option<u64>,
    silent_after_ms: u64,
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

    pub(crate) fn new(
        registry: Registry,
        names: Names,
        metrics: FeedMetrics,
    ) -> Result<Self, String> {
        let unavailable = || "the host has no randomness".to_owned();
        let vm = u64::from_le_bytes(abi::random().ok_or_else(unavailable)?);
        let key = DigestKey::from_bytes(abi::random().ok_or_else(unavailable)?);
        Ok(Self {
            snapshot: Snapshot::new(&key),
            silent_after_ms: silent_after_ms(&registry),
            client: client(registry, &names)?,
            usage: Usage::default(),
            names,
            vm,
            leader: Leader::new(vm),
            queue: None,
            is_nudged: false,
            metrics,
            head_number: 0,
            looked_ms: 0,
            looked_wall_ms: 0,
            contact_ms: None,
            worked_ms: 0,
            serves: false,
        })
    }

    /// Takes what may change of a registry while its feed stays the same: the newest configuration counts.
    pub(crate) fn reconfigure(&mut self, registry: Registry) -> Result<(), String> {
        self.silent_after_ms = silent_after_ms(&registry);
        self.client = client(registry, &self.names)?;
        Ok(())
    }

    pub(crate) fn is(&self, names: &Names) -> bool {
        self.names == *names
    }

    /// Everything that is done by the clock. Several roots may tick for one feed: most of it is done once.
    pub(crate) fn tick(&mut self, root: u32, now_ms: u64, is_alive: impl Fn(u32) -> bool) {
        if self.queue.is_none_or(|queue| !is_alive(queue.root)) {
            self.register(root);
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
        self.usage.pour(&self.names, self.vm, self.metrics, now_ms);
        self.lead(root, now_ms, is_alive);
    }

    /// Goes on with the leader's work, if this VM leads.
    fn lead(&mut self, root: u32, now_ms: u64, is_alive: impl Fn(u32) -> bool) {
        if !self.leader.hold_lease(&self.names, now_ms) {
            return;
        }
        if self.leader.advance(&self.names, &self.metrics, now_ms) {
            self.look(now_ms);
            self.publish(now_ms);
        }
        self.leader
            .work(&self.client, &self.names, root, now_ms, is_alive);
        self.nudge();
    }

    /// Has this VM called again at once while a page is not yet applied. Should that fail, the next tick goes on.
    fn nudge(&mut self) {
        if let Some(queue) = self.queue
            && self.leader.is_applying()
            && !self.is_nudged
        {
            self.is_nudged = abi::enqueue(queue.number, b"s").is_ok();
        }
    }

    /// Registers the queue by which this VM is woken: in a tick or for a request, because a VM that only tries a
    /// configuration on the main thread gets neither.
    fn register(&mut self, root: u32) {
        // What was sent to a root that is gone reaches nobody.
        self.is_nudged = false;
        self.queue = abi::register_queue(&self.names.queue(self.vm))
            .ok()
            .map(|number| Queue { number, root });
    }

    /// How soon to tick again, in milliseconds.
    pub(crate) fn tick_period(&self, now_ms: u64) -> u32 {
        if self.leader.is_busy(now_ms) {
            leader::BUSY_TICK_MS
        } else {
            leader::TICK_MS
        }
    }

    /// Another VM has something for this one. False when the queue is not this feed's.
    pub(crate) fn woken(
        &mut self,
        root: u32,
        queue: u32,
        now_ms: u64,
        is_alive: impl Fn(u32) -> bool,
    ) -> bool {
        if self.queue.is_none_or(|own| own.number != queue) {
            return false;
        }
        let messages = (0..MAX_MESSAGES).map_while(|_| abi::dequeue(queue).ok());
        if messages.map(abi::reuse).count() == 0 {
            // Several were sent, and the first call took them all.
            return true;
        }
        self.is_nudged = false;
        let before = self.snapshot.revision();
        for _ in 0..MAX_LOOKS {
            self.look(now_ms);
            self.publish(now_ms);
            if !self.is_behind() {
                break;
            }
        }
        if self.leader.is_applying() {
            self.lead(root, now_ms, is_alive);
        } else {
            self.leader.acknowledge(&self.client, &self.names, now_ms);
        }
        if self.snapshot.revision() != before {
            self.tell_leader();
        }
        true
    }

    /// Whether the head has moved since the last look. The leader sends nothing to a VM that has a wake-up before it, and
    /// it takes this one to have, until it has said how far it looked.
    fn is_behind(&self) -> bool {
        shared::read(&self.names.head())
            .is_ok_and(|(head, number)| head.is_some() && number != self.head_number)
    }

    /// Wakes the leader, which may be waiting to acknowledge.
    fn tell_leader(&self) {
        let Some(lease) = shared::value(&self.names.lease(), Lease::decode) else {
            return;
        };
        let slots = shared::value(&self.names.slots(), Slots::decode).unwrap_or_default();
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
        let changed = self.leader.answered(
            &self.client,
            &self.names,
            &self.metrics,
            call,
            answer,
            now_ms,
        );
        if changed {
            self.look(now_ms);
            self.publish(now_ms);
        }
        if self.leader.hold_lease(&self.names, now_ms) {
            self.leader
                .work(&self.client, &self.names, root, now_ms, is_alive);
            self.nudge();
        }
    }

    /// Takes note of what the leader has written, if there is anything new.
    fn look(&mut self, now_ms: u64) {
        self.looked_ms = now_ms;
        self.looked_wall_ms = abi::wall_clock_ms();
        self.contact_ms = shared::value(&self.names.contact(), |bytes| {
            bytes.try_into().ok().map(u64::from_le_bytes)
        });
        let newer = shared::read(&self.names.head())
            .ok()
            .filter(|(_, number)| *number != self.head_number)
            .and_then(|(value, number)| Some((Head::decode(&value?)?, number)));
        if let Some((head, number)) = newer {
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

    /// Copies a part out of shared data; false when the host cannot.
    pub(crate) fn load(&mut self, part: Part) -> bool {
        let copied = shared::read(&self.names.part(part));
        if let Ok((bytes, _)) = copied {
            self.snapshot.fill(part, bytes);
            return true;
        }
        false
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
            generation: self.snapshot.generation(),
            announced: self.snapshot.announced(),
            revision: self.snapshot.revision(),
            at_ms: now_ms,
        };
        // When every attempt fails, the next tick tries again.
        let _ = shared::update(&self.names.slots(), |value| {
            let mut slots = value.and_then(Slots::decode).unwrap_or_default();
            slots.put(slot).then(|| slots.encode())
        });
    }

    /// Makes sure that a request is not decided from a view that the VM had no chance to renew.
    pub(crate) fn prepare(&mut self, root: u32, wall_ms: u64, max_staleness_ms: Option<u64>) {
        let since_look = wall_ms.abs_diff(self.looked_wall_ms);
        if !self.serves || self.queue.is_none() || since_look > LOOK_AGAIN_MS {
            let now_ms = abi::monotonic_ms();
            if self.queue.is_none() {
                self.register(root);
            }
            // From now on acknowledgements wait for this VM. It says so before it looks: what comes after the look
            // waits for it, and what came before it is seen.
            self.serves = true;
            self.publish(now_ms);
            self.look(now_ms);
            self.publish(now_ms);
            // Nobody ticks for a while: its listener may be gone, and these its last requests.
            self.usage.pour(&self.names, self.vm, self.metrics, now_ms);
        }
        let now_ms = self.looked_ms.saturating_add(since_look);
        let silence = self
            .contact_ms
            .map_or(u64::MAX, |contact| self.looked_ms.saturating_sub(contact));
        let stale = max_staleness_ms.is_some_and(|longest| silence > longest);
        self.snapshot
            .set_time(now_ms, silence > self.silent_after_ms, stale);
    }
}

fn silent_after_ms(registry: &Registry) -> u64 {
    let wait_ms = u64::try_from(registry.poll_wait.as_millis()).unwrap_or(u64::MAX);
    wait_ms.saturating_add(SILENT_AFTER_MS)
}

fn client(registry: Registry, names: &Names) -> Result<Client, String> {
    let token = calls::resolve_token(&registry.token)?;
    let gateway = registry.gateway.clone().unwrap_or_else(node_id);
    Ok(Client::new(registry, token, gateway, instance(names)?))
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
