//! The contents of values, whatever their encoding: read by code that shares nothing with the crates.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

/// The contents of a value, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    Text(Vec<u8>),
    List(Vec<Vec<u8>>),
    Set(Vec<Vec<u8>>),
    /// Members with the bits of their scores.
    Zset(Vec<(Vec<u8>, u64)>),
    /// Fields with values and expiries.
    Hash(Vec<(Vec<u8>, Vec<u8>, Option<i64>)>),
    Stream(Stream),
    /// A value of a type that is never rewritten, as it is.
    Other(u8, Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    pub length_and_last_id: Vec<u64>,
    /// First id, highest deleted id, entries added.
    pub history: Vec<u64>,
    pub groups: Vec<Group>,
    pub producers: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    pub name: Vec<u8>,
    pub last_id: Vec<u64>,
    pub entries_read: Vec<u64>,
    pub pending: Vec<(Vec<u8>, u64)>,
    pub consumers: Vec<Consumer>,
    pub given_back: Vec<Vec<u8>>,
}

/// Name, time seen, time active and the ids of pending entries.
pub type Consumer = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

/// Reads a value; none if it is not well-formed.
pub fn contents(id: u8, valkey: bool, value: &[u8]) -> Option<Contents> {
    let mut at = Bytes(value);
    let contents = match id {
        0 => Contents::Text(at.text()?),
        1 => Contents::List(at.texts()?),
        2 => Contents::Set(at.texts()?),
        4 => Contents::Hash(at.rows(|at| Some((at.text()?, at.text()?, None)))?),
        5 => Contents::Zset(at.rows(|at| Some((at.text()?, at.u64()?)))?),
        14 => Contents::List(at.rows(|at| ziplist(&at.text()?))?.concat()),
        15 | 19 | 21 | 26 | 27 => Contents::Stream(at.stream(match id {
            15 => 1,
            19 => 2,
            21 => 3,
            26 => 4,
            _ => 5,
        })?),
        16 => Contents::Hash(listpack(&at.text()?)?.chunks(2).map(pair).collect::<Option<_>>()?),
        17 => Contents::Zset(listpack(&at.text()?)?.chunks(2).map(scored).collect::<Option<_>>()?),
        18 => Contents::List(
            at.rows(|at| match at.number()? {
                1 => Some(vec![at.text()?]),
                _ => listpack(&at.text()?),
            })?
            .concat(),
        ),
        20 => Contents::Set(listpack(&at.text()?)?),
        22 if valkey => Contents::Hash(at.rows(|at| {
            let (field, value, expiry) = (at.text()?, at.text()?, at.u64()?.cast_signed());
            Some((field, value, (expiry != -1).then_some(expiry)))
        })?),
        22 | 24 => {
            let least = if id == 24 { at.u64()?.wrapping_sub(1) } else { 0 };
            Contents::Hash(at.rows(|at| {
                let expiry = at.number()?;
                let expiry = (expiry != 0).then(|| expiry.wrapping_add(least).cast_signed());
                Some((at.text()?, at.text()?, expiry))
            })?)
        }
        23 | 25 => {
            if id == 25 {
                at.u64()?;
            }
            Contents::Hash(listpack(&at.text()?)?.chunks(3).map(expiring).collect::<Option<_>>()?)
        }
        // Their fields are elsewhere.
        30 | 32 => return None,
        _ => return Some(Contents::Other(id, value.to_vec())),
    };
    at.0.is_empty().then_some(contents)
}

type Field = (Vec<u8>, Vec<u8>, Option<i64>);

fn pair(row: &[Vec<u8>]) -> Option<Field> {
    let [field, value] = row else { return None };
    Some((field.clone(), value.clone(), None))
}

fn expiring(row: &[Vec<u8>]) -> Option<Field> {
    let [field, value, expiry] = row else { return None };
    let expiry = std::str::from_utf8(expiry).ok()?.parse().ok()?;
    Some((field.clone(), value.clone(), (expiry > 0).then_some(expiry)))
}

