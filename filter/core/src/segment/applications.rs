//! A bucket of applications, ordered by index.

use alloc::{string::String, vec::Vec};

use super::{
    HEADER_LENGTH, Header, array, heap_text, is_header_text, partition_point, push_short,
    push_text, short_number,
};
use crate::{feed::Application, ids::ObjectId};

/// The table's byte in a part's header.
pub const TABLE: u8 = 2;

/// Bytes of one record; its name and custom id come on top.
pub const RECORD_LENGTH: usize = 24;

/// The longest name, and the longest custom id.
pub const MAX_TEXT_LENGTH: usize = 256;

const ID: usize = 4;
const FLAGS: usize = 20;
const HEAP: usize = 21;
const ENABLED: u8 = 1;

/// Packs applications into a bucket. Those whose texts may not stand in a header are left out.
#[must_use]
pub fn pack(generation: u32, revision: u64, mut applications: Vec<Application>) -> Vec<u8> {
    applications.retain(is_sound);
    applications.sort_unstable_by_key(|application| application.index);
    applications.dedup_by_key(|application| application.index);
    let records_length = applications.len().saturating_mul(RECORD_LENGTH);
    let heap_start = HEADER_LENGTH.saturating_add(records_length);
    let mut bytes = Vec::with_capacity(heap_start);
    let mut heap = Vec::new();
    let header = Header {
        count: u32::try_from(applications.len()).unwrap_or(0),
        generation,
        revision,
    };
    header.write(TABLE, &mut bytes);
    for application in &applications {
        bytes.extend(application.index.to_le_bytes());
        bytes.extend(application.id.0);
        bytes.push(if application.enabled { ENABLED } else { 0 });
        let heap_at = heap_start.saturating_add(heap.len());
        push_short::<3>(&mut bytes, u64::try_from(heap_at).unwrap_or(0));
        push_text(&mut heap, &application.name);
        push_text(
            &mut heap,
            application.custom_id.as_deref().unwrap_or_default(),
        );
    }
    bytes.append(&mut heap);
    bytes
}

fn is_sound(application: &Application) -> bool {
    is_header_text(&application.name, MAX_TEXT_LENGTH)
        && application
            .custom_id
            .as_ref()
            .is_none_or(|text| is_header_text(text, MAX_TEXT_LENGTH))
}

/// Unpacks a bucket, for changing it. Empty when the bytes are not one.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Vec<Application> {
    iter(bytes).map(ApplicationView::to_record).collect()
}

/// Every application of a bucket.
pub fn iter(bytes: &[u8]) -> impl Iterator<Item = ApplicationView<'_>> {
    let count = Header::read(bytes, TABLE)
        .and_then(|header| usize::try_from(header.count).ok())
        .unwrap_or(0);
    (0..count).map_while(|index| record(bytes, index))
}

/// Finds an application by its index.
#[must_use]
pub fn find(bytes: &[u8], index: u32) -> Option<ApplicationView<'_>> {
    let header = Header::read(bytes, TABLE)?;
    let count = usize::try_from(header.count).ok()?;
    let at = partition_point(count, |place| {
        record(bytes, place).is_some_and(|view| view.index() < index)
    });
    record(bytes, at).filter(|view| at < count && view.index() == index)
}

fn record(bytes: &[u8], place: usize) -> Option<ApplicationView<'_>> {
    let start = place
        .checked_mul(RECORD_LENGTH)?
        .checked_add(HEADER_LENGTH)?;
    let record = bytes.get(start..)?.get(..RECORD_LENGTH)?;
    Some(ApplicationView {
        part: bytes,
        record,
    })
}

/// One application, read in place.
#[derive(Clone, Copy)]
pub struct ApplicationView<'a> {
    part: &'a [u8],
    record: &'a [u8],
}

impl<'a> ApplicationView<'a> {
    /// By which credentials refer to it.
    #[must_use]
    pub fn index(&self) -> u32 {
        array(self.record, 0).map_or(u32::MAX, u32::from_le_bytes)
    }

    /// The application's id.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        ObjectId(array(self.record, ID).unwrap_or_default())
    }

    /// Sent upstream as `X-Consumer-Username`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.texts().map_or("", |(name, _)| name)
    }

    /// Sent upstream as `X-Consumer-Custom-ID`.
    #[must_use]
    pub fn custom_id(&self) -> Option<&'a str> {
        self.texts()
            .map(|(_, custom_id)| custom_id)
            .filter(|text| !text.is_empty())
    }

    /// Whether its credentials are honoured. One whose name cannot be read is not.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.record
            .get(FLAGS)
            .is_some_and(|flags| flags & ENABLED != 0)
            && !self.name().is_empty()
    }

    fn texts(&self) -> Option<(&'a str, &'a str)> {
        let at = usize::try_from(short_number::<3>(self.record, HEAP)?).ok()?;
        let name = heap_text(self.part, at)?;
        let custom_id = heap_text(self.part, at.checked_add(2)?.checked_add(name.len())?)?;
        Some((
            core::str::from_utf8(name).ok()?,
            core::str::from_utf8(custom_id).ok()?,
        ))
    }

    fn to_record(self) -> Application {
        Application {
            index: self.index(),
            id: self.id(),
            name: String::from(self.name()),
            custom_id: self.custom_id().map(String::from),
            enabled: self.enabled(),
        }
    }
}

impl core::fmt::Debug for ApplicationView<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ApplicationView")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
