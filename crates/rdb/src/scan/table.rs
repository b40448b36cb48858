//! Sets, hashes and sorted sets that are written member by member.
use serde::{Deserialize, Serialize};

use super::ahead::Then;
use super::text::Shared;
use crate::cursor::Cursor;
use crate::fault::FaultCode;
use crate::members::MAX_MEMBERS;
use crate::packed::{MAX_FIELD_EXPIRY_MS, bad_field_expiry, bad_score};
use crate::pieces::{Length, MAX_PACKED_ROWS, Piece, Row as Measured, lengths};
use crate::stop::{Result, broken};

/// A table that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    row: Row,
    count: u64,
    left: u64,
    /// What the expiries of Redis's fields are counted from; 0 where they are absolute.
    least_expiry: u64,
    part: Part,
    /// What has been read of the row.
    member: Length,
    value: Length,
    expires: bool,
    expires_at: u64,
}

/// What comes next of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Part {
    Member,
    Rest,
    Expiry,
}

/// What stands in a table for each member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Row {
    Member,
    MemberAndValue,
    MemberAndScore,
    /// The score is written as text, with three lengths that stand for what is no number.
    MemberAndTextScore,
    /// Valkey: the expiry is eight bytes, -1 for none.
    FieldValueAndExpiry,
    /// Redis: the expiry is a length, 0 for none.
    ExpiryFieldAndValue,
}

impl Row {
    fn least_bytes(self) -> u64 {
        match self {
            Self::Member => 1,
            Self::MemberAndValue | Self::MemberAndTextScore => 2,
            Self::ExpiryFieldAndValue => 3,
            Self::MemberAndScore => 9,
            Self::FieldValueAndExpiry => 10,
        }
    }
}

impl Table {
    /// Reads the number of rows.
    pub(crate) fn begin(
        cursor: &mut Cursor<'_>,
        row: Row,
        least_expiry: u64,
        shared: &mut Shared,
    ) -> Result<Self> {
        let count = cursor.count(row.least_bytes())?;
        if count <= MAX_MEMBERS as u64 {
            shared.seen.members.begin(count);
        }
        shared.seen.pieces.sorts_integers = shared.seen.pieces.is_on() && count <= MAX_PACKED_ROWS;
        let (member, value) = (Length::default(), Length::default());
        Ok(Self {
            row,
            count,
            left: count,
            least_expiry,
            part: Part::Member,
            member,
            value,
            expires: false,
            expires_at: 0,
        })
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Whether the members of a table of so many rows are compared with each other.
    pub(crate) fn is_compared(&self) -> bool {
        self.count <= MAX_MEMBERS as u64
    }

    /// Reads rows up to the end, or up to a string that is not all there.
    #[inline]
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        // Each in a loop of its own, where the compiler knows the row.
        match self.row {
            Row::Member => self.rows::<{ Row::Member as u8 }>(cursor, shared),
            Row::MemberAndValue => self.rows::<{ Row::MemberAndValue as u8 }>(cursor, shared),
            Row::MemberAndScore => self.rows::<{ Row::MemberAndScore as u8 }>(cursor, shared),
            _ => self.any_rows(cursor, shared),
        }
    }

    #[inline]
    fn rows<const ROW: u8>(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        match (shared.seen.pieces.is_on(), shared.seen.pieces.sorts_integers) {
            (false, _) => self.rows_of::<ROW, { lengths::NONE }>(cursor, shared),
            (true, false) => self.rows_of::<ROW, { lengths::TEXTS }>(cursor, shared),
            (true, true) => self.rows_of::<ROW, { lengths::INTEGERS }>(cursor, shared),
        }
    }

    fn rows_of<const ROW: u8, const LENGTHS: u8>(
        &mut self,
        cursor: &mut Cursor<'_>,
        shared: &mut Shared,
    ) -> Result<()> {
        if !self.is_compared() {
            return self.any_rows(cursor, shared);
        }
        let only_counts = LENGTHS == lengths::TEXTS && ROW != Row::MemberAndValue as u8;
        if only_counts {
            shared.seen.pieces.begin_members();
        }
        while self.left > 0 && self.part == Part::Member {
            let (hash, member) = shared.member::<LENGTHS>(cursor)?;
            let Some(hash) = hash else {
                shared.seen.members.push_unseen();
                (self.member, self.value, self.expires) = (member, Length::default(), false);
                if ROW == Row::Member as u8 {
                    shared.seen.pieces.push_row(member, Length::default());
                    self.left -= 1;
                } else {
                    self.part = Part::Rest;
                }
                cursor.commit();
                break;
            };
            let mut value = Length::default();
            if ROW == Row::MemberAndValue as u8 {
                if LENGTHS == lengths::NONE {
                    shared.pass(cursor, Then::Other)?;
                } else {
                    value = shared.measure::<LENGTHS>(cursor)?;
                }
            }
            if ROW == Row::MemberAndScore as u8 {
                value = self.score(cursor, shared)?;
            }
            shared.seen.members.push(hash);
            self.left -= 1;
            cursor.commit();
            if only_counts && shared.seen.pieces.count_member(member) {
                continue;
            }
            let full = LENGTHS != lengths::NONE && shared.seen.pieces.push_row_of_many(member, value);
            // Of the others no string can be open behind a member that has been seen.
            if full || (ROW == Row::MemberAndValue as u8 && shared.open.is_some()) {
                return Ok(());
            }
        }
        if shared.is_interrupted() {
            return Ok(());
        }
        self.any_rows(cursor, shared)
    }