fn scored(row: &[Vec<u8>]) -> Option<(Vec<u8>, u64)> {
    let [member, score] = row else { return None };
    let score: f64 = std::str::from_utf8(score).ok()?.trim().parse().ok()?;
    Some((member.clone(), score.to_bits()))
}

/// The bytes that are still to be read.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn take(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A length, or the number of an encoding.
    fn length(&mut self) -> Option<Result<u64, u8>> {
        let first = self.take(1)?[0];
        Some(Ok(match first {
            0..0x40 => u64::from(first),
            0x40..0x80 => u64::from(first & 0x3f) << 8 | u64::from(self.take(1)?[0]),
            0x80 => u64::from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)),
            0x81 => u64::from_be_bytes(self.take(8)?.try_into().ok()?),
            0xc0.. => return Some(Err(first & 0x3f)),
            _ => return None,
        }))
    }

    fn number(&mut self) -> Option<u64> {
        self.length()?.ok()
    }

    fn numbers(&mut self, count: usize) -> Option<Vec<u64>> {
        (0..count).map(|_| self.number()).collect()
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let integer = match self.length()? {
            Ok(bytes) => return self.take(usize::try_from(bytes).ok()?),
            Err(0) => i64::from(i8::from_le_bytes(self.take(1)?.try_into().ok()?)),
            Err(1) => i64::from(i16::from_le_bytes(self.take(2)?.try_into().ok()?)),
            Err(2) => i64::from(i32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            Err(3) => {
                let (packed, bytes) = (self.number()?, self.number()?);
                let text = unpack(&self.take(usize::try_from(packed).ok()?)?)?;
                return (text.len() as u64 == bytes).then_some(text);
            }
            Err(_) => return None,
        };
        Some(integer.to_string().into_bytes())
    }

    fn rows<T>(&mut self, row: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| row(self)).collect()
    }

    fn texts(&mut self) -> Option<Vec<Vec<u8>>> {
        self.rows(Self::text)
    }

    fn stream(&mut self, version: u8) -> Option<Stream> {
        let nodes = self.rows(|at| Some((at.text()?, at.text()?)))?;
        let length_and_last_id = self.numbers(3)?;
        let history = self.numbers(if version >= 2 { 5 } else { 0 })?;
        let groups = self.rows(|at| {
            Some(Group {
                name: at.text()?,
                last_id: at.numbers(2)?,
                entries_read: at.numbers(usize::from(version >= 2))?,
                pending: at.rows(|at| Some((at.take(24)?, at.number()?)))?,
                consumers: at.rows(|at| {
                    let active = if version >= 3 { 8 } else { 0 };
                    Some((at.text()?, at.take(8)?, at.take(active)?, at.rows(|at| at.take(16))?.concat()))
                })?,
                given_back: if version >= 5 { at.rows(|at| at.take(16))? } else { Vec::new() },
            })
        })?;
        let producers = if version >= 4 { self.take(self.0.len())? } else { Vec::new() };
        Some(Stream { nodes, length_and_last_id, history, groups, producers })
    }
}

impl Contents {
    /// What a target holds of it: hash fields lose what has expired, and their expiries, unless those are kept; streams
    /// lose what is newer than their version. None if nothing is left.
    pub fn held(self, keeps_expiries: bool, now_ms: i64, stream_version: u8) -> Option<Self> {
        match self {
            Self::Hash(fields) if !keeps_expiries => {
                let had = !fields.is_empty();
                let kept: Vec<_> = fields
                    .into_iter()
                    .filter(|(_, _, expiry)| expiry.is_none_or(|at| at > now_ms))
                    .map(|(field, value, _)| (field, value, None))
                    .collect();
                (!had || !kept.is_empty()).then_some(Self::Hash(kept))
            }
            Self::Stream(mut stream) => {
                stream.producers.clear();
                for group in &mut stream.groups {
                    let given_back = std::mem::take(&mut group.given_back);
                    group.pending.retain(|(entry, _)| !given_back.iter().any(|id| entry[..16] == id[..]));
                    if stream_version < 3 {
                        group.consumers.iter_mut().for_each(|consumer| consumer.2.clear());
                    }
                    if stream_version < 2 {
                        group.entries_read.clear();
                    }
                }
                if stream_version < 2 {
                    stream.history.clear();
                }
                Some(Self::Stream(stream))
            }
            other => Some(other),
        }
    }
}

