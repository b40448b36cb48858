//! Lists: quicklists of listpacks, and since Valkey 7.2 small lists as one listpack.

use rdb_scan::Length;
use serde::{Deserialize, Serialize};

use crate::engine::settings::Settings;

/// `quicklist`.
const LIST_BYTES: u64 = 40;
/// A listpack's header and end.
const EMPTY_LISTPACK_BYTES: u64 = 7;
/// The amount by which an item is overestimated, so that a node is not filled to the last byte
/// (`SIZE_ESTIMATE_OVERHEAD`).
const OVERHEAD_BYTES: u64 = 8;

/// The state of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct List {
    nodes: u64,
    /// Bytes of the nodes' contents.
    contents: u64,
    /// The size of the only node, if it is packed.
    only: Option<u64>,
    /// The bytes and items of the node that is being filled item by item.
    filling: u64,
    items: u64,
}

impl List {
    /// Adds a node of packed items.
    pub(crate) fn packed(&mut self, bytes: u64, settings: &Settings) {
        self.plain(bytes, settings);
        self.only = (self.nodes == 1).then_some(bytes);
    }

    /// Adds a node that is one item.
    pub(crate) fn plain(&mut self, bytes: u64, settings: &Settings) {
        self.nodes += 1;
        self.only = None;
        self.contents += settings.quantum.allocation(bytes);
    }

    /// Adds an item that the server puts into a node itself (`quicklistPushTail`).
    pub(crate) fn item(&mut self, item: Length, settings: &Settings) {
        let (bytes_limit, items_limit) = settings.list_limits();
        let entry = item.packed_bytes();
        if item.bytes() > bytes_limit {
            self.fill(settings);
            return self.plain(item.bytes(), settings);
        }
        if self.filling + entry + OVERHEAD_BYTES > bytes_limit || self.items >= items_limit {
            self.fill(settings);
        }
        if self.filling == 0 {
            self.filling = EMPTY_LISTPACK_BYTES;
        }
        self.filling += entry;
        self.items += 1;
    }

    fn fill(&mut self, settings: &Settings) {
        if self.filling > 0 {
            let bytes = std::mem::take(&mut self.filling);
            self.items = 0;
            self.packed(bytes, settings);
        }
    }

    /// The bytes of the list, without its object. `converts`: whether a small list becomes a listpack at the end of its
    /// load, as it does except in the oldest form.
    pub(crate) fn bytes(mut self, elements: u64, converts: bool, settings: &Settings) -> u64 {
        self.fill(settings);
        let (bytes_limit, items_limit) = settings.list_limits();
        let small = self.only.is_some_and(|bytes| bytes <= bytes_limit) && elements <= items_limit;
        let layout = settings.generation.layout();
        if converts && small && layout.packs_small_sets {
            return self.contents;
        }
        self.contents
            + self.nodes * settings.quantum.allocation(layout.list_node_bytes)
            + settings.quantum.allocation(LIST_BYTES)
    }
}
