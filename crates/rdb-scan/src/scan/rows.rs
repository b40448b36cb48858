//! Table rows that are stored plainly and are in memory. Nearly all are, so a loop that handles nothing else is fast.

use crate::{
    bytes::{
        cursor::{Cursor, plain_at},
        hash::hash_member,
    },
    packed::Seen,
    pieces::{Length, lengths},
};

/// Rows of one text.
pub(super) const SET: u8 = 0;
/// Rows of two texts.
pub(super) const HASH: u8 = 1;
/// Rows of a text and a score of eight bytes.
pub(super) const ZSET: u8 = 2;

/// Whether only the lengths of members are reported for these rows.
pub(super) const fn only_counts(row: u8, lengths: u8) -> bool {
    lengths == lengths::TEXTS && row != HASH
}

/// Reads such rows up to the first other one, or until the batch of pieces is full. Returns how many. The table has
/// `left` rows left.
pub(super) fn plain_rows<const ROW: u8, const LENGTHS: u8>(
    cursor: &mut Cursor<'_>,
    left: u64,
    seen: &mut Seen,
) -> u64 {
    let Seen { members, pieces, .. } = seen;
    let Some(mut room) = members.room_for(left) else { return 0 };
    let bytes = cursor.rest();
    let (mut at, mut rows) = (0, 0);
    while rows < left {
        let Some((member, mut behind)) = plain_at(bytes, at) else { break };
        let mut value = Length::default();
        if ROW == HASH {
            let Some((text, end)) = plain_at(bytes, behind) else { break };
            (value, behind) = (pieces.length::<LENGTHS>(text), end);
        }
        if ROW == ZSET {
            let score = bytes.get(behind..).and_then(|rest| rest.first_chunk());
            let Some(score) = score.map(|score| f64::from_le_bytes(*score)).filter(|score| !score.is_nan())
            else {
                break;
            };
            behind += 8;
            if LENGTHS == lengths::INTEGERS {
                value = score_length(score);
            }
        }
        room.push(hash_member(member));
        (at, rows) = (behind, rows + 1);
        let length = pieces.length::<LENGTHS>(member);
        if only_counts(ROW, LENGTHS) && pieces.count_member(length) {
            continue;
        }
        if LENGTHS != lengths::NONE && pieces.push_row_of_many(length, value) {
            break;
        }
    }
    cursor.pass(at as u64);
    cursor.commit();
    rows
}

/// The length of a score as servers write it into a listpack: as an integer if it is one below 2^62, else as the
/// shortest text that reads back as the same number, in decimal or exponent form (`fpconv_dtoa`).
#[cold]
pub(super) fn score_length(score: f64) -> Length {
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
