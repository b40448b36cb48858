//! Hash tables: the chained dictionaries of `dict.c`, and since Valkey 8.1 the cache lines of `hashtable.c`.

use crate::engine::{
    allocator::{POINTER_BYTES, Quantum},
    generation::Generation,
};

/// `dictEntry`: key, value, next.
pub(crate) const ENTRY_BYTES: u64 = 24;
/// An entry without a value, as in sets of Valkey 7.2 and 8.0.
pub(crate) const BARE_ENTRY_BYTES: u64 = 16;
/// `dict`.
pub(crate) const DICT_BYTES: u64 = 56;
/// The smallest table of a dictionary (`DICT_HT_INITIAL_SIZE`).
const LEAST_BUCKETS: u64 = 4;

/// A bucket of `hashtable.c`: a cache line.
const LINE_BYTES: u64 = 64;
/// The entries of a bucket (`ENTRIES_PER_BUCKET`).
const LINE_ENTRIES: u64 = 7;
/// The entries of a bucket that is chained: the last place refers to the next one.
const CHAINED_ENTRIES: u64 = 6;
/// Expansion makes at least `entries * 5 / 32` buckets (`BUCKET_FACTOR`, `BUCKET_DIVISOR`).
const BUCKET_FACTOR: u64 = 5;
const BUCKET_DIVISOR: u64 = 32;

/// How a table got its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// It was created for them.
    Expected,
    /// It was created for this many, and has grown if there were more.
    Announced(u64),
    /// It has grown one by one.
    OneByOne,
}

/// The bytes of the buckets of a table, without the entries and the table's own structure.
pub(crate) fn buckets(generation: Generation, quantum: Quantum, entries: u64, growth: Growth) -> u64 {
    if entries == 0 {
        return 0;
    }
    if generation.has_dictionaries() {
        let announced = if let Growth::Announced(announced) = growth { announced } else { 0 };
        return quantum.allocation(POINTER_BYTES * dict_buckets(entries.max(announced)));
    }
    let lines = line_buckets(entries, growth);
    quantum.allocation(LINE_BYTES * lines) + child_bytes(entries, lines)
}

/// The buckets of a table that was created for its first `before` entries, was expanded for the entries after the next
/// one, and was then filled with them. This happens to a hash that the file stores as a table, and that turns out to be
/// too large to be packed while it is loaded. The move to the larger table may not be finished then.
pub(crate) fn converted_buckets(generation: Generation, quantum: Quantum, before: u64, entries: u64) -> u64 {
    let dictionary = generation.has_dictionaries();
    let wanted = |entries: u64| {
        if dictionary { dict_buckets(entries) } else { line_buckets(entries.max(1), Growth::Expected) }
    };
    let (mut buckets, mut old, mut moves, mut moving) = (wanted(before), 0, 0, 0);
    for used in before..entries {
        let rest = entries - used;
        let (asked, grown) = (wanted(rest), wanted(used + 1));
        // Dictionaries expand only if the entries present fit, and each step moves a bucket that is not empty. The
        // other tables move any bucket.
        let least = if dictionary { LEAST_BUCKETS + 1 } else { 1 };
        let steps = |buckets| if dictionary { used - colliding_entries(used, buckets) } else { buckets };
        if used == before + 1 && moves == 0 && rest >= least && used <= rest && asked != buckets {
            (old, moves, buckets, moving) = (buckets, steps(buckets), asked, used);
        }
        if moves > 0 {
            moves -= 1;
            old = if moves == 0 { 0 } else { old };
        }
        let full = if dictionary { moves == 0 && used >= buckets } else { used >= LINE_ENTRIES * buckets };
        if full && grown != buckets {
            (old, moves, buckets, moving) = (buckets, steps(buckets), grown, used);
        }
    }
    let unit = if dictionary { POINTER_BYTES } else { LINE_BYTES };
    let unmoved = if old > 0 { quantum.allocation(unit * old) } else { 0 };
    let children = match (dictionary, old) {
        (true, _) => 0,
        (_, 0) => child_bytes(entries, buckets),
        _ => child_bytes(moving, old) * moves / old + child_bytes(entries - moving * moves / old, buckets),
    };
    quantum.allocation(unit * buckets) + unmoved + children
}

/// The table of a set, hash or sorted set, including the structure of the table.
pub(crate) fn value_table(generation: Generation, quantum: Quantum, entries: u64, metadata: u64) -> u64 {
    structure(generation, quantum, metadata) + buckets(generation, quantum, entries, Growth::Expected)
}

/// The structure of a table, with `metadata` bytes at its end.
pub(crate) fn structure(generation: Generation, quantum: Quantum, metadata: u64) -> u64 {
    quantum.allocation(metadata + generation.layout().table_bytes)
}

/// The number of buckets of a dictionary: a power of two, not less than the number of entries.
pub(crate) fn dict_buckets(entries: u64) -> u64 {
    entries.clamp(LEAST_BUCKETS, 1 << 60).next_power_of_two()
}

