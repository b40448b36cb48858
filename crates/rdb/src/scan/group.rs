//! Consumer groups of a stream: the entries that are pending in the group, then its consumers with their share of them.
use std::fmt;

use serde::{Deserialize, Serialize};

use super::text::Shared;
use crate::cursor::Cursor;
use crate::fault::FaultCode;
use crate::hash::fold;
use crate::pieces::Piece;
use crate::stop::{Result, broken};

/// The id of a stream entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub(crate) struct Id(u64, u64);

/// So many ids are read at once.
const MOST_IDS: u64 = 4096;

/// The groups of a stream, one after the other.
///
/// Servers keep groups, consumers and pending entries in radix trees and write them in the order of those: nothing is
/// there twice where each is greater than the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Group {
    /// How many groups came before this one.
    index: u64,
    name: Name,
    /// The entries that are pending in the group, and those that are a consumer's or were given back.
    pending: Ids,
    shared_out: Ids,
    consumers: u64,
    /// How many consumers came before this one.
    consumer: u64,
    consumer_name: Name,
    list: List,
    part: Part,
}

/// What comes next of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Part {
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

impl Group {
    /// Reads the next part; true behind the last one of a group.
    pub(crate) fn next(&mut self, cursor: &mut Cursor<'_>, version: u8, shared: &mut Shared) -> Result<bool> {
        self.part = match self.part {
            Part::Name => {
                let name = shared.name(cursor)?;
                if !self.name.follow(name.as_deref(), self.index == 0) {
                    let message = format!("the name of group {} is not after the one before it", self.index);
                    shared.contain(bad::<()>(message))?;
                }
                shared.seen.pieces.push_text(name.as_deref().unwrap_or_default(), Piece::Group);
                Part::Position
            }
            Part::Position => {
                numbers(cursor, if version >= 2 { 3 } else { 2 })?;
                self.list = List::new(cursor.count(25)?);
                (self.pending, self.shared_out) = (Ids::default(), Ids::default());
                Part::Pending
            }
            Part::Pending if self.list.left > 0 => self.read_pending(cursor, shared)?,
            Part::Pending => {
                self.consumers = cursor.count(10)?;
                self.consumer = 0;
                Part::ConsumerName
            }
            Part::ConsumerName if self.consumer == self.consumers => Part::AfterConsumers,
            Part::ConsumerName => {
                let name = shared.name(cursor)?;
                if !self.consumer_name.follow(name.as_deref(), self.consumer == 0) {
                    let message = format!("the name of {} is not after the one before it", self.place());
                    shared.contain(bad::<()>(message))?;
                }
                shared.seen.pieces.push_text(name.as_deref().unwrap_or_default(), Piece::Consumer);
                Part::Consumer
            }
            Part::Consumer => {
                cursor.take(if version >= 3 { 16 } else { 8 })?;
                self.list = List::new(cursor.count(16)?);
                Part::Owned
            }
            Part::Owned if self.list.left > 0 => self.read_owned(cursor, shared)?,
            Part::Owned => {
                self.consumer += 1;
                Part::ConsumerName
            }
            Part::AfterConsumers => {
                self.list = List::new(if version >= 5 { cursor.count(16)? } else { 0 });
                Part::GivenBack
            }
            Part::GivenBack if self.list.left > 0 => {
                // In the order in which they were given back.
                for id in self.list.ids(cursor)? {
                    let id = Id::new(*id);
                    self.list.pass(id);
                    self.shared_out.add(id);
                }
                Part::GivenBack
            }
            Part::GivenBack => {
                shared.contain(self.compare())?;
                self.index += 1;
                self.part = Part::Name;
                return Ok(true);
            }
        };
        Ok(false)
    }

