//! Streams without what newer versions added.

use std::io::Read;

use rdb_scan::{
    FaultCode,
    walk::{Body, Listpack, PackedEntry, Sink, WalkError, push_number},
};

use super::{MAX_GIVEN_BACK, MAX_PACKED_BYTES, Rewriter, broken, counted};

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
}

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
        self.nodes(body, offset)?;
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
            self.pending(body, (offset, group))?;
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
            }
        }
        if from >= 4 {
            body.cut()?;
            loss.producers = body.producers()?;
            body.uncut();
        }
        Ok(loss)
    }

    /// Writes nodes, the number of entries and the last id.
    fn nodes<R: Read, S: Sink>(&mut self, body: &mut Body<'_, R, S>, offset: u64) -> Result<(), WalkError> {
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
        match self.facts.lengths.get(&offset) {
            Some(length) => {
                body.cut()?;
                body.number()?;
                body.put(&counted(*length))?;
                body.uncut();
            }
            None => {
                if body.number()? != entries && compares {
                    if self.facts.lengths.len() >= MAX_GIVEN_BACK {
                        let message = format!("more than {MAX_GIVEN_BACK} streams have a wrong length");
                        return broken(FaultCode::BadStream, offset, message);
                    }
                    self.facts.lengths.insert(offset, entries);
                }
            }
        }
        body.numbers(2)
    }

    /// Writes the pending entries of a group, without those that were given back: they belong to no consumer.
    fn pending<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        group: (u64, u64),
    ) -> Result<(), WalkError> {
        let gone = if self.planning { None } else { self.facts.given_back.get(&group) };
        let Some(gone) = gone else {
            for _ in 0..body.count(25)? {
                body.skip(24)?;
                body.number()?;
            }
            return Ok(());
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
        Ok(())
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