/// Decompresses LZF.
fn unpack(mut packed: &[u8]) -> Option<Vec<u8>> {
    let mut text: Vec<u8> = Vec::new();
    while let Some((&first, rest)) = packed.split_first() {
        let first = usize::from(first);
        if first < 32 {
            let (run, rest) = rest.split_at_checked(first + 1)?;
            text.extend(run);
            packed = rest;
            continue;
        }
        let (mut length, mut rest) = (first >> 5, rest);
        if length == 7 {
            length += usize::from(*rest.first()?);
            rest = &rest[1..];
        }
        let back = (first & 31) << 8 | usize::from(*rest.first()?);
        packed = &rest[1..];
        let start = text.len().checked_sub(back + 1)?;
        (start..start + length + 2).for_each(|place| text.push(text[place]));
    }
    Some(text)
}

fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut whole = [if negative { 0xff } else { 0 }; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(whole)
}

pub fn listpack(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut at, mut entries) = (Bytes(bytes.get(6..)?), Vec::new());
    loop {
        let before = at.0.len();
        let first = at.take(1)?[0];
        let mut number = |bytes| Some(integer(&at.take(bytes)?).to_string().into_bytes());
        entries.push(match first {
            0..0x80 => first.to_string().into_bytes(),
            0x80..0xc0 => at.take(usize::from(first & 0x3f))?,
            0xc0..0xe0 => {
                let bits = i64::from(first & 0x1f) << 8 | i64::from(at.take(1)?[0]);
                (if bits >= 4096 { bits - 8192 } else { bits }).to_string().into_bytes()
            }
            0xe0..0xf0 => {
                let low = at.take(1)?[0];
                at.take(usize::from(first & 15) << 8 | usize::from(low))?
            }
            0xf0 => {
                let bytes = u32::from_le_bytes(at.take(4)?.try_into().ok()?);
                at.take(bytes as usize)?
            }
            0xf1 => number(2)?,
            0xf2 => number(3)?,
            0xf3 => number(4)?,
            0xf4 => number(8)?,
            0xff => return Some(entries),
            _ => return None,
        });
        let bytes = before - at.0.len();
        at.take(match bytes {
            0..128 => 1,
            128..16_384 => 2,
            16_384..2_097_152 => 3,
            _ => 4,
        })?;
    }
}

pub fn ziplist(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut at, mut entries) = (Bytes(bytes.get(10..)?), Vec::new());
    loop {
        match at.take(1)?[0] {
            0xff => return Some(entries),
            0xfe => drop(at.take(4)?),
            _ => {}
        }
        let first = at.take(1)?[0];
        let mut number = |bytes| Some(integer(&at.take(bytes)?).to_string().into_bytes());
        entries.push(match first {
            0..0x40 => at.take(usize::from(first))?,
            0x40..0x80 => {
                let low = at.take(1)?[0];
                at.take(usize::from(first & 0x3f) << 8 | usize::from(low))?
            }
            0x80 => {
                let bytes = u32::from_be_bytes(at.take(4)?.try_into().ok()?);
                at.take(bytes as usize)?
            }
            0xc0 => number(2)?,
            0xd0 => number(4)?,
            0xe0 => number(8)?,
            0xf0 => number(3)?,
            0xfe => number(1)?,
            0xf1..=0xfd => ((first & 15) - 1).to_string().into_bytes(),
            _ => return None,
        });
    }
}
