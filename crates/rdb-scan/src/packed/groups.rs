//! The meaning of entries in lists, sets, hashes and sorted sets.

use std::fmt::Display;

use super::{Entry, Meaning, Seen};
use crate::{
    bytes::{
        hash::{hash_integer, hash_member},
        stop::{Result, broken},
    },
    fault::{FaultCode, HazardCode},
    pieces::{Length, Piece, Row, Whole},
};

/// List items, which are only counted.
#[derive(Debug, Default)]
pub(crate) struct Items {
    seen: u64,
}

impl Meaning for Items {
    #[inline]
    fn entry(&mut self, _: Entry<'_>, _: &mut Seen) -> Result<()> {
        self.seen += 1;
        Ok(())
    }

    fn unseen(&mut self, entries: u64) {
        self.seen += entries;
    }

    fn end(&mut self, _: &mut Seen) -> Result<u64> {
        Ok(self.seen)
    }
}

/// Groups of a member or field and what belongs to it: 1 entry for sets, 2 for hashes, 3 for hashes with expiries.
#[derive(Debug)]
pub(crate) struct Groups<const GROUP: u64> {
    code: FaultCode,
    seen: u64,
    place: u64,
    last_expiry: i64,
    /// Whether rows are reported; then what has been read of the current one.
    measured: bool,
    member: Length,
    value: Length,
}

/// The last time at which Redis lets a field expire, in Unix milliseconds (`EB_EXPIRE_TIME_MAX`).
pub(crate) const MAX_FIELD_EXPIRY_MS: u64 = (1 << 48) - 1;

impl<const GROUP: u64> Groups<GROUP> {
    pub(crate) fn new(code: FaultCode) -> Self {
        Self {
            code,
            seen: 0,
            place: 0,
            last_expiry: -1,
            measured: false,
            member: Length::default(),
            value: Length::default(),
        }
    }
}

impl<const GROUP: u64> Groups<GROUP> {
    /// Takes the length of the next entry of a group. The last one completes a row.
    #[inline]
    fn measure(&mut self, entry: Entry<'_>, expires: bool, seen: &mut Seen) {
        match self.place {
            0 => self.member = entry.length(),
            1 => self.value = entry.length(),
            _ => {}
        }
        if self.place + 1 == GROUP {
            let Self { member, value, .. } = *self;
            if expires {
                seen.pieces.push(Piece::FieldExpiry(self.last_expiry.unsigned_abs()));
                seen.pieces.push(Piece::ExpiringRow(Row { member, value }));
            } else {
                seen.pieces.push_row(member, value);
            }
        }
    }

    /// Reads the expiry of a field. Fields are ordered by expiry, and those without one (0) come last.
    fn expiry(&mut self, entry: Entry<'_>) -> Result<i64> {
        let Entry::Int(expiry) = entry else {
            let entry = GROUP * self.seen + 2;
            return broken(self.code, format!("entry {entry} should be an expiry but is a string"));
        };
        if !u64::try_from(expiry).is_ok_and(|expiry| expiry <= MAX_FIELD_EXPIRY_MS) {
            return bad_field_expiry(&format!("field {}", self.seen), expiry);
        }
        if expiry != 0 && (self.last_expiry == 0 || expiry < self.last_expiry) {
            let (field, last) = (self.seen, self.last_expiry);
            let message = format!(
                "field {field} expires at {expiry} but follows one that expires at {last} (0: never)"
            );
            return broken(self.code, message);
        }
        self.last_expiry = expiry;
        Ok(expiry)
    }
}

impl<const GROUP: u64> Meaning for Groups<GROUP> {
    fn begin(&mut self, expected: u64, seen: &mut Seen) {
        seen.members.begin(expected / GROUP, GROUP > 1);
        let Whole { hash, set, .. } = seen.pieces.whole;
        let whole = if GROUP == 1 { set } else { hash };
        self.measured = seen.pieces.is_on() && expected / GROUP > whole;
    }

