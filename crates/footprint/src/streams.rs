//! Streams: a radix tree of listpacks, consumer groups, consumers and pending entries (`stream.h`).
use serde::{Deserialize, Serialize};

use crate::generation::Generation;
use crate::rax::Rax;
use crate::settings::Settings;
use crate::strings::own_sds;

/// `streamNACK`: time, count, consumer.
const PENDING_BYTES: u64 = 24;

/// A stream that is being read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Bytes of what is done: listpacks, groups and consumers that others followed.
    done: u64,
    nodes: Rax,
    groups: Rax,
    group: Option<Group>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    pending: Rax,
    consumers: Rax,
    consumer: Option<Rax>,
}

impl Stream {
    pub(crate) fn listpack(&mut self, bytes: u64, settings: &Settings) {
        self.done += settings.quantum.allocation(bytes);
    }

    pub(crate) fn node(&mut self, id: &[u8], settings: &Settings) {
        self.nodes.add(id, settings.quantum);
    }

    pub(crate) fn group(&mut self, name: &[u8], settings: &Settings) {
        self.end_group(settings);
        self.groups.add(name, settings.quantum);
        self.group = Some(Group::default());
    }

    pub(crate) fn pending(&mut self, id: &[u8], settings: &Settings) {
        self.done += settings.quantum.allocation(PENDING_BYTES);
        if let Some(group) = &mut self.group {
            group.pending.add(id, settings.quantum);
        }
    }

    pub(crate) fn consumer(&mut self, name: &[u8], settings: &Settings) {
        let Some(group) = &mut self.group else { return };
        self.done += group.end_consumer(settings);
        group.consumers.add(name, settings.quantum);
        group.consumer = Some(Rax::default());
        // `streamConsumer`: times, name, pending entries.
        let consumer = if settings.generation >= Generation::Valkey7 { 32 } else { 24 };
        self.done += settings.quantum.allocation(consumer) + own_sds(name.len() as u64, settings.quantum);
    }

    pub(crate) fn owned(&mut self, id: &[u8], settings: &Settings) {
        if let Some(consumer) = self.group.as_mut().and_then(|group| group.consumer.as_mut()) {
            consumer.add(id, settings.quantum);
        }
    }

    /// The bytes of the stream without its object.
    pub(crate) fn bytes(mut self, settings: &Settings) -> u64 {
        self.end_group(settings);
        // `stream`: from Redis 7.0 on with the first and the last deleted id, and the number of entries ever added.
        let stream = if settings.generation == Generation::Redis6 { 40 } else { 80 };
        let groups = if self.groups == Rax::default() { 0 } else { tree(&self.groups, settings) };
        self.done + settings.quantum.allocation(stream) + tree(&self.nodes, settings) + groups
    }

    fn end_group(&mut self, settings: &Settings) {
        let Some(mut group) = self.group.take() else { return };
        // `streamCG`: last id, entries read (from 7.0 on), pending entries, consumers.
        let structure = if settings.generation == Generation::Redis6 { 32 } else { 40 };
        self.done += group.end_consumer(settings) + settings.quantum.allocation(structure);
        self.done += tree(&group.pending, settings) + tree(&group.consumers, settings);
    }
}

impl Group {
    fn end_consumer(&mut self, settings: &Settings) -> u64 {
        self.consumer.take().map_or(0, |consumer| tree(&consumer, settings))
    }
}

/// A radix tree with its head (`rax`), which counts its own bytes from Valkey 8.0 on.
fn tree(rax: &Rax, settings: &Settings) -> u64 {
    let head = if settings.generation >= Generation::Valkey8 { 32 } else { 24 };
    settings.quantum.allocation(head) + rax.bytes(settings.quantum)
}
