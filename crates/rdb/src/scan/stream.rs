//! Streams: nodes of entries, then consumer groups, then idempotent producers.
use serde::{Deserialize, Serialize};

use super::ahead::Then;
use super::text::Shared;
use crate::cursor::{Cursor, Text};
use crate::fault::FaultCode;
use crate::packed::Packing;
use crate::stop::{Result, broken};

/// A stream that is being read, in version 1 to 5 of its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stream {
    version: u8,
    nodes: u64,
    nodes_left: u64,
    /// Entries that the stream says it has.
    length: u64,
    groups_left: u64,
    pending: u64,
    consumers_left: u64,
    producers_left: u64,
    ids_left: u64,
    part: Part,
}

/// What comes next of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Part {
    Node,
    Numbers,
    GroupName,
    GroupPosition,
    Pending(u64),
    ConsumerName,
    Consumer,
    AfterConsumers,
    Producers,
    ProducerName,
    ProducerIds,
    ProducerId,
    ProducerIdNumbers,
    AfterProducers,
    End,
}

impl Stream {
    /// Reads the number of nodes.
    pub(crate) fn begin(cursor: &mut Cursor<'_>, version: u8) -> Result<Self> {
        let nodes = cursor.count(2)?;
        Ok(Self {
            version,
            nodes,
            nodes_left: nodes,
            length: 0,
            groups_left: 0,
            pending: 0,
            consumers_left: 0,
            producers_left: 0,
            ids_left: 0,
            part: Part::Node,
        })
    }

    /// Entries that the stream says it has.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads up to the end, or up to a string that is not all there.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while self.part != Part::End && shared.open.is_none() {
            self.part = self.next(cursor, shared)?;
            cursor.commit();
        }
        Ok(())
    }

    /// Reads one part; gives the one that follows it.
    fn next(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Part> {
        Ok(match self.part {
            Part::Node if self.nodes_left == 0 => Part::Numbers,
            Part::Node => {
                let node = self.nodes - self.nodes_left;
                node_key(cursor, node)?;
                let then = Then::StreamNodes(self.nodes_left - 1);
                shared.packed(cursor, Packing::ListpackNode(node), then)?;
                self.nodes_left -= 1;
                Part::Node
            }
            Part::Numbers => {
                self.length = cursor.number()?;
                if self.length > 0 && self.nodes == 0 {
                    return bad(format!("stream says it has {} entries but it has no node", self.length));
                }
                numbers(cursor, if self.version >= 2 { 7 } else { 2 })?;
                self.groups_left = cursor.count(4)?;
                self.next_group()
            }
            Part::GroupName => {
                shared.pass(cursor, Then::Other)?;
                Part::GroupPosition
            }
            Part::GroupPosition => {
                numbers(cursor, if self.version >= 2 { 3 } else { 2 })?;
                self.pending = cursor.count(25)?;
                Part::Pending(self.pending)
            }
            Part::Pending(0) => {
                self.consumers_left = cursor.count(10)?;
                self.next_consumer()
            }
            Part::Pending(left) => pending(cursor, left)?,
            Part::ConsumerName => {
                shared.pass(cursor, Then::Other)?;
                Part::Consumer
            }
            Part::Consumer => {
                cursor.take(if self.version >= 3 { 16 } else { 8 })?;
                let owned = cursor.count(16)?;
                if owned > self.pending {
                    let pending = self.pending;
                    return bad(format!("a consumer has {owned} pending entries, its group only {pending}"));
                }
                shared.pass_bytes(cursor, owned * 16);
                self.consumers_left -= 1;
                self.next_consumer()
            }
            Part::AfterConsumers => {
                if self.version >= 5 {
                    let nacked = cursor.count(16)?;
                    shared.pass_bytes(cursor, nacked * 16);
                }
                self.groups_left -= 1;
                self.next_group()
            }
            Part::Producers => {
                numbers(cursor, 2)?;
                self.producers_left = cursor.count(2)?;
                self.next_producer()
            }
            Part::ProducerName => {
                shared.pass(cursor, Then::Other)?;
                Part::ProducerIds
            }
            Part::ProducerIds => {
                self.ids_left = cursor.count(3)?;
                self.next_id()
            }
            Part::ProducerId => {
                shared.pass(cursor, Then::Other)?;
                Part::ProducerIdNumbers
            }
            Part::ProducerIdNumbers => {
                numbers(cursor, 2)?;
                self.ids_left -= 1;
                self.next_id()
            }
            Part::AfterProducers => {
                numbers(cursor, 2)?;
                Part::End
            }
            Part::End => Part::End,
        })
    }

    fn next_group(&self) -> Part {
        match self.groups_left {
            0 if self.version >= 4 => Part::Producers,
            0 => Part::End,
            _ => Part::GroupName,
        }
    }

    fn next_consumer(&self) -> Part {
        if self.consumers_left == 0 { Part::AfterConsumers } else { Part::ConsumerName }
    }

    fn next_producer(&self) -> Part {
        if self.producers_left == 0 { Part::AfterProducers } else { Part::ProducerName }
    }

    fn next_id(&mut self) -> Part {
        if self.ids_left > 0 {
            return Part::ProducerId;
        }
        self.producers_left -= 1;
        self.next_producer()
    }
}

/// The key of a node: the id of its first entry.
fn node_key(cursor: &mut Cursor<'_>, node: u64) -> Result<()> {
    let bytes = match cursor.text()? {
        Text::Raw(16) => return cursor.take(16).map(drop),
        Text::Raw(bytes) => bytes,
        // 16 bytes are never compressed, and no integer has as many digits.
        Text::Int(number) => number.to_string().len() as u64,
        Text::Lzf { unpacked, .. } => unpacked,
    };
    bad(format!("node {node} has a key of {bytes} bytes; expected 16"))
}

/// Pending entries: id, time of delivery, number of deliveries.
fn pending(cursor: &mut Cursor<'_>, mut left: u64) -> Result<Part> {
    // Some at once, so that little is done again where the bytes end.
    for _ in 0..left.min(64) {
        cursor.take(24)?;
        cursor.number()?;
        left -= 1;
    }
    Ok(Part::Pending(left))
}

fn numbers(cursor: &mut Cursor<'_>, count: u32) -> Result<()> {
    for _ in 0..count {
        cursor.number()?;
    }
    Ok(())
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadStream, message)
}
