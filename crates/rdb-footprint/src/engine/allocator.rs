//! The size of allocations: the size classes of jemalloc, which servers count in `used_memory`.

use serde::{Deserialize, Serialize};

/// The spacing of the smallest size classes of a server's jemalloc, in bytes (`lg-quantum`).
///
/// The jemalloc in the sources of Redis and Valkey is built with 8, the one of Linux distributions with 16. Which of
/// them ElastiCache runs is not known. For small allocations the difference is up to a third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Quantum {
    /// 8 bytes.
    #[serde(rename = "8")]
    Eight,
    /// 16 bytes, which never predicts less memory than 8: the conservative choice.
    #[default]
    #[serde(rename = "16")]
    Sixteen,
}

/// The size of a pointer on the 64-bit servers that are modeled.
pub(crate) const POINTER_BYTES: u64 = 8;

/// Allocations up to this size are looked up in a table.
const LOOKED_UP_BYTES: usize = 1024;
const WORDS: usize = LOOKED_UP_BYTES / 8 + 1;

static EIGHT: [u16; WORDS] = classes(8);
static SIXTEEN: [u16; WORDS] = classes(16);

impl Quantum {
    /// The quantum of this many bytes; none if no jemalloc has it.
    pub const fn of(bytes: u8) -> Option<Self> {
        match bytes {
            8 => Some(Self::Eight),
            16 => Some(Self::Sixteen),
            _ => None,
        }
    }

    /// The quantum in bytes.
    pub const fn bytes(self) -> u8 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }

    /// The memory that an allocation of `bytes` bytes uses (`malloc_usable_size`).
    #[inline]
    pub fn allocation(self, bytes: u64) -> u64 {
        let table = match self {
            Self::Eight => &EIGHT,
            Self::Sixteen => &SIXTEEN,
        };
        match table.get(bytes.div_ceil(8) as usize) {
            Some(class) => u64::from(*class),
            None => spaced(bytes),
        }
    }
}

const fn classes(quantum: u64) -> [u16; WORDS] {
    let mut table = [0; WORDS];
    let mut word = 0;
    while word < WORDS {
        let bytes = 8 * word as u64;
        // The smallest classes are multiples of the quantum, up to eight of them. 8 bytes is always a class.
        table[word] = if bytes <= 8 {
            8
        } else if bytes <= 64 || (quantum == 16 && bytes <= 128) {
            bytes.next_multiple_of(quantum) as u16
        } else {
            spaced(bytes) as u16
        };
        word += 1;
    }
    table
}

/// The size of a larger class: there are four from each power of two to the next.
const fn spaced(bytes: u64) -> u64 {
    let doubling = 64 - (bytes - 1).leading_zeros();
    // Nothing that large is ever allocated, but no number may overflow.
    if doubling >= 62 {
        return bytes;
    }
    bytes.next_multiple_of(1 << (doubling - 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_jemalloc() {
        // From the bin sizes and large classes that a real server reports (MEMORY MALLOC-STATS).
        let eight = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512];
        let sixteen = [8, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640];
        let common =
            [640, 768, 896, 1024, 1280, 14336, 16384, 20480, 24576, 28672, 32768, 40960, 7 << 20, 8 << 20];
        for (quantum, classes) in [(Quantum::Eight, &eight[..]), (Quantum::Sixteen, &sixteen)] {
            let mut least = 1;
            for class in classes {
                for bytes in least..=*class {
                    assert_eq!(quantum.allocation(bytes), *class, "{quantum:?} {bytes}");
                }
                least = class + 1;
            }
            for class in common {
                assert_eq!(quantum.allocation(class), class);
                assert!(quantum.allocation(class + 1) > class);
            }
            assert_eq!(quantum.allocation(16385), 20480);
            assert_eq!(quantum.allocation(u64::MAX), u64::MAX);
        }
    }
}