    fn any_rows(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while self.left > 0 && !shared.is_interrupted() {
            let (part, length) = match self.part {
                Part::Member => self.member(cursor, shared)?,
                Part::Rest => self.rest(cursor, shared)?,
                Part::Expiry => self.valkey_expiry(cursor, shared)?,
            };
            match self.part {
                Part::Member => (self.member, self.value) = (length, Length::default()),
                Part::Rest => self.value = length,
                Part::Expiry => {}
            }
            self.part = part;
            if part == Part::Member {
                self.left -= 1;
                let Self { member, value, expires, .. } = *self;
                if expires {
                    shared.seen.pieces.push(Piece::FieldExpiry(self.expires_at));
                    shared.seen.pieces.push(Piece::ExpiringRow(Measured { member, value }));
                } else {
                    shared.seen.pieces.push_row(member, value);
                }
            }
            cursor.commit();
        }
        Ok(())
    }

    fn member(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(Part, Length)> {
        let expires = self.row == Row::ExpiryFieldAndValue && self.redis_expiry(cursor, shared)?;
        let length = if self.is_compared() {
            let (hash, length) = shared.member::<{ lengths::ASK }>(cursor)?;
            match hash {
                Some(hash) => shared.seen.members.push(hash),
                None => shared.seen.members.push_unseen(),
            }
            length
        } else {
            shared.measure::<{ lengths::ASK }>(cursor)?
        };
        self.expires = expires;
        shared.seen.field_expires += u64::from(expires);
        Ok((if self.row == Row::Member { Part::Member } else { Part::Rest }, length))
    }

    fn rest(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(Part, Length)> {
        let length = match self.row {
            Row::MemberAndScore => self.score(cursor, shared)?,
            Row::MemberAndTextScore => self.text_score(cursor, shared)?,
            Row::Member | Row::MemberAndValue | Row::ExpiryFieldAndValue | Row::FieldValueAndExpiry => {
                shared.measure::<{ lengths::ASK }>(cursor)?
            }
        };
        Ok((if self.row == Row::FieldValueAndExpiry { Part::Expiry } else { Part::Member }, length))
    }

    #[inline]
    fn score(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Length> {
        let score = f64::from_le_bytes(cursor.array()?);
        if score.is_nan() {
            shared.contain(bad_score::<()>(self.count - self.left))?;
        }
        Ok(if shared.seen.pieces.sorts_integers { score_length(score) } else { Length::default() })
    }

    /// Whether a field of a Redis hash expires: 0 stands for never, 1 for the least expiry.
    fn redis_expiry(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<bool> {
        let number = cursor.number()?;
        let expiry = number.saturating_add(self.least_expiry.saturating_sub(1));
        if number != 0 && expiry > MAX_FIELD_EXPIRY_MS {
            let field = format!("field {}", self.count - self.left);
            shared.contain(bad_field_expiry::<()>(&field, expiry))?;
        }
        Ok(number != 0)
    }

    /// When a field of a Valkey hash expires.
    fn valkey_expiry(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(Part, Length)> {
        const NONE: i64 = -1;
        let expiry = i64::from_le_bytes(cursor.array()?);
        if expiry < NONE {
            let index = self.count - self.left;
            let message = format!("field {index} expires at {expiry}; expected a time, or {NONE} for none");
            shared.contain(broken::<()>(FaultCode::BadValue, message))?;
        }
        self.expires = expiry != NONE;
        self.expires_at = expiry.unsigned_abs();
        shared.seen.field_expires += u64::from(self.expires);
        Ok((Part::Member, Length::default()))
    }

    fn text_score(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Length> {
        let index = self.count - self.left;
        match cursor.u8()? {
            253 => shared.contain(bad_score::<()>(index))?,
            254 | 255 => None,
            bytes => {
                let text = cursor.take(usize::from(bytes))?;
                let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<f64>().ok());
                if number.is_some_and(|number| !number.is_nan()) {
                    return Ok(Length::of(text));
                }
                let text = text.escape_ascii();
                let message = format!("score of member {index} is no number: \"{text}\"");
                shared.contain(broken::<()>(FaultCode::BadScore, message))?
            }
        };
        Ok(Length::text(4))
    }
}

/// The length of a score as servers write it into a listpack: an integer where it is one of 62 bits, or else the
/// shortest text that gives the same number, with an exponent from five digits before the point on (`fpconv_dtoa`).
#[cold]
fn score_length(score: f64) -> Length {
    const LARGEST: f64 = 4_611_686_018_427_387_904.0;
    if score.fract() == 0.0 && score.abs() < LARGEST {
        return Length::integer(score as i64);
    }
    let text = format!("{:e}", score.abs());
    let sign = u64::from(score.is_sign_negative());
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return Length::text(text.len() as u64 + sign);
    };
    let digits = mantissa.len() as u64 - u64::from(mantissa.contains('.'));
    let (below_one, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => (true, exponent),
        None => (false, exponent),
    };
    let (places, exponent) = (exponent.len() as u64, exponent.parse::<u64>().unwrap_or(0));
    let fraction = if below_one { digits - 1 + exponent } else { (digits - 1).saturating_sub(exponent) };
    let bytes = if fraction == 0 && exponent < digits + 7 {
        exponent + 1
    } else if fraction > 0 && (fraction < 7 || exponent < 4) {
        if below_one { 2 + fraction } else { digits + 1 }
    } else {
        digits + u64::from(digits > 1) + 2 + places
    };
    Length::text(bytes + sign)
}
