//! Writing what a page says into shared data, a bounded step at a time.

use filter_core::{
    feed::Page,
    head::Head,
    names::Names,
    sync::{self, Plan, PlanError, Update, Updated},
};

use crate::{
    abi::{self, Failure},
    shared::{self, Change},
};

/// Parts looked at in one step.
const MAX_PARTS: usize = 512;
/// Bytes read and written in one step; the part with which they are reached is still written. A page of changes may touch
/// a thousand parts, and parts grow with the set.
const MAX_BYTES: usize = 512 * 1024;

/// A page on its way into shared data.
#[derive(Debug)]
pub(crate) struct Applying {
    plan: Plan,
    /// The number of the head that the plan follows from.
    cas: u32,
    done: usize,
    is_news: bool,
}

impl Applying {
    /// Plans for a page that was polled for from this head, whose number is `cas`.
    pub(crate) fn new(head: &Head, cas: u32, page: Page) -> Result<Self, PlanError> {
        let plan = sync::plan(head, page)?;
        let is_news = plan.next.revision != head.revision
            || !plan.updates.is_empty()
            || head.loading.is_some();
        Ok(Self {
            plan,
            cas,
            done: 0,
            is_news,
        })
    }

    /// Whether the workers have something to look at once it is applied.
    pub(crate) const fn is_news(&self) -> bool {
        self.is_news
    }

    /// Updates some more parts. True when all are.
    pub(crate) fn step(&mut self, names: &Names) -> Result<bool, Failed> {
        let mut bytes: usize = 0;
        for update in self.plan.updates.iter().skip(self.done).take(MAX_PARTS) {
            bytes = bytes.saturating_add(write(names, update)?);
            self.done = self.done.saturating_add(1);
            if bytes >= MAX_BYTES {
                break;
            }
        }
        Ok(self.done >= self.plan.updates.len())
    }

    /// Swaps the head once every part is updated. `None` when another leader was faster.
    pub(crate) fn swap(&self, names: &Names) -> Result<Option<Head>, Failed> {
        let next = &self.plan.next;
        match abi::set_shared_data(&names.head(), &next.encode(), self.cas) {
            Ok(()) => Ok(Some(next.clone())),
            Err(Failure::CasMismatch) => Ok(None),
            Err(_) => Err(Failed),
        }
    }
}

/// Shared data cannot be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("shared data cannot be written")
    }
}

/// Brings one part up to date. Returns how many bytes were read and written.
fn write(names: &Names, update: &Update) -> Result<usize, Failed> {
    let mut bytes: usize = 0;
    let change = shared::update(&names.part(update.part), |existing| {
        bytes = bytes.saturating_add(existing.map_or(0, <[u8]>::len));
        match update.apply(existing) {
            Updated::Unchanged => None,
            Updated::Write(new) => {
                bytes = bytes.saturating_add(new.len());
                Some(new)
            }
        }
    });
    match change {
        Change::Written | Change::Unneeded => Ok(bytes),
        Change::Failed => Err(Failed),
    }
}
