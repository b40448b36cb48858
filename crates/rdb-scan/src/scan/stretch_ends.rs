//! What ends a stretch of keys that are copied as they are.
//!
//! Strings are the fast path of a scan and are not noticed, so they have to be among the types.

use super::{
    Scan,
    stretch::{Notes, Place, Stretch},
    visit::Visitor,
};
use crate::format::{MAX_WALKED_KEY_BYTES, type_set::TypeSet, value_type::ValueType};

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

    /// Whether stretches are noted. Where keys pass, nothing else is asked if they are not.
    #[inline(always)]
    pub(crate) fn is_noting(&self) -> bool {
        self.notes.is_some()
    }

    /// Ends a stretch before the current key, which has just been reported and ends at `end`, if it is one of those
    /// that are not copied as they are. A hash that refers to a template never is.
    #[cold]
    #[inline(never)]
    pub(super) fn note_record(&mut self, end: u64) {
        let current = &self.current;
        let is_copied = !self.mixed
            && current.foreign == 0
            && current.key.bytes <= MAX_WALKED_KEY_BYTES
            && !current.value_type.needs_template()
            && self.notes.as_ref().is_some_and(|notes| notes.types.contains(current.value_type));
        if !is_copied {
            self.part_stretches(end, 1, u64::from(current.expires_at_ms.is_some()));
        }
    }

    /// Ends a stretch before the current record, which is that of no key and ends at `end`.
    #[cold]
    #[inline(never)]
    pub(super) fn note_opcode(&mut self, end: u64) {
        self.part_stretches(end, 0, 0);
    }

    /// Ends a stretch before the current record, and begins the next one after it. `keys` and `expires` are what the
    /// record has added to the counts.
    fn part_stretches(&mut self, end: u64, keys: u64, expires: u64) {
        self.mixed = false;
        let after = self.place(end);
        let before = Place {
            offset: self.current.offset,
            keys: after.keys.saturating_sub(keys),
            expires: after.expires.saturating_sub(expires),
            database: None,
        };
        if let Some(notes) = &mut self.notes {
            notes.end(before);
            notes.begin(after);
        }
    }

    /// Begins a stretch at a file offset.
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

    /// The stretches of a part that ends at a file offset, with the least size of one. There are none if templates
    /// follow the first key: ranges around stretches are read with those of the head.
    pub(crate) fn take_stretches(&mut self, end: u64) -> (Vec<Stretch>, u64) {
        let late = self.templates().is_some_and(|templates| templates.has_late());
        let Some(notes) = &mut self.notes else { return (Vec::new(), 0) };
        let stretches = notes.take(end);
        (if late { Vec::new() } else { stretches }, notes.least_bytes)
    }

    fn place(&self, offset: u64) -> Place {
        Place { offset, keys: self.keys, expires: self.visitor.expires(), database: self.database }
    }
}
