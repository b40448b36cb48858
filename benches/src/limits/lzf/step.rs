//! Two ways to determine the length of a token and of its output.

/// A way to determine them.
pub(super) trait Step {
    /// Returns the length of a token and of its output in bytes, from its first four bytes.
    fn step(word: u32) -> (usize, usize);
}

/// The definition of the format, with a branch per kind of token.
pub(super) struct Jump;

impl Step for Jump {
    #[inline]
    fn step(word: u32) -> (usize, usize) {
        let control = usize::from(word as u8);
        if control < 32 {
            (control + 2, control + 1)
        } else if control < 0xe0 {
            (2, (control >> 5) + 2)
        } else {
            (3, 9 + usize::from((word >> 8) as u8))
        }
    }
}

/// A table lookup, which avoids mispredicted branches.
pub(super) struct LookUp;

impl Step for LookUp {
    #[inline]
    fn step(word: u32) -> (usize, usize) {
        let Shape { used, given, more, .. } = SHAPES[usize::from(word as u8)];
        (usize::from(used), usize::from(given) + usize::from((word >> 8) as u8 & more))
    }
}

/// The distance of a reference. Negative for literals, so that they need no case of their own.
#[inline]
pub(super) fn distance(word: u32) -> isize {
    let Shape { low, high, .. } = SHAPES[usize::from(word as u8)];
    isize::from(high) + isize::from((word >> low) as u8)
}

/// Returns `literal` or `reference` by the kind of token, without a branch, which would be mispredicted too often.
#[inline]
pub(super) fn choose(word: u32, literal: usize, reference: usize) -> usize {
    let mask = isize::from(SHAPES[usize::from(word as u8)].literal).cast_unsigned();
    literal & mask | reference & !mask
}

/// The meaning of a control byte.
#[derive(Clone, Copy)]
struct Shape {
    used: u8,
    given: u8,
    /// Mask for the bits of the second byte that are added to `given`.
    more: u8,
    /// Number of bits by which the word is shifted to get the low bits of the distance.
    low: u8,
    high: i16,
    /// All bits set for literals.
    literal: i16,
}

static SHAPES: [Shape; 256] = {
    let mut shapes = [Shape { used: 0, given: 0, more: 0, low: 0, high: -256, literal: 0 }; 256];
    let mut control = 0;
    while control < 256 {
        let byte = control as u8;
        let high = (((byte & 0x1f) as i16) << 8) + 1;
        shapes[control] = match byte {
            0..32 => Shape { used: byte + 2, given: byte + 1, literal: -1, ..shapes[control] },
            32..0xe0 => Shape { used: 2, given: (byte >> 5) + 2, low: 8, high, ..shapes[control] },
            _ => Shape { used: 3, given: 9, more: 0xff, low: 16, high, literal: 0 },
        };
        control += 1;
    }
    shapes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree() {
        for control in 0..=255 {
            for second in [0, 1, 255] {
                let word = u32::from_le_bytes([control, second, 7, 0]);
                assert_eq!(LookUp::step(word), Jump::step(word), "{control} {second}");
            }
        }
    }

    #[test]
    fn the_last_byte_of_a_reference_has_the_low_bits_of_its_distance() {
        assert!(distance(u32::from_le_bytes([31, 0xff, 0xff, 0xff])) < 0);
        assert_eq!(distance(u32::from_le_bytes([0x21, 2, 9, 9])), 0x103);
        assert_eq!(distance(u32::from_le_bytes([0xff, 9, 0xff, 9])), 0x2000);
    }
}
