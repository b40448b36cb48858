//! Consumer groups of a stream: the pending entries of the group, then its consumers with their share of them.

use serde::{Deserialize, Serialize};

use super::{
    ids::{Beyond, Id, IdList},
    text::Shared,
};
use crate::{
    bytes::{
        cursor::Cursor,
        hash::hash_member,
        stop::{Result, broken},
    },
    fault::{FaultCode, HazardCode},
    pieces::Piece,
};

/// The most ids that are read at once.
const MOST_IDS: u64 = 4096;

/// The groups of a stream, one after the other.
///
/// Servers keep groups, consumers and pending entries in radix trees: they load them in any order, and refuse
/// duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConsumerGroup {
    /// The index of the group.
    index: u64,
    names: Names,
    /// The pending entries of the group, those that belong to a consumer or were given back, and those of the current
    /// consumer.
    pending: IdList,
    shared_out: IdList,
    owned: IdList,
    consumers: u64,
    /// The index of the consumer.
    consumer: u64,
    consumer_names: Names,
    /// The number of ids still to come in the current list.
    left: u64,
    part: GroupPart,
}

/// The next part of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum GroupPart {
    #[default]
    Name,
    Position,
    Pending,
    ConsumerName,
    Consumer,
    Owned,
    AfterConsumers,
    GivenBack,
}

impl ConsumerGroup {
    /// Reads the next part. Returns true after the last part of a group.
    pub(crate) fn next(&mut self, cursor: &mut Cursor<'_>, version: u8, shared: &mut Shared) -> Result<bool> {
        self.part = match self.part {
            GroupPart::Name => {
                let name = shared.name(cursor)?;
                if self.names.is_again(name.as_deref()) {
                    let message = format!("group {} has the name of one before it", self.index);
                    shared.contain(bad::<()>(message))?;
                }
                shared.seen.pieces.push_text(name.as_deref().unwrap_or_default(), Piece::Group);
                GroupPart::Position
            }
            GroupPart::Position => {
                numbers(cursor, if version >= 2 { 3 } else { 2 })?;
                self.left = cursor.count(25)?;
                self.pending.clear();
                self.shared_out.clear();
                GroupPart::Pending
            }
            GroupPart::Pending if self.left > 0 => self.read_pending(cursor, shared)?,
            GroupPart::Pending => {
                self.consumers = cursor.count(10)?;
                self.consumer = 0;
                self.consumer_names = Names::default();
                GroupPart::ConsumerName
            }
            GroupPart::ConsumerName if self.consumer == self.consumers => GroupPart::AfterConsumers,
            GroupPart::ConsumerName => {
                let name = shared.name(cursor)?;
                if self.consumer_names.is_again(name.as_deref()) {
                    let message = format!("{} has the name of one before it", self.place());
                    shared.contain(bad::<()>(message))?;
                }
                shared.seen.pieces.push_text(name.as_deref().unwrap_or_default(), Piece::Consumer);
                GroupPart::Consumer
            }
            GroupPart::Consumer => {
                cursor.take(if version >= 3 { 16 } else { 8 })?;
                self.left = cursor.count(16)?;
                self.owned.clear();
                GroupPart::Owned
            }
            GroupPart::Owned if self.left > 0 => self.read_owned(cursor, shared)?,
            GroupPart::Owned => {
                if let Some(id) = self.owned.twice() {
                    let message = format!("{} has entry {id} twice", self.place());
                    shared.contain(bad::<()>(message))?;
                }
                self.consumer += 1;
                GroupPart::ConsumerName
            }
            GroupPart::AfterConsumers => {
                self.left = if version >= 5 { cursor.count(16)? } else { 0 };
                shared.seen.stream_state += self.left;
                GroupPart::GivenBack
            }
            GroupPart::GivenBack if self.left > 0 => {
                // In the order in which they were given back.
                for id in self.ids(cursor)? {
                    self.shared_out.add(Id::new(*id));
                }
                GroupPart::GivenBack
            }
            GroupPart::GivenBack => {
                let compared = self.compare(shared);
                shared.contain(compared)?;
                self.index += 1;
                self.part = GroupPart::Name;
                return Ok(true);
            }
        };
        Ok(false)
    }

    /// Whether ids have to be compared with each other because they are out of order.
    pub(crate) fn is_comparing(&self) -> bool {
        self.pending.is_disordered() || self.owned.is_disordered()
    }

