//! Values of every kind on both sides of every size at which a server changes their encoding.

mod expiring_fields;
mod hashes;
mod lists;
mod sets;
mod streams;
mod strings;

use super::filling::Filling;

/// One kind of value. Each call makes another one.
#[derive(Clone, Copy)]
pub struct Shape {
    pub name: &'static str,
    pub make: fn(&mut Filling<'_>),
}

macro_rules! shapes {
    ($($kind:ident: $($name:ident),*;)*) => {
        &[$($(Shape { name: stringify!($name), make: $kind::$name }),*),*]
    };
}

/// Shapes that every engine knows.
pub const SHAPES: &[Shape] = shapes![
    strings:
        strings_up_to_44,
        strings_around_44_and_64,
        strings_of_100_to_300,
        strings_of_kilobytes,
        strings_that_are_empty,
        strings_with_keys_of_any_length,
        integers_of_any_width,
        integers_up_to_9999;
    hashes:
        hashes_of_a_few_fields,
        hashes_with_one_long_value,
        hashes_around_64_bytes,
        hashes_of_7_or_13_fields_with_a_long_value,
        hashes_of_8_or_16_fields_with_a_long_value,
        hashes_around_512_fields,
        hashes_around_128_bytes_a_field,
        hashes_of_many_short_fields,
        hashes_of_numbers,
        hashes_with_fields_of_any_length;
    sets:
        sets_of_integers_of_one_width,
        sets_of_integers_around_512,
        sets_of_many_integers,
        sets_of_10_strings,
        sets_around_128_strings,
        sets_with_one_long_string,
        sets_of_12_with_one_long_string,
        sets_of_numbers_and_strings,
        sets_of_many_strings,
        zsets_of_10_members,
        zsets_around_128_members,
        zsets_around_64_bytes,
        zsets_of_many_members;
    lists:
        lists_of_a_few_items,
        lists_around_one_node,
        lists_of_many_nodes,
        lists_of_integers,
        lists_of_one_large_item,
        lists_with_large_items;
    streams:
        streams_of_a_few_entries,
        streams_of_several_nodes,
        streams_with_groups,
        streams_with_idle_consumers,
        streams_with_many_pending_entries,
        streams_with_deleted_entries,
        streams_without_entries;
];

/// Shapes for servers with hash fields that can expire.
pub const EXPIRING_FIELDS: &[Shape] = shapes![
    expiring_fields:
        hashes_with_one_expiring_field,
        hashes_with_some_expiring_fields,
        hashes_of_expiring_fields;
];

/// The same, with enough fields that a server builds radix trees of their times.
pub const MANY_EXPIRING_FIELDS: &[Shape] = shapes![
    expiring_fields:
        hashes_of_many_fields_that_expire_at_once,
        hashes_of_many_fields_that_expire_within_a_minute,
        hashes_of_many_fields_that_expire_within_an_hour,
        hashes_of_many_fields_that_expire_within_a_day,
        hashes_of_many_fields_that_expire_within_years;
];
