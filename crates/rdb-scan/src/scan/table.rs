//! Sets, hashes and sorted sets that are stored member by member.

use serde::{Deserialize, Serialize};

use super::{
    ahead::Then,
    rows::{HASH, SET, ZSET, only_counts, plain_rows, score_length},
    text::Shared,
};
use crate::{
    bytes::{
        cursor::Cursor,
        stop::{Result, broken},
    },
    fault::{FaultCode, HazardCode},
    format::value_type::TableRow,
    packed::{MAX_FIELD_EXPIRY_MS, bad_field_expiry, bad_score, members::MAX_MEMBERS},
    pieces::{Length, MAX_PACKED_ROWS, Piece, Row, lengths},
};

/// The number of rows that are read one by one after a row that is not stored plainly.
const OTHER_ROWS: u64 = 16;

/// The state of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    row: TableRow,
    count: u64,
    left: u64,
    /// The expiry from which those of Redis's fields count; 0 if they are absolute.
    least_expiry: u64,
    part: TablePart,
    /// What has been read of the current row.
    member: Length,
    value: Length,
    expires: bool,
    expires_at: u64,
}

/// The next part of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum TablePart {
    Member,
    Rest,
    Expiry,
}

impl Table {
    /// Reads the number of rows.
    pub(crate) fn begin(
        cursor: &mut Cursor<'_>,
        row: TableRow,
        least_expiry: u64,
        shared: &mut Shared,
    ) -> Result<Self> {
        let count = cursor.count(row.least_bytes())?;
        if count <= MAX_MEMBERS as u64 {
            let is_hash =
                !matches!(row, TableRow::Member | TableRow::MemberAndScore | TableRow::MemberAndTextScore);
            shared.seen.members.begin(count, is_hash);
        }
        shared.seen.pieces.sorts_integers = shared.seen.pieces.is_on() && count <= MAX_PACKED_ROWS;
        let (member, value) = (Length::default(), Length::default());
        Ok(Self {
            row,
            count,
            left: count,
            least_expiry,
            part: TablePart::Member,
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

    /// Whether the members of this table are compared with each other.
    pub(crate) fn is_compared(&self) -> bool {
        self.count <= MAX_MEMBERS as u64
    }

    /// Reads rows up to the end, or up to a string that is not complete.
    #[inline]
    pub(crate) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        // One loop per row type, so that the compiler knows the row.
        match self.row {
            TableRow::Member => self.rows::<SET>(cursor, shared),
            TableRow::MemberAndValue => self.rows::<HASH>(cursor, shared),
            TableRow::MemberAndScore => self.rows::<ZSET>(cursor, shared),
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
        if only_counts(ROW, LENGTHS) {
            shared.seen.pieces.begin_members();
        }
        // An open string comes first.
        while self.left > 0 && self.part == TablePart::Member && !shared.is_interrupted() {
            let rows = plain_rows::<ROW, LENGTHS>(cursor, self.left, &mut shared.seen);
            self.left -= rows;
            // If one row is not stored plainly, others probably are not either.
            let others = if rows == 0 { OTHER_ROWS } else { 1 };
            for _ in 0..others.min(self.left) {
                if shared.is_interrupted() || !self.other_row::<ROW, LENGTHS>(cursor, shared)? {
                    break;
                }
            }
        }
        if shared.is_interrupted() {
            return Ok(());
        }
        self.any_rows(cursor, shared)
    }

    /// Reads a row. Returns false if its member is too long to be read.
    fn other_row<const ROW: u8, const LENGTHS: u8>(
        &mut self,
        cursor: &mut Cursor<'_>,
        shared: &mut Shared,
    ) -> Result<bool> {
        let (hash, member) = shared.member::<LENGTHS>(cursor)?;
        let Some(hash) = hash else {
            shared.seen.members.push_unseen();
            (self.member, self.value, self.expires) = (member, Length::default(), false);
            if ROW == SET {
                shared.seen.pieces.push_row(member, Length::default());
                self.left -= 1;
            } else {
                self.part = TablePart::Rest;
            }
            cursor.commit();
            return Ok(false);
        };
        let value = match ROW {
            HASH if LENGTHS == lengths::NONE => {
                shared.pass(cursor, Then::Other)?;
                Length::default()
            }
            HASH => shared.measure::<LENGTHS>(cursor)?,
            ZSET => self.score(cursor, shared)?,
            _ => Length::default(),
        };
        shared.seen.members.push(hash);
        let pieces = &mut shared.seen.pieces;
        if LENGTHS != lengths::NONE && !(only_counts(ROW, LENGTHS) && pieces.count_member(member)) {
            pieces.push_row(member, value);
        }
        self.left -= 1;
        cursor.commit();
        Ok(true)
    }

    fn any_rows(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while self.left > 0 && !shared.is_interrupted() {
            let (part, length) = match self.part {
                TablePart::Member => self.member(cursor, shared)?,
                TablePart::Rest => self.rest(cursor, shared)?,
                TablePart::Expiry => self.valkey_expiry(cursor, shared)?,
            };
            match self.part {
                TablePart::Member => (self.member, self.value) = (length, Length::default()),
                TablePart::Rest => self.value = length,
                TablePart::Expiry => {}
            }
            self.part = part;
            if part == TablePart::Member {
                self.left -= 1;
                let Self { member, value, expires, .. } = *self;
                if expires {
                    shared.seen.pieces.push(Piece::FieldExpiry(self.expires_at));
                    shared.seen.pieces.push(Piece::ExpiringRow(Row { member, value }));
                } else {
                    shared.seen.pieces.push_row(member, value);
                }
            }
            cursor.commit();
        }
        Ok(())
    }

    fn member(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(TablePart, Length)> {
        let expires =
            matches!(self.row, TableRow::ExpiryFieldAndValue { .. }) && self.redis_expiry(cursor, shared)?;
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
        Ok((if self.row == TableRow::Member { TablePart::Member } else { TablePart::Rest }, length))
    }

    fn rest(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(TablePart, Length)> {
        let length = match self.row {
            TableRow::MemberAndScore => self.score(cursor, shared)?,
            TableRow::MemberAndTextScore => self.text_score(cursor, shared)?,
            TableRow::Member
            | TableRow::MemberAndValue
            | TableRow::ExpiryFieldAndValue { .. }
            | TableRow::FieldValueAndExpiry => shared.measure::<{ lengths::ASK }>(cursor)?,
        };
        Ok((
            if self.row == TableRow::FieldValueAndExpiry { TablePart::Expiry } else { TablePart::Member },
            length,
        ))
    }

    #[inline]
    fn score(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Length> {
        let score = f64::from_le_bytes(cursor.array()?);
        if score.is_nan() {
            shared.contain(bad_score::<()>(self.count - self.left))?;
        }
        Ok(if shared.seen.pieces.sorts_integers { score_length(score) } else { Length::default() })
    }

    /// Reads the expiry of a field of a Redis hash, and returns whether it has one: 0 is none, 1 the least expiry.
    fn redis_expiry(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<bool> {
        let number = cursor.number()?;
        // Computed as servers do: an overflow wraps around.
        let expiry = number.wrapping_add(self.least_expiry.saturating_sub(1));
        if number != 0 && expiry > MAX_FIELD_EXPIRY_MS {
            let field = format!("field {}", self.count - self.left);
            shared.contain(bad_field_expiry::<()>(&field, expiry))?;
        }
        Ok(number != 0)
    }

    /// Reads the expiry of a field of a Valkey hash.
    fn valkey_expiry(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<(TablePart, Length)> {
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
        Ok((TablePart::Member, Length::default()))
    }

    fn text_score(&self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Length> {
        let index = self.count - self.left;
        match cursor.u8()? {
            253 => shared.contain(bad_score::<()>(index))?,
            254 | 255 => None,
            bytes => {
                let text = cursor.take(usize::from(bytes))?;
                let (number, used) = leading_number(text);
                if number.is_nan() {
                    let text = text.escape_ascii();
                    let message = format!("score of member {index} is no number: \"{text}\"");
                    shared.contain(broken::<()>(FaultCode::BadScore, message))?;
                } else if used < text.len() {
                    let message = || {
                        let text = text.escape_ascii();
                        format!(
                            "score of member {index} has bytes past its number: \"{text}\"; servers read {number}"
                        )
                    };
                    shared.seen.contradictions.note(HazardCode::ScoreTail, message);
                }
                return Ok(Length::of(&text[..used]));
            }
        };
        Ok(Length::text(4))
    }
}

/// Parses the number at the start of a text as `sscanf` does. Returns it with the number of bytes that were used; NaN
/// if there is none.
///
/// An exponent without digits makes it no number: older C libraries stop before it, newer ones fail.
fn leading_number(text: &[u8]) -> (f64, usize) {
    let spaces = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let parse = |end: usize| std::str::from_utf8(text.get(spaces..end)?).ok()?.parse::<f64>().ok();
    let ends = (spaces + 1..=text.len()).rev();
    let (number, end) = ends.into_iter().find_map(|end| Some((parse(end)?, end))).unwrap_or((f64::NAN, 0));
    if let Some(b'e' | b'E') = text.get(end) { (f64::NAN, 0) } else { (number, end) }
}
