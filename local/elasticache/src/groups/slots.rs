//! The 16384 hash slots of a cluster and the shards that own them.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// Number of hash slots.
pub(crate) const SLOTS: u16 = 16384;

/// The slots of one shard: ranges in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotRanges(Vec<RangeInclusive<u16>>);

impl SlotRanges {
    pub(crate) fn all() -> Self {
        Self(vec![0..=SLOTS - 1])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().cloned().flatten()
    }

    /// Space-separated ranges, as in `nodes.conf`.
    pub(crate) fn spaced(&self) -> String {
        self.to_string().replace(',', " ")
    }
}

impl FromStr for SlotRanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |range: &str| {
            let (first, last) = range.trim().split_once('-')?;
            let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last && last < SLOTS).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        ranges
            .map(Self)
            .ok_or_else(|| format!("invalid slots {text}: expected startkey-endkey within 0-16383"))
    }
}

impl fmt::Display for SlotRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{}-{}", range.start(), range.end())?;
        }
        Ok(())
    }
}

/// Returns the index of the owning shard for each slot.
///
/// # Errors
/// The first slot that no shard or two shards own.
pub(crate) fn owners<'a>(shards: impl IntoIterator<Item = &'a SlotRanges>) -> Result<Vec<usize>, String> {
    let mut owners = vec![None; usize::from(SLOTS)];
    for (number, shard) in shards.into_iter().enumerate() {
        for slot in shard.iter() {
            if owners[usize::from(slot)].replace(number).is_some() {
                return Err(format!("slot {slot} is given twice"));
            }
        }
    }
    let owner = |(slot, owner): (usize, Option<usize>)| {
        owner.ok_or_else(|| format!("slot {slot} is given to no node group"))
    };
    owners.into_iter().enumerate().map(owner).collect()
}

/// Returns the hash slot of a key: of its hash tag (the part between the first braces) unless that is missing or empty.
pub(crate) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        rest.iter().position(|&byte| byte == b'}').filter(|&length| length > 0).map(|length| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    }

    #[test]
    fn a_gap_and_an_overlap_are_named() {
        let ranges =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SlotRanges>>();
        assert_eq!(owners(&ranges(&["0-100,200-16383", "101-199"])).unwrap()[150], 1);
        assert_eq!(
            owners(&ranges(&["0-100", "102-16383"])).unwrap_err(),
            "slot 101 is given to no node group"
        );
        assert_eq!(owners(&ranges(&["0-100", "100-16383"])).unwrap_err(), "slot 100 is given twice");
        assert!("5-4".parse::<SlotRanges>().is_err());
        assert!("0-16384".parse::<SlotRanges>().is_err());
    }
}