/// The buckets of the smaller table of a dictionary that has grown one by one and has not moved all of them yet, else
/// 0. Each added entry moves one bucket that is not empty, and `1 - 1/e` of the buckets of a full table are not.
pub(crate) fn unmoved_buckets(entries: u64, steps_per_entry: f64) -> u64 {
    let old = dict_buckets(entries) / 2;
    let moved_after = (1.0 - (-1.0_f64).exp()) / steps_per_entry;
    if old >= LEAST_BUCKETS && ((entries - old) as f64) < old as f64 * moved_after { old } else { 0 }
}

/// As [`unmoved_buckets`], in bytes, for a table of lines. It doubles when its lines are full, and each added entry
/// moves one line.
pub(crate) fn unmoved_line_bytes(entries: u64) -> u64 {
    let old = line_buckets(entries, Growth::OneByOne) / 2;
    if old > 0 && entries.saturating_sub(LINE_ENTRIES * old) < old { LINE_BYTES * old } else { 0 }
}

/// The number of entries in a dictionary without values that need an allocation: those that share a bucket with others.
/// The first entry of a bucket is kept in the bucket itself.
pub(crate) fn colliding_entries(entries: u64, buckets: u64) -> u64 {
    colliding(entries, buckets).round() as u64
}

/// As [`colliding_entries`], in bytes. In a small dictionary the average is not a whole number of entries.
pub(crate) fn colliding_bytes(entries: u64, buckets: u64, bytes: u64) -> u64 {
    (colliding(entries, buckets) * bytes as f64).round() as u64
}

fn colliding(entries: u64, buckets: u64) -> f64 {
    let (entries, buckets) = (entries as f64, buckets as f64);
    let used = buckets * (1.0 - (entries * (-1.0 / buckets).ln_1p()).exp());
    (entries - used).max(0.0)
}

fn line_buckets(entries: u64, growth: Growth) -> u64 {
    let entries = entries.min(1 << 57);
    match growth {
        Growth::Expected => (entries * BUCKET_FACTOR).div_ceil(BUCKET_DIVISOR).next_power_of_two(),
        Growth::OneByOne => entries.div_ceil(LINE_ENTRIES).next_power_of_two(),
        // It doubles when its lines are full.
        Growth::Announced(announced) => {
            let one_by_one = line_buckets(entries, Growth::OneByOne);
            line_buckets(announced, Growth::Expected).max(one_by_one)
        }
    }
}

/// The expected bytes of lines that are chained to full ones, for a good hash. A small table has less than one on
/// average, but many small tables have some.
fn child_bytes(entries: u64, lines: u64) -> u64 {
    let load = entries as f64 / lines as f64;
    if lines == 1 {
        return LINE_BYTES * chained(entries);
    }
    // The number of entries of a line has a binomial distribution.
    let chance = 1.0 / lines as f64;
    let odds = chance / (1.0 - chance);
    let mut probability = (entries as f64 * (-chance).ln_1p()).exp();
    let mut expected = 0.0;
    for count in 0..=entries.min(load as u64 + 64) {
        expected += probability * chained(count) as f64;
        probability *= (entries - count) as f64 / (count + 1) as f64 * odds;
    }
    (expected * (LINE_BYTES * lines) as f64).round() as u64
}

/// The number of lines that `entries` entries of one bucket need, apart from the first line.
fn chained(entries: u64) -> u64 {
    entries.saturating_sub(LINE_ENTRIES).div_ceil(CHAINED_ENTRIES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_double() {
        assert_eq!([1, 4, 5, 8, 9].map(dict_buckets), [4, 4, 8, 8, 16]);
        // The move from 2^19 buckets is under way at 600,000 entries, and done at a million.
        assert_eq!(unmoved_buckets(600_000, 1.0), 1 << 19);
        assert_eq!(unmoved_buckets(1_000_000, 1.0), 0);
        assert_eq!(unmoved_buckets(1 << 19, 1.0), 0);
    }

    #[test]
    fn lines_are_as_many_as_a_server_makes() {
        assert_eq!(line_buckets(7, Growth::OneByOne), 1);
        assert_eq!(line_buckets(8, Growth::OneByOne), 2);
        assert_eq!(line_buckets(6, Growth::Expected), 1);
        assert_eq!(line_buckets(7, Growth::Expected), 2);
        assert_eq!(line_buckets(5_000_000, Growth::Expected), 1 << 20);
        // 100 entries need 16 lines: a table created for 100 has them, and one created for 50 has grown to them.
        assert_eq!(
            [100, 50, 0, 1000].map(|count| line_buckets(100, Growth::Announced(count))),
            [16, 16, 16, 256]
        );
        assert_eq!([72, 0].map(|count| line_buckets(112, Growth::Announced(count))), [16, 16]);
        assert_eq!([103, 0].map(|count| line_buckets(103, Growth::Announced(count))), [32, 16]);
        assert_eq!([7, 8, 13, 14].map(chained), [0, 1, 1, 2]);
    }

    #[test]
    fn expected_chains_are_those_of_random_entries() {
        let (entries, lines) = (5_000_000_u64, 1_u64 << 20);
        let mut counts = vec![0_u64; lines as usize];
        let mut state = 1_u64;
        for _ in 0..entries {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            counts[(state >> 40) as usize % lines as usize] += 1;
        }
        let found: u64 = counts.iter().map(|count| chained(*count)).sum();
        let expected = child_bytes(entries, lines) / LINE_BYTES;
        assert!(expected.abs_diff(found) < found / 100, "{expected} {found}");
    }
}
