//! Streams without what newer versions added.

use std::io::Read;

use rdb_scan::{
    FaultCode,
    walk::{Body, Listpack, PackedEntry, Sink, WalkError, push_number},
};

use super::{MAX_GIVEN_BACK, MAX_PACKED_BYTES, Rewriter, broken, counted};
use crate::output::number_bytes;

/// What a stream loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StreamLoss {
    /// Whether the first id, the highest deleted id and the number of added entries go.
    pub(crate) history: bool,
    /// Groups that lose the number of entries they have read.
    pub(crate) entries_read: u64,
    /// Consumers that lose the time of their last activity.
    pub(crate) active_times: u64,
    /// Producers whose duplicates were recognized.
    pub(crate) producers: u64,
    /// Entries that consumers gave back.
    pub(crate) given_back: u64,
    /// By how many bytes the stream will be longer than it was written for a plan.
    pub(crate) grown: i64,
}

/// The pending entries of a group, as a plan has read them.
#[derive(Debug, Default)]
struct Pending {
    /// Bytes as they are, and as they are written anew without their number.
    stored_bytes: u64,
    bytes: u64,
    number: u64,
    /// Entries that were delivered so often that the number takes more than a byte, with how many it takes.
    often: Vec<([u8; 16], u8)>,
    /// Whether there are more of these.
    overflown: bool,
}

impl Pending {
    fn add(&mut self, id: [u8; 16], deliveries: u64) {
        let bytes = number_bytes(deliveries);
        self.bytes += ENTRY_BYTES + bytes;
        if bytes > 1 && self.often.len() < MAX_GIVEN_BACK {
            self.often.push((id, bytes as u8));
        } else {
            self.overflown |= bytes > 1;
        }
    }

    /// By how many bytes they grow without these.
    fn grown(&mut self, gone: &[[u8; 16]]) -> i64 {
        self.often.sort_unstable();
        let deliveries_bytes = |id: &[u8; 16]| {
            let place = self.often.binary_search_by(|(often, _)| often.cmp(id));
            place.ok().and_then(|place| self.often.get(place)).map_or(1, |(_, bytes)| u64::from(*bytes))
        };
        let gone_bytes: u64 = gone.iter().map(|id| ENTRY_BYTES + deliveries_bytes(id)).sum();
        let number = self.number.saturating_sub(gone.len() as u64);
        let bytes = number_bytes(number) + self.bytes.saturating_sub(gone_bytes);
        bytes.cast_signed() - self.stored_bytes.cast_signed()
    }
}

/// Id and time of a pending entry.
const ENTRY_BYTES: u64 = 24;

