//! How values are written: as they are, or in another encoding.

use std::io::{
    Read, Write, {self},
};

use rdb_scan::{
    ValueType,
    walk::{Sink, Walk, push_number},
};

use super::{
    Conversion, Written,
    record::{Place, begin},
};
use crate::{
    ConvertError, Policy,
    output::number_bytes,
    rewrite::{Fields, LARGE_BYTES, MAX_GIVEN_BACK, Way},
};

impl<'p, W: Write> Conversion<'p, W> {
    /// Writes a value as it is.
    pub(super) fn copy<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        place: &Place<'p>,
    ) -> Result<Written, ConvertError> {
        let head = walk.head();
        let value_type = head.value_type;
        begin(&mut self.head, head, value_type.id(), place.prefix);
        let output = &mut self.outputs[place.shard];
        output.begin(place.database, &self.head)?;
        if value_type == ValueType::HashExpiriesValkey {
            let (_, mut body) = walk.body(output);
            self.report.field_expiries_kept += self.rewriter.copied(&mut body)?;
            body.keep()?;
        } else {
            walk.pass(output)?;
        }
        Ok(Written::Kept)
    }

    pub(super) fn rewrite<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        way: Way,
        place: &Place<'p>,
    ) -> Result<Written, ConvertError> {
        let value_type = walk.head().value_type;
        let id = self.rewriter.id(value_type);
        begin(&mut self.head, walk.head(), id, place.prefix);
        let Self { outputs, rewriter, .. } = self;
        let output = &mut outputs[place.shard];
        let offset = walk.head().offset;
        let fields = match way {
            Way::Packed => {
                let fields = {
                    let mut ignored = ();
                    rewriter.packed(&mut walk.body(&mut ignored).1, value_type, offset)?
                };
                if !fields.is_nothing() {
                    output.begin(place.database, &self.head)?;
                    output.put(&rewriter.out)?;
                }
                fields
            }
            Way::Table => self.table(walk, place)?,
            Way::Template => {
                output.begin(place.database, &self.head)?;
                let templates = walk.templates().clone();
                let (_, mut body) = walk.body(output);
                rewriter.templated(&mut body, value_type, &templates, offset)?;
                body.keep()?;
                return Ok(Written::Kept);
            }
            Way::List => {
                output.begin(place.database, &self.head)?;
                let (_, mut body) = walk.body(output);
                rewriter.list(&mut body, offset)?;
                body.keep()?;
                return Ok(Written::Kept);
            }
            Way::Stream { from } => {
                output.begin(place.database, &self.head)?;
                let (_, mut body) = walk.body(output);
                let loss = rewriter.stream(&mut body, from, offset)?;
                body.keep()?;
                output.correct(loss.grown);
                let key = walk.head().key.clone();
                let mended = rewriter.facts.lengths.contains_key(&offset);
                self.report.repaired("streamLengths", u64::from(mended), Some(&key));
                self.report.lost("streamHistory", u64::from(loss.history), Some(&key));
                self.report.lost("groupEntriesRead", loss.entries_read, Some(&key));
                self.report.lost("consumerActiveTimes", loss.active_times, Some(&key));
                if loss.producers > 0 {
                    self.give_up("deduplication", loss.producers, Some(&key));
                }
                if loss.given_back > 0 {
                    self.give_up("givenBackEntries", loss.given_back, Some(&key));
                }
                return Ok(Written::Kept);
            }
        };
        self.count_fields(fields, &walk.head().key);
        Ok(if fields.is_nothing() { Written::Nothing } else { Written::Kept })
    }

    /// Counts what a hash has lost.
    fn count_fields(&mut self, fields: Fields, key: &[u8]) {
        self.report.repaired("duplicateMembers", fields.repeated, Some(key));
        if self.rewriter.keeps_expiries || fields.expiring + fields.expired == 0 {
            self.report.field_expiries_kept += fields.expiring;
        } else if self.options.policies.field_expiries == Policy::Refuse {
            self.give_up("fieldExpiries", fields.expiring, Some(key));
        } else {
            self.report.lost("fieldExpiries", fields.expiring, Some(key));
            self.report.lost("expiredFields", fields.expired, Some(key));
        }
    }

    /// Writes a value with the first of each member, or finds out whether one occurs twice.
    pub(super) fn different<R: Read>(
        &mut self,
        walk: &mut Walk<R>,
        place: &Place<'p>,
    ) -> Result<Written, ConvertError> {
        let (value_type, offset) = (walk.head().value_type, walk.head().offset);
        let id = self.rewriter.id(value_type);
        begin(&mut self.head, walk.head(), id, place.prefix);
        let Self { outputs, rewriter, head, .. } = self;
        let output = &mut outputs[place.shard];
        output.begin(place.database, head)?;
        let fields = if rewriter.planning {
            let (start, mut rows) = (walk.offset(), Counter(0));
            let fields = rewriter.different(&mut walk.body(&mut rows).1, value_type, offset, None)?;
            if fields.repeated > 0 {
                if rewriter.facts.different.len() >= MAX_GIVEN_BACK {
                    let what = "values in which a member occurs twice";
                    return Err(ConvertError::TooMany { what, most: MAX_GIVEN_BACK });
                }
                rewriter.facts.different.insert(offset, fields.kept);
                output.count(number_bytes(fields.kept) + rows.0);
            } else {
                output.count(walk.offset() - start);
            }
            fields
        } else {
            let count = rewriter.facts.different.get(&offset).copied();
            let (_, mut body) = walk.body(output);
            let fields = rewriter.different(&mut body, value_type, offset, count)?;
            body.keep()?;
            fields
        };
        if fields.repeated > 0 {
            self.report.keys_rewritten += 1;
            self.report.repaired("duplicateMembers", fields.repeated, Some(&walk.head().key));
        }
        Ok(Written::Kept)
    }

    /// Writes a hash whose fields have expiries.
    fn table<R: Read>(&mut self, walk: &mut Walk<R>, place: &Place<'p>) -> Result<Fields, ConvertError> {
        let Self { outputs, rewriter, head, buffered, .. } = self;
        let output = &mut outputs[place.shard];
        let (value_type, offset) = (walk.head().value_type, walk.head().offset);
        let count = if rewriter.planning { None } else { rewriter.facts.large.get(&offset).copied() };
        if rewriter.keeps_expiries || count.is_some_and(|kept| kept > 0) {
            output.begin(place.database, head)?;
            let (_, mut body) = walk.body(output);
            let fields = rewriter.table(&mut body, value_type, count)?;
            body.keep()?;
            return Ok(fields);
        }
        if rewriter.planning || count == Some(0) {
            let mut rows = Counter(0);
            let fields = {
                let (_, mut body) = walk.body(&mut rows);
                let fields = rewriter.table(&mut body, value_type, None)?;
                body.keep()?;
                fields
            };
            if rewriter.planning && rows.0 > LARGE_BYTES {
                rewriter.facts.large.insert(offset, fields.kept);
            }
            if rewriter.planning && !fields.is_nothing() {
                output.begin(place.database, head)?;
                output.count(number_bytes(fields.kept) + rows.0);
            }
            return Ok(fields);
        }
        buffered.clear();
        // A hash that is larger than it was in the plan ends here, and not the memory.
        let mut bounded = Bounded(buffered);
        let (_, mut body) = walk.body(&mut bounded);
        let fields = rewriter.table(&mut body, value_type, None)?;
        body.keep()?;
        if !fields.is_nothing() {
            push_number(head, fields.kept);
            output.begin(place.database, head)?;
            output.put(buffered)?;
        }
        Ok(fields)
    }
}

/// Counts bytes.
struct Counter(u64);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

/// Keeps bytes, as many as a hash may have that is not counted beforehand.
struct Bounded<'b>(&'b mut Vec<u8>);

impl Sink for Bounded<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if (self.0.len() + bytes.len()) as u64 > LARGE_BYTES {
            return Err(io::Error::other("a hash is larger than when it was read first"));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
