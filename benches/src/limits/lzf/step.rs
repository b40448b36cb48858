//! How long a token is and what it gives: two ways to find that out.

/// A way to find out.
pub(super) trait Step {
    /// The length of a token and the bytes of contents that it gives, by its first four bytes.
    fn step(word: u32) -> (usize, usize);
}

/// As it is written down, with a jump for each kind.
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

/// Looked up, so that no jump is guessed wrong.
pub(super) struct LookUp;

impl Step for LookUp {
    #[inline]
    fn step(word: u32) -> (usize, usize) {
        let Shape { used, given, more, .. } = SHAPES[usize::from(word as u8)];
        (usize::from(used), usize::from(given) + usize::from((word >> 8) as u8 & more))
    }
}

/// How far back a token reaches; less than 0 for literal bytes, so that they need no case of their own.
#[inline]
pub(super) fn distance(word: u32) -> isize {
    let Shape { low, high, .. } = SHAPES[usize::from(word as u8)];
    isize::from(high) + isize::from((word >> low) as u8)
}

/// The first for literal bytes, the second for a reference: not by a jump, which would be guessed wrong too often.
#[inline]
pub(super) fn choose(word: u32, literal: usize, reference: usize) -> usize {
    let mask = isize::from(SHAPES[usize::from(word as u8)].literal).cast_unsigned();
    literal & mask | reference & !mask
}

/// What a control byte says.
#[derive(Clone, Copy)]
struct Shape {
    used: u8,
    given: u8,
    /// These bits of the second byte are added to what is given.
    more: u8,
    /// How far the word has to be shifted to have the low bits of the distance.
    low: u8,
    high: i16,
    /// All ones for literal bytes.
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
