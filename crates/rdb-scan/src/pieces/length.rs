//! The lengths of strings, with what a listpack or an intset needs for them.

use serde::{Deserialize, Serialize};

use crate::bytes::{cursor::Text, hash::integer};

/// No integer is longer in its canonical form.
pub(crate) const MAX_INTEGER_BYTES: u64 = 20;

impl Text {
    /// The length of the text. Text in plain form may still be an integer.
    pub(crate) fn length(self) -> Length {
        match self {
            Self::Raw(bytes) | Self::Lzf { unpacked: bytes, .. } => Length::text(bytes),
            Self::Int(number) => Length::integer(number),
        }
    }
}

/// The length of a string, and whether it is an integer. At most 2 GiB: of a longer string in a list or table, the rest
/// is in a [`crate::Piece::Beyond`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(u32);

impl Length {
    const INTEGER: u32 = 1 << 31;
    pub(super) const MAX_BYTES: u64 = (1 << 31) - 1;
    const SHARED: u32 = 1 << 12;

    /// A text that is no integer, or is not checked for it.
    #[inline]
    pub const fn text(bytes: u64) -> Self {
        Self(if bytes > Self::MAX_BYTES { Self::MAX_BYTES as u32 } else { bytes as u32 })
    }

    /// A text that is entirely in memory, and so shorter than 2 GiB.
    #[inline(always)]
    pub(super) const fn in_memory(text: &[u8]) -> Self {
        Self(text.len() as u32 & !Self::INTEGER)
    }

    /// An integer in its canonical form.
    pub fn integer(number: i64) -> Self {
        let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) + 1 + u32::from(number < 0);
        // The whole listpack entry, including the length after it.
        let packed = match number {
            0..=127 => 2,
            -4096..=4095 => 3,
            -32_768..=32_767 => 4,
            -8_388_608..=8_388_607 => 5,
            -2_147_483_648..=2_147_483_647 => 6,
            _ => 10,
        };
        let shared = if (0..10_000).contains(&number) { Self::SHARED } else { 0 };
        Self(Self::INTEGER | shared | packed << 5 | digits)
    }

    /// A text that may be an integer.
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        match text.first() {
            Some(b'0'..=b'9' | b'-') if text.len() as u64 <= MAX_INTEGER_BYTES => {
                integer(text).map_or(Self::text(text.len() as u64), Self::integer)
            }
            _ => Self::in_memory(text),
        }
    }

    /// Whether it is a 64-bit integer in its canonical form.
    #[inline]
    pub const fn is_integer(self) -> bool {
        self.0 & Self::INTEGER != 0
    }

    /// Whether it is an integer from 0 to 9999, of which servers keep a shared copy.
    pub const fn is_small_integer(self) -> bool {
        self.is_integer() && self.0 & Self::SHARED != 0
    }

    /// The length of the text in bytes.
    #[inline]
    pub const fn bytes(self) -> u64 {
        (if self.is_integer() { self.0 & 0x1f } else { self.0 }) as u64
    }

    /// The length of a text; for an integer, a number larger than the length of any short text.
    #[inline(always)]
    pub(super) const fn short_text(self) -> usize {
        self.0 as usize
    }

    /// The size of a listpack entry for it.
    #[inline]
    pub const fn packed_bytes(self) -> u64 {
        if self.is_integer() {
            return (self.0 >> 5 & 0xf) as u64;
        }
        let header = match self.0 {
            0..64 => 1,
            64..4096 => 2,
            _ => 5,
        };
        let entry = header + self.0 as u64;
        entry
            + match entry {
                0..=127 => 1,
                128..16_383 => 2,
                16_383..2_097_151 => 3,
                2_097_151..268_435_455 => 4,
                _ => 5,
            }
    }

    /// The width of the integer in an intset: 2, 4 or 8 bytes; none for a text.
    pub const fn integer_width(self) -> Option<u64> {
        if !self.is_integer() {
            return None;
        }
        Some(match self.packed_bytes() {
            ..=4 => 2,
            5 | 6 => 4,
            _ => 8,
        })
    }
}

/// A member or field, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The member or field.
    pub member: Length,
    /// Its value; for a sorted set the score as text; empty for a set.
    pub value: Length,
}

impl Row {
    /// The lengths of members and values, if all are texts of less than `BYTES` bytes, a power of two up to 256.
    #[inline]
    pub fn short_texts<const BYTES: u32>(rows: &[Self]) -> Option<impl Iterator<Item = (u8, u8)>> {
        const { assert!(BYTES.is_power_of_two() && BYTES <= 1 << 8) };
        let all = rows.iter().fold(0, |all, row| all | row.member.0 | row.value.0);
        (all < BYTES).then(|| rows.iter().map(|row| (row.member.0 as u8, row.value.0 as u8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_a_real_listpack() {
        // Entry sizes from src/listpack.c: encoding byte(s), contents, the length after them.
        for (text, packed, digits) in
            [("0", 2, 1), ("127", 2, 3), ("128", 3, 3), ("-1", 3, 2), ("4096", 4, 4), ("-32769", 5, 6)]
        {
            let length = Length::of(text.as_bytes());
            assert!(length.is_integer(), "{text}");
            assert_eq!((length.packed_bytes(), length.bytes()), (packed, digits), "{text}");
        }
        assert_eq!(Length::of(b"9223372036854775807").packed_bytes(), 10);
        assert_eq!(Length::of(b"9223372036854775808"), Length::text(19));
        assert_eq!(Length::of(b"-9223372036854775808").bytes(), 20);
        assert_eq!(Length::of(b"007"), Length::text(3));
        assert_eq!(Length::text(63).packed_bytes(), 65);
        assert_eq!(Length::text(64).packed_bytes(), 67);
        assert_eq!(Length::text(126).packed_bytes(), 130);
        assert_eq!(Length::text(4096).packed_bytes(), 4103);
        assert!(Length::of(b"9999").is_small_integer() && !Length::of(b"10000").is_small_integer());
        assert_eq!(Length::of(b"32767").integer_width(), Some(2));
        assert_eq!(Length::of(b"32768").integer_width(), Some(4));
        assert_eq!(Length::of(b"2147483648").integer_width(), Some(8));
    }
}
