//! The memory of some keys, if a server had no others.

use super::{Database, Footprint, chance::expected};
use crate::engine::{layout::SlotIndex, settings::Settings};

/// Keys of one database, without those that have expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keys {
    /// Their number.
    pub keys: u64,
    /// Those with an expiry.
    pub expires: u64,
    /// The bytes of keys and values, without the tables of keys.
    pub bytes: u64,
}

impl Keys {
    /// The `used_memory` of a server that holds nothing else, minus that of an empty server. Slots are assumed to have
    /// equally many keys, as names of common kinds do.
    pub fn used_memory_bytes(self, settings: Settings, cluster_mode: bool) -> u64 {
        let Self { keys, expires, bytes } = self;
        let alone = Footprint {
            live_keys: keys,
            slot_keys: vec![keys],
            ..Footprint::of_slots(settings, cluster_mode, &[])
        };
        if cluster_mode && settings.generation.layout().slot_index == SlotIndex::TableOfSlot {
            let expiring = super::share(expires, keys);
            let of_a_slot = |keys| alone.slot_tables(keys, 1.0, [expiring, 0.0]);
            let slots = rdb_scan::SLOTS as u64;
            return bytes + slots * expected(keys, 1.0 / slots as f64, of_a_slot);
        }
        let database = Database { keys, expires, announced_keys: keys, announced_expires: expires };
        bytes + alone.cluster_bytes(0..1) + alone.tables(&[database], 0..1)
    }
}
