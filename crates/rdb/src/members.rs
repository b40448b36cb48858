//! Members that occur twice in one value.

/// Values with more members are not checked for duplicates.
pub(crate) const MAX_MEMBERS: usize = 4096;

/// Hashes of the members of one value.
#[derive(Debug, Default)]
pub(crate) struct Members {
    hashes: Vec<u64>,
}

impl Members {
    #[inline]
    pub(crate) fn push(&mut self, hash: u64) {
        if self.hashes.len() <= MAX_MEMBERS {
            self.hashes.push(hash);
        }
    }

    /// Whether two of them are equal, unless there were too many; forgets them all.
    pub(crate) fn take_duplicate(&mut self) -> bool {
        let small = self.hashes.len() <= MAX_MEMBERS;
        self.hashes.sort_unstable();
        let duplicate = small && self.hashes.windows(2).any(|pair| pair[0] == pair[1]);
        self.hashes.clear();
        duplicate
    }
}

/// A hash of a string: quick, and good enough that 4096 different strings practically never collide.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = mix(bytes.len() as u64);
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

/// A hash of an integer, apart from those of strings.
#[inline]
pub(crate) fn hash_integer(number: i64) -> u64 {
    mix(mix(0x1001) ^ number.cast_unsigned())
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (value ^ (value >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (value >> 32)
}
