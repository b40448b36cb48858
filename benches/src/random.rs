//! Pseudorandom numbers and texts that are the same in every run.

/// `SplitMix64`, a small generator: good enough for the contents of files, and not meant for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Creates a generator for one item, so that its contents do not depend on earlier ones: the thousandth key is the
    /// same in a small file and in a large one.
    pub fn of(path: &[u64]) -> Self {
        let mut random = Self { state: 0x5EED };
        for &step in path {
            random.state = random.bits() ^ step;
        }
        random
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, inclusive, or `low` if `high` is smaller.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let choices = u128::from(high.saturating_sub(low)) + 1;
        low + ((u128::from(self.bits()) * choices) >> 64) as u64
    }

    /// A number from 0 to `limit`, exclusive, with the precision of a double.
    pub fn fraction(&mut self, limit: f64) -> f64 {
        // A double represents integers of 53 bits exactly.
        #[allow(clippy::cast_precision_loss)]
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        unit * limit
    }

    /// One of the choices; `None` if there are none.
    pub fn one_of<'a>(&mut self, choices: &[&'a str]) -> Option<&'a str> {
        let last = choices.len().checked_sub(1)?;
        choices.get(self.between(0, last as u64) as usize).copied()
    }

    /// A string of `length` hexadecimal digits.
    pub fn hex(&mut self, length: u64) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(length as usize);
        let mut bits = 0;
        for at in 0..length {
            if at % 16 == 0 {
                bits = self.bits();
            }
            text.push(char::from(DIGITS[(bits & 0xF) as usize]));
            bits >>= 4;
        }
        text
    }

    /// A string of `shortest` to `longest` hexadecimal digits.
    pub fn hex_between(&mut self, shortest: u64, longest: u64) -> String {
        let length = self.between(shortest, longest);
        self.hex(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept_and_their_ends_reached() {
        let mut random = Random::of(&[1]);
        let mut seen = [0_u32; 4];
        for _ in 0..1000 {
            let number = random.between(3, 6);
            assert!((3..=6).contains(&number), "{number}");
            seen[(number - 3) as usize] += 1;
        }
        assert!(seen.iter().all(|&times| times > 200), "{seen:?}");
        assert_eq!(random.between(7, 7), 7);
        assert_eq!(random.between(9, 2), 9);
    }

    #[test]
    fn what_is_made_depends_on_its_place_alone() {
        let text = Random::of(&[1, 2, 3]).hex(40);
        assert_eq!(text, Random::of(&[1, 2, 3]).hex(40));
        assert_ne!(text, Random::of(&[1, 3, 2]).hex(40));
        assert_ne!(text[..16], text[16..32]);
        assert_eq!(text.len(), 40);
    }
}
