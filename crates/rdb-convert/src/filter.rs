//! Which keys stay.

use rdb_scan::{Magic, ValueType, key_slot, walk::Head};

use crate::{Options, Policy, rewrite::Way};

/// Why a key goes; none if it stays.
fn why_dropped(options: &Options, head: &Head) -> Option<&'static str> {
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

/// Why a key goes whatever its value is; none if it stays, or stands in the way.
pub(crate) fn why_gone(options: &Options, head: &Head) -> Option<&'static str> {
    why_dropped(options, head).or_else(|| {
        let is_convertible =
            options.target.reads(head.value_type, Magic::Valkey) || Way::of(head.value_type).is_some();
        match head.value_type {
            ValueType::Module if options.policies.modules == Policy::Drop => Some("module"),
            ValueType::Module => None,
            _ if !is_convertible && options.policies.unsupported_types == Policy::Drop => {
                Some("unsupportedType")
            }
            _ => None,
        }
    })
}
