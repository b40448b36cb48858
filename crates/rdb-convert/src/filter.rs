//! Which keys stay.

use rdb_scan::{key_slot, walk::Head};

use crate::Options;

/// Why a key goes; none if it stays.
pub(crate) fn why_dropped(options: &Options, head: &Head) -> Option<&'static str> {
    let Options { include, exclude, only, slots, .. } = options;
    if options.drop_expired && head.expires_at_ms.is_some_and(|at| at <= options.now_ms) {
        return Some("expired");
    }
    if !only.is_empty() && !only.contains(&head.value_type.kind()) {
        return Some("type");
    }
    if exclude.iter().any(|glob| glob.matches(&head.key)) {
        return Some("excluded");
    }
    if !include.is_empty() && !include.iter().any(|glob| glob.matches(&head.key)) {
        return Some("notIncluded");
    }
    if let Some(slots) = slots
        && !slots.contains(&key_slot(&head.key))
    {
        return Some("slot");
    }
    None
}