    /// Entries of the group: id, time of delivery, number of deliveries.
    fn read_pending(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Part> {
        let (mut list, mut pending) = (self.list, self.pending);
        let mut wrong = None;
        // Some at once, so that little is done again where the bytes end.
        let mut ids = [[0; 16]; 64];
        let count = list.left.min(64) as usize;
        for place in &mut ids[..count] {
            *place = cursor.array()?;
            cursor.array::<8>()?;
            cursor.number()?;
            let id = Id::new(*place);
            if !list.pass(id) {
                wrong.get_or_insert(id);
            }
            pending.add(id);
        }
        shared.seen.pieces.push_text(ids[..count].as_flattened(), Piece::Pending);
        (self.list, self.pending) = (list, pending);
        if let Some(id) = wrong {
            let message =
                format!("pending entry {id} of group {} is not after the one before it", self.index);
            shared.contain(bad::<()>(message))?;
        }
        Ok(Part::Pending)
    }

    /// Ids of the entries that a consumer has.
    fn read_owned(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Part> {
        let mut wrong = None;
        let ids = self.list.ids(cursor)?;
        for id in ids {
            let id = Id::new(*id);
            if !self.list.pass(id) {
                wrong.get_or_insert(id);
            }
            self.shared_out.add(id);
        }
        shared.seen.pieces.push_text(ids.as_flattened(), Piece::Owned);
        if let Some(id) = wrong {
            let message = format!("entry {id} of {} is not after the one before it", self.place());
            shared.contain(bad::<()>(message))?;
        }
        Ok(Part::Owned)
    }

    /// Whether each pending entry is a consumer's or was given back: servers refuse what is not pending in the group,
    /// and fall over what is nobody's.
    fn compare(&self) -> Result<()> {
        let Self { index, pending, shared_out, .. } = self;
        if pending == shared_out {
            return Ok(());
        }
        bad(if pending.count == shared_out.count {
            format!(
                "the {} entries pending in group {index} are not those that its consumers have",
                pending.count
            )
        } else {
            let (pending, owned) = (pending.count, shared_out.count);
            format!("{pending} entries are pending in group {index}, but its consumers have {owned}")
        })
    }

    /// The consumer that is being read.
    fn place(&self) -> String {
        format!("consumer {} of group {}", self.consumer, self.index)
    }
}

/// A list of ids that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    left: u64,
    last: Option<Id>,
}

impl List {
    fn new(ids: u64) -> Self {
        Self { left: ids, last: None }
    }

    /// As many of the next ids as are at hand, or some of them.
    fn ids<'w>(&self, cursor: &mut Cursor<'w>) -> Result<&'w [[u8; 16]]> {
        let at_hand = (cursor.rest().len() as u64 / 16).clamp(1, self.left.min(MOST_IDS));
        Ok(cursor.take(16 * at_hand as usize)?.as_chunks().0)
    }

    /// Goes on behind an id; false if it is not greater than the one before.
    fn pass(&mut self, id: Id) -> bool {
        self.left -= 1;
        self.last.replace(id) < Some(id)
    }
}

/// What two lists of the same ids have in common, in whatever order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    count: u64,
    #[serde(with = "crate::encoded")]
    hashes: u64,
}

impl Ids {
    fn add(&mut self, Id(milliseconds, sequence): Id) {
        let hash = fold(milliseconds ^ 0x9e37_79b9_7f4a_7c15, sequence ^ 0xd1b5_4a32_d192_ed03);
        self.count += 1;
        self.hashes = self.hashes.wrapping_add(hash);
    }
}

impl Id {
    /// The two big-endian numbers that it is written as.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_be_bytes()
    }

    /// From the two big-endian numbers that it is written as.
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self((both >> 64) as u64, both as u64)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// The last one of a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Name(#[serde(with = "crate::encoded::bytes")] Vec<u8>);

impl Name {
    /// Longer names are compared by their first bytes alone.
    const MAX_BYTES: usize = 1 << 10;

    /// Takes the next name of the list; false if it is not greater. None is one too long to be looked at.
    fn follow(&mut self, name: Option<&[u8]>, first: bool) -> bool {
        let Some(name) = name else { return true };
        let long = name.len() > Self::MAX_BYTES;
        let name = &name[..name.len().min(Self::MAX_BYTES)];
        let follows = first || *name > *self.0 || (long && *name == *self.0);
        self.0.clear();
        self.0.extend_from_slice(name);
        follows
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
