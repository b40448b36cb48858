//! Streams: nodes of entries, then consumer groups, then idempotent producers.

use serde::{Deserialize, Serialize};

use super::{
    ahead::Then,
    group::{ConsumerGroup, bad, numbers},
    ids::{Id, IdList},
    text::Shared,
};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        stop::Result,
    },
    fault::HazardCode,
    packed::Packing,
    pieces::Piece,
};

/// The state of a stream in version 1 to 5 of its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stream {
    version: u8,
    nodes: u64,
    nodes_left: u64,
    node_keys: IdList,
    /// The number of entries in the nodes.
    entries: u64,
    /// The number of entries that the stream declares.
    length: u64,
    groups_left: u64,
    group: ConsumerGroup,
    producers_left: u64,
    ids_left: u64,
    part: StreamPart,
}

/// The next part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StreamPart {
    Node,
    Numbers,
    ConsumerGroup,
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
            node_keys: IdList::default(),
            entries: 0,
            length: 0,
            groups_left: 0,
            group: ConsumerGroup::default(),
            producers_left: 0,
            ids_left: 0,
            part: StreamPart::Node,
        })
    }

    /// The number of entries that the stream declares.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn is_done(&self) -> bool {
        self.part == StreamPart::End
    }

    /// Whether ids have to be compared with each other because they are out of order.
    pub(crate) fn is_comparing(&self) -> bool {
        self.node_keys.is_disordered() || self.group.is_comparing()
    }

    /// Adds the entries of a node that was open and has ended.
    pub(crate) fn add_entries(&mut self, entries: u64) {
        self.entries += entries;
    }

    /// Reads up to the end, or up to a string that is not complete.
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while !self.is_done() && !shared.is_interrupted() {
            self.part = self.next(cursor, shared)?;
            cursor.commit();
        }
        Ok(())
    }

    /// Reads one part. Returns the next one.
    fn next(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<StreamPart> {
        Ok(match self.part {
            StreamPart::Node if self.nodes_left == 0 => StreamPart::Numbers,
            StreamPart::Node => {
                let node = self.nodes - self.nodes_left;
                let id = node_key(cursor, node)?;
                let then = Then::StreamNodes(self.nodes_left - 1);
                self.entries += shared.packed(cursor, Packing::ListpackNode(node), then)?;
                shared.seen.pieces.push_text(&id.to_bytes(), Piece::StreamNode);
                // Not earlier: if the bytes run out, all of this is repeated.
                self.node_keys.add(id);
                self.nodes_left -= 1;
                StreamPart::Node
            }
            StreamPart::Numbers => {
                self.length = cursor.number()?;
                let Self { length, entries, nodes, .. } = self;
                if *nodes == 0 && *length > 0 {
                    let message = || format!("stream says it has {length} entries but has no node");
                    shared.seen.contradictions.note(HazardCode::StreamWithoutNodes, message);
                } else if length != entries {
                    let message = || {
                        format!("stream says it has {length} entries but its {nodes} nodes have {entries}")
                    };
                    shared.seen.contradictions.note(HazardCode::StreamLength, message);
                }
                if let Some(id) = self.node_keys.twice() {
                    shared.contain(bad::<()>(format!("two nodes of the stream begin at entry {id}")))?;
                }
                self.node_keys = IdList::default();
                numbers(cursor, if self.version >= 2 { 7 } else { 2 })?;
                self.groups_left = cursor.count(4)?;
                self.next_group()
            }
            StreamPart::ConsumerGroup => {
                if !self.group.next(cursor, self.version, shared)? {
                    return Ok(StreamPart::ConsumerGroup);
                }
                self.groups_left -= 1;
                self.next_group()
            }
            StreamPart::Producers => {
                numbers(cursor, 2)?;
                self.producers_left = cursor.count(2)?;
                shared.seen.stream_state += self.producers_left;
                self.next_producer()
            }
            StreamPart::ProducerName => {
                shared.pass(cursor, Then::Other)?;
                StreamPart::ProducerIds
            }
            StreamPart::ProducerIds => {
                self.ids_left = cursor.count(3)?;
                self.next_id()
            }
            StreamPart::ProducerId => {
                shared.pass(cursor, Then::Other)?;
                StreamPart::ProducerIdNumbers
            }
            StreamPart::ProducerIdNumbers => {
                numbers(cursor, 2)?;
                self.ids_left -= 1;
                self.next_id()
            }
            StreamPart::AfterProducers => {
                numbers(cursor, 2)?;
                StreamPart::End
            }
            StreamPart::End => StreamPart::End,
        })
    }

    fn next_group(&self) -> StreamPart {
        match self.groups_left {
            0 if self.version >= 4 => StreamPart::Producers,
            0 => StreamPart::End,
            _ => StreamPart::ConsumerGroup,
        }
    }

    fn next_producer(&self) -> StreamPart {
        if self.producers_left == 0 { StreamPart::AfterProducers } else { StreamPart::ProducerName }
    }

    fn next_id(&mut self) -> StreamPart {
        if self.ids_left > 0 {
            return StreamPart::ProducerId;
        }
        self.producers_left -= 1;
        self.next_producer()
    }
}

/// Reads the key of a node: the id of its first entry.
fn node_key(cursor: &mut Cursor<'_>, node: u64) -> Result<Id> {
    let bytes = match cursor.text()? {
        Text::Raw(16) => return cursor.array().map(Id::new),
        Text::Raw(bytes) => bytes,
        // 16 bytes are never compressed, and no integer has 16 digits.
        Text::Int(number) => number.to_string().len() as u64,
        Text::Lzf { unpacked, .. } => unpacked,
    };
    bad(format!("node {node} has a key of {bytes} bytes; expected 16"))
}