impl Rewriter {
    /// Writes a stream of a version that the target does not read.
    pub(crate) fn stream<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        from: u8,
        offset: u64,
    ) -> Result<StreamLoss, WalkError> {
        let to = self.stream_version.min(from);
        let mut loss = StreamLoss::default();
        loss.grown += self.nodes(body, offset)?;
        if from >= 2 && to < 2 {
            body.cut()?;
            loss.history = true;
        }
        if from >= 2 {
            body.numbers(5)?;
        }
        if from >= 2 && to < 2 {
            body.uncut();
        }
        for group in 0..body.count(4)? {
            body.text()?;
            body.numbers(2)?;
            if from >= 2 && to < 2 {
                body.cut()?;
                loss.entries_read += 1;
            }
            if from >= 2 {
                body.number()?;
            }
            if from >= 2 && to < 2 {
                body.uncut();
            }
            let mut pending = self.pending(body, (offset, group), from)?;
            for _ in 0..body.count(10)? {
                body.text()?;
                body.array::<8>()?;
                if from >= 3 && to < 3 {
                    body.cut()?;
                    loss.active_times += 1;
                }
                if from >= 3 {
                    body.array::<8>()?;
                }
                if from >= 3 && to < 3 {
                    body.uncut();
                }
                let owned = body.count(16)?;
                body.skip(16 * owned)?;
            }
            if from >= 5 {
                loss.given_back += self.given_back(body, (offset, group))?;
                if self.planning
                    && let Some(gone) = self.facts.given_back.get(&(offset, group))
                {
                    loss.grown += pending.grown(gone);
                    if pending.overflown {
                        let message = format!(
                            "more than {MAX_GIVEN_BACK} entries are pending that were delivered more than 63 times"
                        );
                        return broken(FaultCode::BadStream, offset, message);
                    }
                }
            }
        }
        if from >= 4 {
            body.cut()?;
            loss.producers = body.producers()?;
            body.uncut();
        }
        Ok(loss)
    }

    /// Writes nodes, the number of entries and the last id. Returns by how many bytes they will grow.
    fn nodes<R: Read, S: Sink>(&mut self, body: &mut Body<'_, R, S>, offset: u64) -> Result<i64, WalkError> {
        let mut grown = 0;
        let compares = self.repairs && self.planning;
        let mut entries = 0u64;
        for _ in 0..body.count(2)? {
            body.text()?;
            if compares {
                body.read_text(&mut self.packed, MAX_PACKED_BYTES)?;
                // A node begins with the number of its entries that are not deleted.
                if let Some(Ok(PackedEntry::Int(count))) = Listpack::new(&self.packed).next() {
                    entries = entries.saturating_add(count.unsigned_abs());
                }
            } else {
                body.text()?;
            }
        }
        if let Some(length) = self.facts.lengths.get(&offset) {
            body.cut()?;
            body.number()?;
            body.put(&counted(*length))?;
            body.uncut();
            body.numbers(2)?;
            return Ok(grown);
        }
        let start = body.offset();
        if body.number()? != entries && compares {
            if self.facts.lengths.len() >= MAX_GIVEN_BACK {
                let message = format!("more than {MAX_GIVEN_BACK} streams have a wrong length");
                return broken(FaultCode::BadStream, offset, message);
            }
            self.facts.lengths.insert(offset, entries);
            let stored_bytes = body.offset() - start;
            grown = number_bytes(entries).cast_signed() - stored_bytes.cast_signed();
        }
        body.numbers(2)?;
        Ok(grown)
    }

    /// Writes the pending entries of a group, without those that were given back: they belong to no consumer.
    fn pending<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        group: (u64, u64),
        from: u8,
    ) -> Result<Pending, WalkError> {
        let mut read = Pending::default();
        let gone = if self.planning { None } else { self.facts.given_back.get(&group) };
        let Some(gone) = gone else {
            let start = body.offset();
            read.number = body.count(ENTRY_BYTES + 1)?;
            for _ in 0..read.number {
                if self.planning && from >= 5 {
                    let id = body.array()?;
                    body.skip(8)?;
                    read.add(id, body.number()?);
                } else {
                    body.skip(ENTRY_BYTES)?;
                    body.number()?;
                }
            }
            read.stored_bytes = body.offset() - start;
            return Ok(read);
        };
        body.cut()?;
        let (pending, mut removed) = (body.count(25)?, 0);
        body.put(&counted(pending.saturating_sub(gone.len() as u64)))?;
        for _ in 0..pending {
            let (id, time) = (body.array::<16>()?, body.array::<8>()?);
            let deliveries = body.number()?;
            if gone.binary_search(&id).is_ok() {
                removed += 1;
            } else {
                self.out.clear();
                self.out.extend(id);
                self.out.extend(time);
                push_number(&mut self.out, deliveries);
                body.put(&self.out)?;
            }
        }
        if removed != gone.len() {
            return broken(FaultCode::BadStream, group.0, "an entry that was given back is not pending once");
        }
        body.uncut();
        Ok(read)
    }

    fn given_back<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        group: (u64, u64),
    ) -> Result<u64, WalkError> {
        body.cut()?;
        let count = body.count(16)?;
        let mut ids = Vec::new();
        for _ in 0..count {
            let id = body.array::<16>()?;
            if self.planning {
                ids.push(id);
                self.facts.given_back_ids += 1;
                if self.facts.given_back_ids > MAX_GIVEN_BACK {
                    let message = format!("consumers gave back more than {MAX_GIVEN_BACK} entries");
                    return broken(FaultCode::BadStream, group.0, message);
                }
            }
        }
        body.uncut();
        if !ids.is_empty() {
            ids.sort_unstable();
            ids.dedup();
            self.facts.given_back.insert(group, ids);
        }
        Ok(count)
    }
}
