//! Keys with their objects (`object.c`) and their entries in the tables of keys and expiries.

use crate::{
    engine::{
        allocator::Quantum,
        generation::Generation,
        layout::{EmbeddedStrings, KeyNames},
    },
    structures::{
        strings::{own_sds, sds, sds8},
        tables::ENTRY_BYTES,
    },
};

/// `robj`: type, encoding, LRU, reference count, pointer.
pub(crate) const OBJECT_BYTES: u64 = 16;
/// The pointer in an object, which an embedded value overwrites in Valkey 9.
const POINTER_BYTES: u64 = 8;
/// An expiry in milliseconds.
pub(crate) const EXPIRY_BYTES: u64 = 8;
/// The longest string that is embedded in an object without a key (`OBJ_ENCODING_EMBSTR_SIZE_LIMIT`).
const EMBEDDED_BYTES: u64 = 44;
/// The longest string with a length that fits into a header of type 8.
const MAX_SDS8_BYTES: u64 = 255;
/// Keys of at least this length get room for an expiry from the start (`KEY_SIZE_TO_INCLUDE_EXPIRE_THRESHOLD`).
const LONG_KEY_BYTES: u64 = 128;
/// The part of a Valkey 8.0 dictionary entry before the key: value, next, length of the key's header
/// (`embeddedDictEntry`).
const ENTRY_HEAD_BYTES: u64 = 17;

/// The key, its object and its entries, for an integer or a collection.
#[inline]
pub(crate) fn object(generation: Generation, quantum: Quantum, key: u64, expires: bool) -> u64 {
    let object = if generation.has_dictionaries() {
        quantum.allocation(OBJECT_BYTES)
    } else {
        keyed_object(quantum, key, expires)
    };
    object + entries(generation, quantum, key, expires)
}

/// An object with its key, since Valkey 8.1 (`createObjectWithKeyAndExpire`).
#[inline]
fn keyed_object(quantum: Quantum, key: u64, expires: bool) -> u64 {
    let room = if expires || key >= LONG_KEY_BYTES { EXPIRY_BYTES } else { 0 };
    quantum.allocation(OBJECT_BYTES + room + 1 + sds(key))
}

/// The entries of a key in the tables of keys and expiries, without buckets. Before Valkey 8.1, including the key.
#[inline]
fn entries(generation: Generation, quantum: Quantum, key: u64, expires: bool) -> u64 {
    let of_key = match generation.layout().key_names {
        KeyNames::Apart => quantum.allocation(ENTRY_BYTES) + own_sds(key, quantum),
        KeyNames::InEntries => quantum.allocation(ENTRY_HEAD_BYTES + sds(key)),
        KeyNames::InObjects => return 0,
    };
    of_key + if expires { quantum.allocation(ENTRY_BYTES) } else { 0 }
}

/// The key, its object and its entries for a string.
fn string(generation: Generation, quantum: Quantum, key: u64, value: u64, expires: bool) -> u64 {
    if generation.has_dictionaries() {
        return separate_string(quantum, value) + entries(generation, quantum, key, expires);
    }
    let embedded = Embedded::of(generation, key, value).and_then(|embedded| embedded.bytes(quantum, expires));
    embedded.unwrap_or_else(|| keyed_object(quantum, key, expires) + own_sds(value, quantum))
}

/// A string object that does not hold its key.
fn separate_string(quantum: Quantum, value: u64) -> u64 {
    if value <= EMBEDDED_BYTES {
        quantum.allocation(OBJECT_BYTES + 3 + value + 1)
    } else {
        quantum.allocation(OBJECT_BYTES) + own_sds(value, quantum)
    }
}

/// Object, key, value and expiry in one allocation, as for small strings since Valkey 8.1.
struct Embedded {
    /// The size that is compared with the limit.
    counted: u64,
    /// The size that is allocated.
    needed: u64,
    limit: u64,
}

impl Embedded {
    /// Returns `None` if the generation does not embed such strings.
    #[inline]
    fn of(generation: Generation, key: u64, value: u64) -> Option<Self> {
        match generation.layout().embedded_strings {
            // `createStringObjectWithKeyAndExpire`: counts the header of a short key, whatever the key's length.
            EmbeddedStrings::BehindKeys => Some(Self {
                counted: OBJECT_BYTES + key + 3 + value + 4,
                needed: OBJECT_BYTES + 1 + sds(key) + value + 4,
                limit: 64,
            }),
            // `shouldEmbedStringObject`: the value is in place of its pointer.
            EmbeddedStrings::InPlaceOfPointers if value <= MAX_SDS8_BYTES => {
                let head = OBJECT_BYTES - POINTER_BYTES + 1 + sds(key);
                Some(Self {
                    counted: head + sds8(value),
                    needed: head + sds8(value).max(POINTER_BYTES),
                    limit: 128,
                })
            }
            _ => None,
        }
    }

    /// Returns `None` if the allocation would be too large.
    #[inline]
    fn bytes(&self, quantum: Quantum, expires: bool) -> Option<u64> {
        if self.counted > self.limit {
            return None;
        }
        let bytes = quantum.allocation(self.needed);
        // The expiry goes into spare bytes of the allocation. If there are too few, the object is recreated with it.
        if !expires || bytes >= self.needed + EXPIRY_BYTES {
            return Some(bytes);
        }
        let fits = self.counted + EXPIRY_BYTES <= self.limit;
        fits.then(|| quantum.allocation(self.needed + EXPIRY_BYTES))
    }
}

