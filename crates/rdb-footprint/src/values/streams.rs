//! Streams: a radix tree of listpacks, consumer groups, consumers and pending entries (`stream.h`).

use serde::{Deserialize, Serialize};

use crate::{
    engine::settings::Settings,
    structures::{
        ids::{ID_BYTES, IdCosts, IdTree},
        rax::Rax,
        strings::own_sds,
    },
};

/// `streamNACK`: time, count, consumer.
const PENDING_BYTES: u64 = 24;

/// The memory of the parts of streams under some settings.
#[derive(Debug, Clone)]
pub(crate) struct StreamCosts {
    settings: Settings,
    ids: IdCosts,
    pending: u64,
}

impl StreamCosts {
    pub(crate) fn new(settings: Settings) -> Self {
        let Settings { quantum, .. } = settings;
        Self { settings, ids: IdCosts::new(quantum), pending: quantum.allocation(PENDING_BYTES) }
    }

    /// A radix tree with its head.
    fn tree(&self, nodes: u64) -> u64 {
        let Settings { generation, quantum, .. } = self.settings;
        quantum.allocation(generation.layout().rax_bytes) + nodes
    }

    fn id_tree(&self, ids: &IdTree) -> u64 {
        self.tree(ids.bytes(&self.ids))
    }

    fn name_tree(&self, names: &Rax) -> u64 {
        self.tree(names.bytes(self.settings.quantum))
    }
}

/// The state of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Bytes of the parts that are final: listpacks, pending entries, groups and consumers.
    done: u64,
    nodes: IdTree,
    groups: Rax,
    group: Option<Group>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    pending: IdTree,
    consumers: Rax,
    consumer: Option<IdTree>,
}

impl Stream {
    pub(crate) fn listpack(&mut self, bytes: u64, costs: &StreamCosts) {
        self.done += costs.settings.quantum.allocation(bytes);
    }

    pub(crate) fn node(&mut self, id: &[u8], costs: &StreamCosts) {
        self.nodes.add_all(id, &costs.ids);
    }

    pub(crate) fn group(&mut self, name: &[u8], costs: &StreamCosts) {
        self.end_group(costs);
        self.groups.add(name, costs.settings.quantum);
        self.group = Some(Group::default());
    }

    /// Adds pending entries of the group, by their ids.
    pub(crate) fn pending(&mut self, ids: &[u8], costs: &StreamCosts) {
        self.done += costs.pending * (ids.len() / ID_BYTES) as u64;
        if let Some(group) = &mut self.group {
            group.pending.add_all(ids, &costs.ids);
        }
    }

    pub(crate) fn consumer(&mut self, name: &[u8], costs: &StreamCosts) {
        let Some(group) = &mut self.group else { return };
        let Settings { generation, quantum, .. } = costs.settings;
        self.done += group.end_consumer(costs);
        group.consumers.add(name, quantum);
        group.consumer = Some(IdTree::default());
        self.done +=
            quantum.allocation(generation.layout().consumer_bytes) + own_sds(name.len() as u64, quantum);
    }

    /// Adds pending entries of the consumer, by their ids.
    pub(crate) fn owned(&mut self, ids: &[u8], costs: &StreamCosts) {
        if let Some(consumer) = self.group.as_mut().and_then(|group| group.consumer.as_mut()) {
            consumer.add_all(ids, &costs.ids);
        }
    }

    /// The bytes of the stream, without its object.
    pub(crate) fn bytes(mut self, costs: &StreamCosts) -> u64 {
        self.end_group(costs);
        let Settings { generation, quantum, .. } = costs.settings;
        let stream = generation.layout().stream_bytes;
        let groups = if self.groups == Rax::default() { 0 } else { costs.name_tree(&self.groups) };
        self.done + quantum.allocation(stream) + costs.id_tree(&self.nodes) + groups
    }

    fn end_group(&mut self, costs: &StreamCosts) {
        let Some(mut group) = self.group.take() else { return };
        let Settings { generation, quantum, .. } = costs.settings;
        let structure = generation.layout().group_bytes;
        self.done += group.end_consumer(costs) + quantum.allocation(structure);
        self.done += costs.id_tree(&group.pending) + costs.name_tree(&group.consumers);
    }
}

impl Group {
    fn end_consumer(&mut self, costs: &StreamCosts) -> u64 {
        self.consumer.take().map_or(0, |consumer| costs.id_tree(&consumer))
    }
}
