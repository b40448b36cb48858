//! Strings: the headers of `sds.h`, the objects of `object.c`, and what a key takes with its string.
use crate::allocator::Quantum;
use crate::generation::Generation;

/// `robj`: type, encoding, LRU, reference count, pointer.
pub(crate) const OBJECT_BYTES: u64 = 16;
/// The pointer in it, which an embedded value overwrites in Valkey 9.
const POINTER_BYTES: u64 = 8;
/// A time in milliseconds, embedded in a Valkey object.
pub(crate) const EXPIRY_BYTES: u64 = 8;
/// Longest string that is embedded in its object (`OBJ_ENCODING_EMBSTR_SIZE_LIMIT`).
const EMBEDDED_BYTES: u64 = 44;
/// Objects up to this are one allocation with key and value: Valkey 8.1 (`createStringObjectWithKeyAndExpire`),
const VALKEY_81_EMBEDDED_BYTES: u64 = 64;
/// and Valkey 9 (`shouldEmbedStringObject`).
const VALKEY_9_EMBEDDED_BYTES: u64 = 128;
/// Keys of this length and more get room for an expiry at once (`KEY_SIZE_TO_INCLUDE_EXPIRE_THRESHOLD`).
const LONG_KEY_BYTES: u64 = 128;

/// A string with its header and its end (`sdsReqSize` of `sdsReqType`).
#[inline]
pub(crate) const fn sds(bytes: u64) -> u64 {
    let header = match bytes {
        0..32 => 1,
        32..256 => 3,
        256..65_536 => 5,
        65_536..4_294_967_296 => 9,
        _ => 17,
    };
    header + bytes + 1
}

/// A string of its own: an empty one gets room to grow (`sdsnewlen`).
#[inline]
pub(crate) fn own_sds(bytes: u64, quantum: Quantum) -> u64 {
    quantum.allocation(if bytes == 0 { sds8(0) } else { sds(bytes) })
}

/// A string whose header is that of type 8 at least.
#[inline]
pub(crate) const fn sds8(bytes: u64) -> u64 {
    if bytes < 32 { 3 + bytes + 1 } else { sds(bytes) }
}

/// The key and the value object of a string, without what the tables take.
#[inline]
pub(crate) fn string(generation: Generation, quantum: Quantum, key: u64, value: u64, expires: bool) -> u64 {
    match generation {
        Generation::Redis6 | Generation::Redis7 | Generation::Valkey7 => {
            own_sds(key, quantum) + separate_string(quantum, value)
        }
        Generation::Valkey8 => separate_string(quantum, value),
        Generation::Valkey81 => {
            // The limit is compared with what the header of a short key takes.
            let counted = OBJECT_BYTES + key + 3 + 4 + value;
            let needed = OBJECT_BYTES + 1 + sds(key) + 3 + value + 1;
            let embedded = Embedded { counted, needed, limit: VALKEY_81_EMBEDDED_BYTES };
            embedded.bytes(quantum, expires).unwrap_or_else(|| apart(quantum, key, value, expires))
        }
        Generation::Valkey9 => {
            let counted = OBJECT_BYTES - POINTER_BYTES + sds(key) + 1 + sds8(value);
            let needed = OBJECT_BYTES - POINTER_BYTES + 1 + sds(key) + sds8(value).max(POINTER_BYTES);
            let fits = value < 256;
            let embedded = Embedded { counted, needed, limit: VALKEY_9_EMBEDDED_BYTES };
            let together = if fits { embedded.bytes(quantum, expires) } else { None };
            together.unwrap_or_else(|| apart(quantum, key, value, expires))
        }
    }
}

/// Key, value and expiry in one allocation, if they are small enough.
struct Embedded {
    /// What is compared with the limit.
    counted: u64,
    /// What is allocated.
    needed: u64,
    limit: u64,
}

impl Embedded {
    #[inline]
    fn bytes(&self, quantum: Quantum, expires: bool) -> Option<u64> {
        if self.counted > self.limit {
            return None;
        }
        let bytes = quantum.allocation(self.needed);
        // What an allocation has to spare takes the expiry; otherwise the object is made anew with it.
        if !expires || bytes >= self.needed + EXPIRY_BYTES {
            return Some(bytes);
        }
        let fits = self.counted + EXPIRY_BYTES <= self.limit;
        fits.then(|| quantum.allocation(self.needed + EXPIRY_BYTES))
    }
}

fn apart(quantum: Quantum, key: u64, value: u64, expires: bool) -> u64 {
    keyed_object(quantum, key, expires) + own_sds(value, quantum)
}

/// An object with its key, as Valkey has them from 8.1 on (`createObjectWithKeyAndExpire`).
#[inline]
pub(crate) fn keyed_object(quantum: Quantum, key: u64, expires: bool) -> u64 {
    let room = if expires || key >= LONG_KEY_BYTES { EXPIRY_BYTES } else { 0 };
    quantum.allocation(OBJECT_BYTES + room + 1 + sds(key))
}

/// A string object that does not know its key.
fn separate_string(quantum: Quantum, value: u64) -> u64 {
    if value <= EMBEDDED_BYTES {
        quantum.allocation(OBJECT_BYTES + 3 + value + 1)
    } else {
        quantum.allocation(OBJECT_BYTES) + own_sds(value, quantum)
    }
}

/// The key and the object of a value that is no text: an integer, or a collection.
#[inline]
pub(crate) fn object(generation: Generation, quantum: Quantum, key: u64, expires: bool) -> u64 {
    match generation {
        Generation::Redis6 | Generation::Redis7 | Generation::Valkey7 => {
            own_sds(key, quantum) + quantum.allocation(OBJECT_BYTES)
        }
        Generation::Valkey8 => quantum.allocation(OBJECT_BYTES),
        Generation::Valkey81 | Generation::Valkey9 => keyed_object(quantum, key, expires),
    }
}
