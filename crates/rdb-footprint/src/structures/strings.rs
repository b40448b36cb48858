//! Strings with their headers (`sds.h`).

use crate::engine::allocator::Quantum;

/// The size of a string with its header and its terminator (`sdsReqSize` of `sdsReqType`).
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

/// The size of a string with a header of at least type 8, which has room for flags.
#[inline]
pub(crate) const fn sds8(bytes: u64) -> u64 {
    if bytes < 32 { 3 + bytes + 1 } else { sds(bytes) }
}

/// The allocation of a separate string. An empty one gets room to grow (`sdsnewlen`).
#[inline]
pub(crate) fn own_sds(bytes: u64, quantum: Quantum) -> u64 {
    quantum.allocation(if bytes == 0 { sds8(0) } else { sds(bytes) })
}