const LOOKED_UP_BYTES: usize = 256;
const SHORTEST_BYTES: usize = 64;

/// The memory of a string with its key, precomputed for short ones.
#[derive(Debug, Clone)]
pub(crate) struct Strings {
    generation: Generation,
    quantum: Quantum,
    /// A key with a separate value, by its length; then such a value, by its length.
    keys: [[u32; LOOKED_UP_BYTES]; 2],
    values: [u32; LOOKED_UP_BYTES],
    /// The key with the object of a collection.
    objects: [[u32; LOOKED_UP_BYTES]; 2],
    /// A key and a string that are both shorter than [`SHORTEST_BYTES`], by both lengths; 0 until it is first needed.
    both: Box<[[u16; SHORTEST_BYTES * SHORTEST_BYTES]; 2]>,
}

impl Strings {
    pub(crate) fn new(generation: Generation, quantum: Quantum) -> Self {
        let keys = [[0; LOOKED_UP_BYTES]; 2];
        let (values, both) = ([0; LOOKED_UP_BYTES], Box::new([[0; SHORTEST_BYTES * SHORTEST_BYTES]; 2]));
        let mut strings = Self { generation, quantum, keys, values, objects: keys, both };
        let both = strings.keys.iter_mut().zip(&mut strings.objects);
        for (expires, (keys, objects)) in [false, true].into_iter().zip(both) {
            for (bytes, (key, with_object)) in (0..).zip(keys.iter_mut().zip(objects)) {
                *with_object = object(generation, quantum, bytes, expires) as u32;
                *key = if generation.has_dictionaries() {
                    entries(generation, quantum, bytes, expires)
                } else {
                    keyed_object(quantum, bytes, expires)
                } as u32;
            }
        }
        for (bytes, value) in (0..).zip(&mut strings.values) {
            *value = if generation.has_dictionaries() {
                separate_string(quantum, bytes)
            } else {
                own_sds(bytes, quantum)
            } as u32;
        }
        strings
    }

    /// The key with the object of a collection, and its entries.
    #[inline]
    pub(crate) fn object(&self, key: u64, expires: bool) -> u64 {
        match u8::try_from(key) {
            Ok(place) => u64::from(self.objects[usize::from(expires)][usize::from(place)]),
            Err(_) => object(self.generation, self.quantum, key, expires),
        }
    }

    /// The key, its object, its value and its entries.
    #[inline]
    pub(crate) fn bytes(&mut self, key: u64, value: u64, expires: bool) -> u64 {
        if (key | value) >= SHORTEST_BYTES as u64 {
            return self.parts(key, value, expires);
        }
        let place = key as usize * SHORTEST_BYTES + value as usize;
        match self.both[usize::from(expires)][place % (SHORTEST_BYTES * SHORTEST_BYTES)] {
            0 => self.ask_both(key, value, expires, place),
            bytes => u64::from(bytes),
        }
    }

    #[cold]
    fn ask_both(&mut self, key: u64, value: u64, expires: bool, place: usize) -> u64 {
        let bytes = self.parts(key, value, expires);
        if let Some(both) = self.both[usize::from(expires)].get_mut(place) {
            *both = bytes as u16;
        }
        bytes
    }

    fn parts(&self, key: u64, value: u64, expires: bool) -> u64 {
        let (Ok(key_place), Ok(value_place)) = (u8::try_from(key), u8::try_from(value)) else {
            return string(self.generation, self.quantum, key, value, expires);
        };
        let of_key = self.keys[usize::from(expires)][usize::from(key_place)];
        let of_value = self.values[usize::from(value_place)];
        let together = Embedded::of(self.generation, key, value);
        match together.and_then(|embedded| embedded.bytes(self.quantum, expires)) {
            Some(bytes) => bytes,
            None => u64::from(of_key) + u64::from(of_value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_same_looked_up_and_not() {
        for generation in Generation::ALL {
            for quantum in [Quantum::Eight, Quantum::Sixteen] {
                let mut strings = Strings::new(generation, quantum);
                for (key, value) in
                    (0..300).step_by(7).flat_map(|key| (0..300).map(move |value| (key, value)))
                {
                    for expires in [false, true] {
                        let plain = string(generation, quantum, key, value, expires);
                        // The first lookup, and a cached one.
                        assert_eq!(strings.bytes(key, value, expires), plain, "{generation} {key} {value}");
                        assert_eq!(strings.bytes(key, value, expires), plain, "{generation} {key} {value}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_expiry_fits_into_what_an_allocation_has_to_spare() {
        let bytes = |key, value, expires| string(Generation::Valkey81, Quantum::Sixteen, key, value, expires);
        // 16 + 1 + 12 + 9 = 38 of 48 bytes: the expiry fits after them.
        assert_eq!((bytes(10, 5, false), bytes(10, 5, true)), (48, 48));
        // 16 + 1 + 12 + 19 = 48: it needs the next size.
        assert_eq!((bytes(10, 15, false), bytes(10, 15, true)), (48, 64));
        // Counted as 63 bytes without the expiry; with it, key and value are separate.
        assert_eq!((bytes(20, 20, false), bytes(20, 20, true)), (64, 48 + 32));
    }
}
