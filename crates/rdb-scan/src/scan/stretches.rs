//! What ends a stretch of keys that are copied as they are.
//!
//! Strings are the fast path of a scan and are not noticed, so they have to be among the types.

use super::Scan;
use crate::{
    format::{type_set::TypeSet, value_type::ValueType},
    parts::stretch::{Notes, Place, Stretch},
    scan::{template::Templates, visit::Visitor},
    walk::MAX_WALKED_KEY_BYTES,
};

impl<V: Visitor> Scan<V> {
    /// Starts to note stretches of keys of these types.
    pub(crate) fn note_stretches(&mut self, types: TypeSet, least_bytes: u64) {
        if types.contains(ValueType::String) {
            self.notes = Some(Box::new(Notes::new(types, least_bytes)));
        }
    }

    /// Begins a part at a file offset.
    pub(crate) fn begin_part(&mut self, offset: u64) {
        let at = self.place(offset);
        if let Some(notes) = &mut self.notes {
            notes.begin_part(at);
        }
    }

    /// Whether the current record is one of those that are not copied as they are.
    pub(super) fn ends_stretch(&self) -> bool {
        let current = &self.current;
        self.notes.as_ref().is_some_and(|notes| {
            !notes.types.contains(current.value_type)
                || self.mixed
                || current.foreign != 0
                || current.key.bytes > MAX_WALKED_KEY_BYTES
        })
    }

    /// Ends a stretch before the current record.
    pub(super) fn end_stretch(&mut self) {
        let at = self.place(self.current.offset);
        self.mixed = false;
        if let Some(notes) = &mut self.notes {
            notes.end(at);
        }
    }

    /// Begins a stretch at a file offset, after the current record.
    pub(crate) fn begin_stretch(&mut self, offset: u64) {
        let at = self.place(offset);
        if let Some(notes) = &mut self.notes {
            notes.begin(at);
        }
    }

    /// Notes the checksums of what has been read. `consumed` is the offset up to which bytes have been consumed, and
    /// `crc_at` returns the checksum up to an offset.
    pub(crate) fn note_crc(&mut self, consumed: u64, crc_at: &mut dyn FnMut(u64) -> Option<u64>) {
        let at = self.place(if self.is_at_boundary() { consumed } else { self.current.offset });
        if let Some(notes) = &mut self.notes {
            notes.reach(at, crc_at);
        }
    }

    /// The stretches of a part that ends at a file offset, with the least size of one. None are certain among
    /// templates, because ranges cannot be read without those.
    pub(crate) fn take_stretches(&mut self, end: u64) -> (Vec<Stretch>, u64) {
        let alone = self.templates().is_none_or(Templates::is_empty);
        let Some(notes) = &mut self.notes else { return (Vec::new(), 0) };
        let stretches = notes.take(end);
        (if alone { stretches } else { Vec::new() }, notes.least_bytes)
    }

    fn place(&self, offset: u64) -> Place {
        Place { offset, keys: self.keys, expires: self.visitor.expires(), database: self.database }
    }
}