    /// Reads entries of the group: id, time of delivery, number of deliveries.
    fn read_pending(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<GroupPart> {
        // Several at once, so that little is repeated when the bytes run out.
        let mut ids = [[0; 16]; 64];
        let count = self.left.min(64) as usize;
        for place in &mut ids[..count] {
            *place = cursor.array()?;
            cursor.array::<8>()?;
            cursor.number()?;
        }
        let ids = &ids[..count];
        for id in ids {
            self.pending.add(Id::new(*id));
        }
        self.left -= count as u64;
        shared.seen.pieces.push_text(ids.as_flattened(), Piece::Pending);
        Ok(GroupPart::Pending)
    }

    /// Reads the ids of the entries of a consumer.
    fn read_owned(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<GroupPart> {
        let ids = self.ids(cursor)?;
        for id in ids {
            let id = Id::new(*id);
            self.owned.add(id);
            self.shared_out.add(id);
        }
        shared.seen.pieces.push_text(ids.as_flattened(), Piece::Owned);
        Ok(GroupPart::Owned)
    }

    /// The next ids that are in memory, at most [`MOST_IDS`].
    fn ids<'w>(&mut self, cursor: &mut Cursor<'w>) -> Result<&'w [[u8; 16]]> {
        let at_hand = (cursor.rest().len() as u64 / 16).clamp(1, self.left.min(MOST_IDS));
        let ids = cursor.take(16 * at_hand as usize)?.as_chunks().0;
        self.left -= at_hand;
        Ok(ids)
    }

    /// Checks that each pending entry belongs to a consumer or was given back. Servers refuse an entry of a consumer
    /// that is not pending in the group. Most load a pending entry without a consumer, and some fail on it later.
    fn compare(&self, shared: &mut Shared) -> Result<()> {
        let Self { index, pending, shared_out, .. } = self;
        if let Some(id) = pending.twice() {
            return bad(format!("entry {id} is pending twice in group {index}"));
        }
        if pending.is_same(shared_out) {
            return Ok(());
        }
        if let Beyond::Id(id) = shared_out.beyond(pending) {
            return bad(format!(
                "a consumer of group {index} has entry {id}, which is not pending in the group"
            ));
        }
        match pending.beyond(shared_out) {
            Beyond::Nothing => Ok(()),
            Beyond::Id(id) => {
                let message = || format!("entry {id} is pending in group {index} and no consumer's");
                shared.seen.contradictions.note(HazardCode::OrphanedPending, message);
                Ok(())
            }
            Beyond::Unknown => {
                let (pending, owned) = (pending.count, shared_out.count);
                bad(format!(
                    "{pending} entries are pending in group {index}, and its consumers have {owned} others"
                ))
            }
        }
    }

    /// The current consumer, for messages.
    fn place(&self) -> String {
        format!("consumer {} of group {}", self.consumer, self.index)
    }
}

/// The names of groups or consumers, by their hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    #[serde(with = "crate::bytes::encoded::bytes")]
    last: Vec<u8>,
    /// Whether the names are out of order, so that the order does not prove a name new.
    disordered: bool,
    /// Not stored in a position.
    #[serde(skip)]
    hashes: Vec<u64>,
}

impl Names {
    /// The bytes of a name that are kept to check the order. Longer names are compared by hash as well.
    const MAX_BYTES: usize = 1 << 10;
    /// The most hashes that are kept. A duplicate of a name after these is not found.
    const MOST: usize = 4096;

    /// Takes the next name of the list. Returns whether it occurred before. `None` is a name that is too long to be
    /// read.
    fn is_again(&mut self, name: Option<&[u8]>) -> bool {
        let Some(name) = name else { return false };
        let hash = hash_member(name);
        let start = &name[..name.len().min(Self::MAX_BYTES)];
        let first = self.hashes.is_empty();
        self.disordered |= !first && *start <= *self.last;
        let as_last = !first && name.len() <= Self::MAX_BYTES && *name == *self.last;
        self.last.clear();
        self.last.extend_from_slice(start);
        let again = as_last || (self.disordered && self.hashes.contains(&hash));
        if self.hashes.len() < Self::MOST {
            self.hashes.push(hash);
        }
        again
    }
}

pub(super) fn numbers(cursor: &mut Cursor<'_>, count: u32) -> Result<()> {
    for _ in 0..count {
        cursor.number()?;
    }
    Ok(())
}

pub(super) fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadStream, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_name_are_found_after_any_number_of_names() {
        let mut names = Names::default();
        for number in 0..2 * Names::MOST {
            assert!(!names.is_again(Some(format!("{number:06}").as_bytes())), "{number}");
        }
        let last = format!("{:06}", 2 * Names::MOST - 1);
        assert!(names.is_again(Some(last.as_bytes())));
    }
}
