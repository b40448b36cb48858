//! What becomes of a key: whether it stays, under which name, in which file.

use std::io::{Read, Write};

use rdb_scan::{
    SLOTS, ValueType, key_slot,
    walk::{Head, Walk},
};

use super::{Conversion, Written};
use crate::{
    ConvertError, OnConflict,
    filter::why_gone,
    output::push_text,
    rewrite::{Rewriter, Way},
};

/// No server holds a longer key.
const MAX_KEY_BYTES: usize = 512 << 20;

/// Where a record goes.
pub(super) struct Place<'p> {
    pub(super) shard: usize,
    pub(super) database: u64,
    /// What precedes the key.
    pub(super) prefix: &'p [u8],
}

impl<'p, W: Write> Conversion<'p, W> {
    pub(super) fn record<R: Read>(&mut self, walk: &mut Walk<R>) -> Result<(), ConvertError> {
        self.report.keys_read += 1;
        let head = walk.head();
        let options = self.options;
        let Some((database, prefix)) = options.databases.of(head.database) else {
            self.report.dropped("database", &head.key);
            return Ok(());
        };
        if let Some(reason) = why_gone(options, head) {
            self.report.dropped(reason, &head.key);
            return Ok(());
        }
        if head.key.len() + prefix.len() > MAX_KEY_BYTES {
            self.report.refuse("key-too-long", Some(&head.key));
            return Ok(());
        }
        let way = if options.target.reads(head.value_type, self.survey.magic) {
            Way::of_stream(head.value_type).filter(|_| options.repair)
        } else {
            let Some(way) = Way::of(head.value_type) else {
                let module = head.value_type == ValueType::Module;
                self.give_up(if module { "modules" } else { "unsupportedTypes" }, 1, Some(&head.key));
                return Ok(());
            };
            Some(way)
        };
        if head.metadata > 0 {
            self.give_up("keyMetadata", head.metadata, Some(&head.key));
        }
        if options.repair && walk.is_empty_collection()? {
            self.report.repaired("emptyCollections", 1, Some(&walk.head().key));
            return Ok(());
        }
        let head = walk.head();
        if self.is_superseded(database, prefix, head) {
            return Ok(());
        }
        let expires = head.expires_at_ms.is_some();
        let place = Place { shard: self.shard(prefix, &head.key), database, prefix };
        if let Written::Nothing = self.value(walk, way, &place)? {
            self.report.dropped("expiredFields", &walk.head().key);
        } else {
            self.count_key(place.shard, database, expires);
        }
        Ok(())
    }

    fn value<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        way: Option<Way>,
        place: &Place<'p>,
    ) -> Result<Written, ConvertError> {
        let head = walk.head();
        let rewriter = &self.rewriter;
        let compared = self.options.repair && way.is_none() && Rewriter::compares(head.value_type);
        match way {
            None if compared
                && (rewriter.planning || rewriter.facts.different.contains_key(&head.offset)) =>
            {
                self.different(walk, place)
            }
            None => self.copy(walk, place),
            Some(way) => {
                let written = self.rewrite(walk, way, place)?;
                self.report.keys_rewritten += u64::from(matches!(written, Written::Kept));
                Ok(written)
            }
        }
    }

    /// The file that a key goes to: each has an equal share of the slots.
    fn shard(&self, prefix: &[u8], key: &[u8]) -> usize {
        let files = self.outputs.len().max(1);
        if files == 1 {
            return 0;
        }
        let slot = if prefix.is_empty() { key_slot(key) } else { key_slot(&[prefix, key].concat()) };
        // The first slot of file n is n * slots / files, rounded down.
        (((usize::from(slot) + 1) * files - 1) / SLOTS).min(files - 1)
    }

    /// Whether another key with this name goes into the new file, and this one does not.
    fn is_superseded(&mut self, database: u64, prefix: &[u8], head: &Head) -> bool {
        let repeated = self.survey.repeated.place(database, prefix, &head.key, head.offset);
        let Some((first, last)) = repeated else { return false };
        let key = [prefix, &head.key].concat();
        if self.options.repair && self.options.databases.is_keep() {
            self.report.repaired("duplicateKeys", u64::from(!first), Some(&key));
            return !first;
        }
        if first {
            self.report.conflict(&key);
        }
        let superseded = match self.options.on_conflict {
            OnConflict::Refuse => {
                if first {
                    self.report.refuse("conflicts", Some(&key));
                }
                return false;
            }
            OnConflict::First => !first,
            OnConflict::Last => !last,
        };
        if superseded {
            self.report.dropped("conflict", &key);
        }
        superseded
    }
}

/// Writes what precedes a value: prefixes, type and key.
pub(super) fn begin(out: &mut Vec<u8>, head: &Head, id: u8, prefix: &[u8]) {
    out.clear();
    out.extend_from_slice(&head.prefixes);
    out.push(id);
    if prefix.is_empty() {
        out.extend_from_slice(&head.raw_key);
    } else {
        push_text(out, &[prefix, &head.key].concat());
    }
}
