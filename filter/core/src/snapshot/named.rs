//! Applications that rules name, because they stand in for callers without a credential.

use alloc::string::String;

use super::{ApplicationView, Found, Part, Slot, Snapshot};
use crate::{
    feed::{APPLICATION_BUCKETS, application_bucket},
    segment::{Table, applications},
};

impl Snapshot {
    /// Names an application that rules refer to, so that [`Self::application_named`] finds it.
    pub fn watch_application(&mut self, name: &str) {
        if self.named.iter().all(|(known, _)| known != name) {
            self.named.push((String::from(name), None));
        }
        self.forget_names();
    }

    /// Names are found as buckets are copied: those held already must be copied again.
    pub(super) fn forget_names(&mut self) {
        if self.named.is_empty() {
            return;
        }
        for (_, index) in &mut self.named {
            *index = None;
        }
        let table = self.serving.as_ref().map(|serving| serving.load.table);
        for part in table.into_iter().flat_map(buckets) {
            self.forget(part);
        }
    }

    /// Looks for the names in a bucket that was just copied.
    pub(super) fn note_names(&mut self, table: Table, bucket: u16, bytes: &[u8]) {
        let serving = self.serving.as_ref().map(|serving| serving.load.table);
        if serving != Some(table) {
            return;
        }
        for (name, index) in &mut self.named {
            if index.is_some_and(|index| application_bucket(index) == bucket) {
                *index = None;
            }
            if let Some(view) = applications::iter(bytes).find(|view| view.name() == name) {
                *index = Some(view.index());
            }
        }
    }

    /// Parts that the rules need whole and that are not held: all applications, where a rule names an anonymous one.
    pub fn missing_for_names(&self) -> impl Iterator<Item = Part> {
        let table = self.serving.as_ref().map(|serving| serving.load.table);
        table
            .filter(|_| !self.named.is_empty())
            .into_iter()
            .flat_map(buckets)
            .filter(|part| matches!(self.slot(*part), Some(Slot::Unknown)))
    }

    /// The application with this name. Only names given to [`Self::watch_application`] are found.
    #[must_use]
    pub fn application_named(&self, name: &str) -> Found<ApplicationView<'_>> {
        let Some(serving) = &self.serving else {
            return Found::Changing;
        };
        if let Some(part) = self.missing_for_names().next() {
            return Found::NotLoaded(part);
        }
        let index = self
            .named
            .iter()
            .find(|(known, _)| known == name)
            .and_then(|(_, index)| *index);
        index.map_or(Found::Absent, |index| {
            self.application(serving.load.table, serving.load.generation, index)
        })
    }
}

fn buckets(table: Table) -> impl Iterator<Item = Part> {
    (0..APPLICATION_BUCKETS).map(move |bucket| Part::Applications(table, bucket))
}
