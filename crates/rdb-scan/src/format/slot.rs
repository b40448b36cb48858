//! The cluster slot of a key.

/// The number of slots of a cluster.
pub const SLOTS: usize = 16384;

/// The cluster slot of a key: CRC16 (XMODEM) of its hash tag, or of the whole key if it has none, modulo 16384.
///
/// A hash tag is the text between the first `{` and the first `}` after it, unless it is empty.
#[inline]
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(0, hash_tag(key)) & (SLOTS as u16 - 1)
}

#[inline]
fn hash_tag(key: &[u8]) -> &[u8] {
    if !has_brace(key) {
        return key;
    }
    let Some(open) = key.iter().position(|byte| *byte == b'{') else { return key };
    let behind = key.get(open + 1..).unwrap_or_default();
    match behind.iter().position(|byte| *byte == b'}') {
        None | Some(0) => key,
        Some(close) => behind.get(..close).unwrap_or(key),
    }
}

/// Whether the key contains a `{`, eight bytes at a time.
#[inline]
fn has_brace(key: &[u8]) -> bool {
    const BRACES: u64 = u64::from_ne_bytes([b'{'; 8]);
    let Some(last) = key.last_chunk::<8>() else { return key.contains(&b'{') };
    let found = |word: &[u8; 8]| {
        let difference = u64::from_ne_bytes(*word) ^ BRACES;
        difference.wrapping_sub(0x0101_0101_0101_0101) & !difference & 0x8080_8080_8080_8080
    };
    key.as_chunks::<8>().0.iter().fold(found(last), |all, word| all | found(word)) != 0
}

/// Computes the slot of a key that arrives in pieces.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SlotHasher {
    key: u16,
    tag: u16,
    state: TagState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum TagState {
    #[default]
    Before,
    Open,
    Inside,
    Closed,
    Empty,
}

impl SlotHasher {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        for byte in piece {
            match (self.state, byte) {
                (TagState::Before, b'{') => self.state = TagState::Open,
                (TagState::Open, b'}') => self.state = TagState::Empty,
                (TagState::Inside, b'}') => self.state = TagState::Closed,
                (TagState::Open | TagState::Inside, byte) => {
                    self.tag = crc16(self.tag, &[*byte]);
                    self.state = TagState::Inside;
                }
                (TagState::Closed, _) => return,
                (TagState::Before | TagState::Empty, _) => {}
            }
            self.key = crc16(self.key, &[*byte]);
        }
    }

    pub(crate) fn slot(self) -> u16 {
        let crc = if self.state == TagState::Closed { self.tag } else { self.key };
        crc & (SLOTS as u16 - 1)
    }
}

/// Continues a CRC16 by eight bytes at a time. Each byte has its own table, so that no lookup waits for another.
#[inline]
fn crc16(start: u16, bytes: &[u8]) -> u16 {
    let (head, words) = bytes.split_at(bytes.len() % 8);
    let mut crc = match (head.len(), bytes.first_chunk::<8>()) {
        (0, _) => start,
        // Leading zeros do not change a CRC that starts with zero, so the head is one word padded with zeros.
        (length, Some(first)) if start == 0 => word(u64::from_be_bytes(*first) >> (64 - 8 * length)),
        _ => head.iter().fold(start, |crc, byte| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ byte)]),
    };
    for next in words.as_chunks::<8>().0 {
        crc = word(u64::from_be_bytes(*next) ^ u64::from(crc) << 48);
    }
    crc
}

#[inline]
fn word(bytes: u64) -> u16 {
    let byte = |place: usize| CRC16[place][usize::from((bytes >> (8 * place)) as u8)];
    (byte(0) ^ byte(1) ^ byte(2) ^ byte(3)) ^ (byte(4) ^ byte(5) ^ byte(6) ^ byte(7))
}

/// `CRC16[n][byte]` is what a byte adds to the CRC if `n` bytes follow it.
static CRC16: [[u16; 256]; 8] = crc16_tables();

const fn crc16_tables() -> [[u16; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut following = 1;
    while following < 8 {
        let mut index = 0;
        while index < 256 {
            let crc = tables[following - 1][index];
            tables[following][index] = (crc << 8) ^ tables[0][(crc >> 8) as usize];
            index += 1;
        }
        following += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, as in the definition.
    fn plain_crc16(bytes: &[u8]) -> u16 {
        bytes.iter().fold(0, |crc, byte| (crc << 8) ^ CRC16[0][usize::from((crc >> 8) as u8 ^ byte)])
    }

    #[test]
    fn slots_are_those_of_a_real_cluster() {
        // From CLUSTER KEYSLOT of a real server.
        assert_eq!(key_slot(b""), 0);
        assert_eq!(key_slot(b"123456789"), 0x31c3);
        assert_eq!(key_slot(b"foo"), 12182);
        assert_eq!(key_slot(b"{foo}.bar"), key_slot(b"foo"));
        assert_eq!(key_slot(b"a{foo}{bar}"), key_slot(b"foo"));
        assert_ne!(key_slot(b"{}foo"), key_slot(b"foo"));
        assert_eq!(key_slot(b"{}{foo}"), plain_crc16(b"{}{foo}") & 16383);
        assert_eq!(key_slot(b"{foo"), plain_crc16(b"{foo") & 16383);
        assert_eq!(key_slot(b"0123456789{tag}"), plain_crc16(b"tag") & 16383);
    }

    #[test]
    fn eight_at_a_time_gives_what_one_at_a_time_gives() {
        let key: Vec<u8> = (0..100u8).map(|byte| byte.wrapping_mul(97) ^ 0x5a).collect();
        for length in 0..key.len() {
            assert_eq!(crc16(0, &key[..length]), plain_crc16(&key[..length]), "{length}");
            for cut in 0..length {
                assert_eq!(crc16(plain_crc16(&key[..cut]), &key[cut..length]), plain_crc16(&key[..length]));
            }
        }
    }

    #[test]
    fn pieces_give_the_slot_of_the_whole() {
        for key in [&b"user:{1000}:following"[..], b"{}{a}", b"{a", b"plain", b"a}{b}{c}"] {
            for cut in 0..=key.len() {
                let mut hasher = SlotHasher::default();
                hasher.update(&key[..cut]);
                hasher.update(&key[cut..]);
                assert_eq!(hasher.slot(), key_slot(key));
            }
        }
    }
}