    #[inline]
    fn entry(&mut self, entry: Entry<'_>, seen: &mut Seen) -> Result<()> {
        let mut expires = false;
        match (self.place, entry) {
            (0, entry) => member(entry, seen),
            (2, entry) => {
                expires = self.expiry(entry)? != 0;
                seen.field_expires += u64::from(expires);
            }
            _ => {}
        }
        if self.measured {
            self.measure(entry, expires, seen);
        }
        self.place += 1;
        if self.place == GROUP {
            self.place = 0;
            self.seen += 1;
        }
        Ok(())
    }

    fn end(&mut self, seen: &mut Seen) -> Result<u64> {
        if self.place != 0 {
            let entries = GROUP * self.seen + self.place;
            // Servers count entries by halves: one entry is no field, and without a deep check they skip the key as
            // empty.
            if self.code == FaultCode::BadListpack && GROUP == 2 && self.seen == 0 {
                let message = || format!("{entries} entry cannot be a field and its value");
                seen.contradictions.note(HazardCode::ListpackCount, message);
                return Ok(self.seen);
            }
            return incomplete(self.code, entries, GROUP);
        }
        Ok(self.seen)
    }
}

/// Pairs of member and score.
#[derive(Debug)]
pub(crate) struct Scores {
    code: FaultCode,
    seen: u64,
    score: bool,
    measured: bool,
    member: Length,
}

impl Scores {
    pub(crate) fn new(code: FaultCode) -> Self {
        Self { code, seen: 0, score: false, measured: false, member: Length::default() }
    }
}

impl Meaning for Scores {
    fn begin(&mut self, expected: u64, seen: &mut Seen) {
        seen.members.begin(expected / 2, false);
        self.measured = seen.pieces.is_on() && expected / 2 > seen.pieces.whole.zset;
    }

    #[inline]
    fn entry(&mut self, entry: Entry<'_>, seen: &mut Seen) -> Result<()> {
        if self.score {
            if let Entry::Text(text) = entry
                && is_nan(text)
            {
                let member = self.seen;
                let message = || format!("score of member {member} is not a number (NaN)");
                seen.contradictions.note(HazardCode::PackedScore, message);
            }
            self.seen += 1;
            if self.measured {
                seen.pieces.push_row(self.member, entry.length());
            }
        } else {
            member(entry, seen);
            if self.measured {
                self.member = entry.length();
            }
        }
        self.score = !self.score;
        Ok(())
    }

    fn end(&mut self, _: &mut Seen) -> Result<u64> {
        if self.score {
            return incomplete(self.code, 2 * self.seen + 1, 2);
        }
        Ok(self.seen)
    }
}

#[inline]
fn member(entry: Entry<'_>, seen: &mut Seen) {
    match entry {
        Entry::Int(number) => seen.members.push(hash_integer(number)),
        Entry::Text(text) => seen.members.push(hash_member(text)),
        Entry::Long(_) => seen.members.push_unseen(),
    }
}

#[cold]
pub(crate) fn bad_score<T>(index: u64) -> Result<T> {
    broken(FaultCode::BadScore, format!("score of member {index} is not a number (NaN)"))
}

#[cold]
pub(crate) fn bad_field_expiry<T>(field: &str, expiry: impl Display) -> Result<T> {
    let message = format!("{field} expires at {expiry}; expected milliseconds up to {MAX_FIELD_EXPIRY_MS}");
    broken(FaultCode::BadValue, message)
}

#[cold]
fn incomplete<T>(code: FaultCode, entries: u64, group: u64) -> Result<T> {
    broken(code, format!("{entries} entries cannot be groups of {group}"))
}

/// Whether a score is "nan" in any case, with or without a sign.
#[inline]
fn is_nan(text: &[u8]) -> bool {
    if matches!(text.first(), Some(b'0'..=b'9')) {
        return false;
    }
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"nan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_found_however_it_is_written() {
        for text in ["nan", "-nan", "NaN", "+nan", " nan(0)"] {
            assert!(is_nan(text.as_bytes()), "{text}");
        }
        for text in ["", "n", "1", "inf", "-inf"] {
            assert!(!is_nan(text.as_bytes()), "{text}");
        }
    }
}
